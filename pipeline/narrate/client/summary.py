"""Middle floor. Page one for the client: what needs a doctor, what the results say together."""

from pipeline.model import Flag, OpenFlag, Urgency
from pipeline.narrate.context import named
from pipeline.narrate.label import phase_key
from pipeline.narrate.reservations import client_reservations
from pipeline.narrate.safety import LEVELS, in_order
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import Weight, weight_of
from pipeline.story import Block, Callout, Paragraph, Section, Sentence


def client_title(telling: Telling) -> str:
    """Return the title of the report."""
    return telling.language.text("client.title")


def summary(telling: Telling) -> Section:
    """Return the open flags in plain words with how soon, then the phase and how certain it is."""
    last = telling.last
    about = telling.say("client.about", date=last.date, as_of=telling.interpretation.case.as_of)
    flags = in_order(telling.interpretation.open_flags)
    first = [telling.say(key) for key in _first_words(telling, flags)]
    blocks: tuple[Block, ...] = (
        Paragraph(sentences=(about, *first), style="lead"),
        *(_box(telling, flag) for flag in flags),
        _phase(telling),
        Paragraph(sentences=(telling.say("client.not_diagnosis"),), style="note"),
    )
    title = telling.language.text("client.sections.summary")
    return Section(id="summary", title=title, blocks=blocks)


def _first_words(telling: Telling, flags: tuple[OpenFlag, ...]) -> list[str]:
    """Return what leads: that a doctor comes first, or that nothing is open; else neither."""
    if any(flag.urgency is not Urgency.BANNER for flag in flags):
        return ["client.flags_first"]
    worst = min((weight_of(telling, one) for one in telling.last.findings), default=Weight.NONE)
    return ["client.no_flags"] if worst > Weight.REFER else []


def _box(telling: Telling, open_flag: OpenFlag) -> Callout:
    """Return a flag as a box: what was found, and how soon to call whom."""
    language, level = telling.language, LEVELS[open_flag.urgency]
    flags = [flag for _, flag in open_flag.bases]
    keys = dict.fromkeys(_key(telling, flag, one) for flag in flags for one in flag.branches)
    rows = tuple(dict.fromkeys(row for flag in flags for row in flag.rows))
    by = (open_flag.id,)
    doubtful = ("client.if_correct",) if open_flag.if_correct else ()
    said = (*doubtful, *keys, f"client.urgency.{level}")
    visits = [telling.visit(date) for date, _ in open_flag.bases]
    return Callout(
        level=level,  # type: ignore[arg-type]
        title=language.text(f"client.flags.{open_flag.id}.title"),
        label=language.text(f"client.labels.{level}"),
        sentences=(
            *(telling.say(key, by=by, rows=rows) for key in said),
            *client_reservations(telling, visits, open_flag.id),
        ),
        id=open_flag.id,
    )


def _key(telling: Telling, flag: Flag, branch: str) -> str:
    """Return the key of what held: the words of the branch, else those of the flag."""
    own = f"client.flags.{flag.id}.{branch}"
    return own if telling.language.has(own) else f"client.flags.{flag.id}.text"


def _phase(telling: Telling) -> Callout:
    language, last = telling.language, telling.last
    phase = last.phase
    confidence = language.text(f"client.confidence.{phase.confidence or 'none'}")
    sentences: list[Sentence] = [
        telling.say(f"client.phases.{phase_key(telling, last)}", by=(phase.rule,))
    ]
    if phase.missing:
        names = [named(telling, id) for id in phase.missing]
        sentences.append(telling.say("client.missing", by=(phase.rule,), items=names))
    return Callout(
        level="phase",
        title=language.text("client.phase_title"),
        label=language.text("client.certainty", confidence=confidence) if phase.confidence else "",
        sentences=(*sentences, *client_reservations(telling, (last,), "phase")),
        id=phase.id,
    )
