"""Middle floor. The phase in words: the box of page one, and the reasoning behind it."""

from pipeline.language import capitalised
from pipeline.model import Finding, Phase, Visit
from pipeline.narrate.context import named, stated_words
from pipeline.narrate.crossing import crossed_of
from pipeline.narrate.label import (
    GLUCOSE_LOWERING,
    INSULIN,
    WITHOUT_INSULIN,
    phase_key,
    phase_title,
    why_no_insulin,
)
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import value_of
from pipeline.rules.formulas import COMPUTED
from pipeline.story import Bullets, Callout, Column, Facts, Row, RowGroup, Sentence, Table

_INFLUENCING = ("insulin", "sulfonylurea", "glinide", "metformin", "sglt2", "glucocorticoid")
_HYPERGLYCAEMIA = frozenset(("hyperglycaemia_symptoms", "polyuria", "polydipsia"))
_ANSWERS: dict[bool | None, str] = {True: "yes", False: "no", None: "unknown"}


def phase_box(telling: Telling, visit: Visit) -> Callout:
    """Return the box of page one: the phase, how certain it is, and the reasoning in a sentence."""
    language = telling.language
    return Callout(
        level="phase",
        title=language.text("phases.callout", title=phase_title(telling, visit)),
        label=language.text("phases.callout_label", confidence=_confidence(telling, visit.phase)),
        sentences=(
            _reason(telling, visit),
            _reasoning(telling, visit),
            *_notes(telling, visit),
        ),
        id=visit.phase.id,
    )


def phase_facts(telling: Telling, visit: Visit) -> Facts:
    """Return the decision as pairs: phase, rule, classes, S = x of y, confidence, qualifiers."""
    language, phase = telling.language, visit.phase
    labels = [language.text(f"phases.qualifiers.{one}.label") for one in phase.qualifiers]
    values = {
        "phase": phase_title(telling, visit),
        "rule": phase.rule,
        "g_class": language.text(f"phases.g_class.{phase.g_class}"),
        "i_class": language.text(f"phases.i_class.{phase.i_class}"),
        "signals": language.text(
            "report.phase.s_of", s=phase.supporting, known=phase.supporting_known
        ),
        "confidence": _confidence(telling, phase),
        "qualifiers": language.listing(labels) if labels else language.text("report.words.none"),
    }
    return Facts(pairs=tuple((language.text(f"report.phase.{k}"), v) for k, v in values.items()))


def phase_inputs(telling: Telling, visit: Visit) -> Bullets | None:
    """Return what the decision used, lacked and left out with the reason; None where nothing."""
    told = (_present(telling, visit), _missing(telling, visit), _excluded(telling, visit))
    items = tuple(sentence for sentence in told if sentence)
    return Bullets(items=items) if items else None


def signal_table(telling: Telling, visit: Visit) -> Table | None:
    """Return the supporting signals, each present, absent or unknown."""
    language, signals = telling.language, visit.phase.signals
    if not signals:
        return None
    rows = tuple(
        Row(
            cells=(
                capitalised(language.text(f"phases.signals.{name}")),
                language.text(f"phases.signal_values.{_ANSWERS[answer]}"),
            )
        )
        for name, answer in signals.items()
    )
    return Table(
        caption=language.text("report.phase.signal_table"),
        columns=(
            Column(label=language.text("report.phase.signal")),
            Column(label=language.text("report.phase.answer")),
        ),
        groups=(RowGroup(title="", rows=rows),),
    )


def missing_for_phase(telling: Telling, visit: Visit) -> Sentence | None:
    """Return what the phase lacked, for page one."""
    return _missing(telling, visit)


def _confidence(telling: Telling, phase: Phase) -> str:
    return telling.language.text(f"phases.confidence.{phase.confidence or 'none'}")


def _reason(telling: Telling, visit: Visit) -> Sentence:
    """Return why it is this phase; with the drugs or the reason for leaving insulin out."""
    return telling.say(
        f"phases.{phase_key(telling, visit)}.reason",
        by=(visit.phase.rule,),
        markers=_used(visit.phase),
        rows=_rows_behind(visit),
        why=[telling.language.text(f"reasons.{key}") for key in why_no_insulin(visit)],
        drugs=_drugs(telling, visit),
    )


def _drugs(telling: Telling, visit: Visit) -> list[str]:
    """Return the classes of drugs that change glucose or insulin, the most particular names."""
    groups = stated_words(visit, "medication")
    found = [group for group in groups if group in _INFLUENCING]
    if not found and (GLUCOSE_LOWERING in groups or visit.context.get("glucose_drug") is True):
        found = [GLUCOSE_LOWERING]
    return [named(telling, group) for group in found]


def _reasoning(telling: Telling, visit: Visit) -> Sentence:
    phase, language = visit.phase, telling.language
    items = _items(telling, visit)
    return telling.say(
        "phases.reasoning" if items else "phases.reasoning_bare",
        by=(phase.rule,),
        markers=_used(phase),
        rows=_rows_behind(visit),
        rule=phase.rule,
        present=items,
        g=language.text(f"phases.g_class.{phase.g_class}"),
        i=language.text(f"phases.i_class.{phase.i_class}"),
        s=phase.supporting,
        known=phase.supporting_known,
    )


def _notes(telling: Telling, visit: Visit) -> tuple[Sentence, ...]:
    phase = visit.phase
    keys = [f"phases.qualifiers.{one}.note" for one in phase.qualifiers]
    if "confirmed_ada" in phase.qualifiers and _is_confirmed_by_symptoms(telling, visit):
        keys[phase.qualifiers.index("confirmed_ada")] += "_symptoms"
    return tuple(telling.say(key, by=(phase.rule,)) for key in keys if telling.language.has(key))


def _is_confirmed_by_symptoms(telling: Telling, visit: Visit) -> bool:
    """Return whether a random glucose with symptoms confirms diabetes by itself (ADA)."""
    symptoms = _HYPERGLYCAEMIA.intersection(stated_words(visit, "symptoms"))
    return bool(symptoms) and _is_beyond(telling, visit, "glucose_random", "g3-random")


def _is_beyond(telling: Telling, visit: Visit, marker: str, limit: str) -> bool:
    finding = finding_of(visit, marker)
    return finding is not None and bool(crossed_of(finding, telling.rules.limits_named(limit)))


def _items(telling: Telling, visit: Visit) -> list[str]:
    """Return the values that the phase rests on, in words; an input that is no marker has none."""
    found = (finding_of(visit, marker) for marker in _used(visit.phase))
    return [_item(telling, visit, finding) for finding in found if finding is not None]


def _used(phase: Phase) -> tuple[str, ...]:
    """Return the inputs that were not left out; HOMA-IR stands and falls with its own."""
    gone = {marker for marker, _ in phase.excluded}
    if phase.rule in WITHOUT_INSULIN:
        gone.update(INSULIN)
    if gone.intersection(COMPUTED["homa_ir"].analytes):
        gone.add("homa_ir")
    return tuple(marker for marker in phase.present if marker not in gone)


def _item(telling: Telling, visit: Visit, finding: Finding) -> str:
    unreliable = "unreliable-medication" in finding.notes
    return telling.language.text(
        "findings.item_unreliable" if unreliable else "findings.item_plain",
        marker=telling.language.short(finding.marker),
        value=value_of(telling, visit, finding),
    )


def _present(telling: Telling, visit: Visit) -> Sentence | None:
    items = _items(telling, visit)
    if not items:
        return None
    return telling.say(
        "report.phase.present",
        markers=_used(visit.phase),
        rows=_rows_behind(visit),
        present=items,
    )


def _rows_behind(visit: Visit) -> tuple[str, ...]:
    """Return the rows of the values that the phase rests on."""
    used = _used(visit.phase)
    return tuple(row for one in visit.findings if one.marker in used for row in one.rows)


def _missing(telling: Telling, visit: Visit) -> Sentence | None:
    if not visit.phase.missing:
        return None
    names = [named(telling, id) for id in visit.phase.missing]
    return telling.say(
        "phases.missing", by=(visit.phase.rule,), markers=visit.phase.missing, missing=names
    )


def _excluded(telling: Telling, visit: Visit) -> Sentence | None:
    if not visit.phase.excluded:
        return None
    language = telling.language
    items = [
        f"{named(telling, id)} ({language.text(f'reasons.excluded.{why}')})"
        for id, why in visit.phase.excluded
    ]
    return telling.say("phases.excluded", by=(visit.phase.rule,), excluded=items)
