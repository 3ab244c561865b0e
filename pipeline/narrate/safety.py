"""Middle floor. Safety flags in words: open ones as boxes for page one, all of them as a table."""

import datetime as dt
from collections.abc import Iterable

from pipeline.language import Quantity
from pipeline.model import Evidence, Flag, FlagHistory, OpenFlag, Urgency, Visit
from pipeline.narrate.context import named, stated
from pipeline.narrate.reservations import reservations_about
from pipeline.narrate.telling import Telling
from pipeline.story import Callout, Column, Row, RowGroup, Sentence, Table

LEVELS = {
    Urgency.EMERGENCY: "emergency",
    Urgency.URGENT: "urgent",
    Urgency.ROUTINE: "routine",
    Urgency.BANNER: "banner",
}
ORDER = list(LEVELS)
# A variant that changes what only one branch asks; every other variant speaks of its whole flag.
_VARIANT_OF = {
    ("SF-13", "haemolysis"): "potassium_high",
    ("SF-17", "day_unknown"): "ohp17",
}


def is_suicidal(flag: OpenFlag) -> bool:
    """Return whether thoughts of suicide are what a flag rests on."""
    return flag.id == "SF-25" and any("suicidal" in base.branches for _, base in flag.bases)


def in_order(flags: Iterable[OpenFlag]) -> tuple[OpenFlag, ...]:
    """Return open flags, the most urgent first; those of one urgency by their id.

    Thoughts of suicide go before all others of their urgency: no result comes first.
    """

    def place(flag: OpenFlag) -> tuple[int, bool, str, bool]:
        return ORDER.index(flag.urgency), not is_suicidal(flag), flag.id, flag.if_correct

    return tuple(sorted(flags, key=place))


def open_flags(telling: Telling) -> tuple[Callout, ...]:
    """Return a box for each open flag, the most urgent first."""
    return tuple(_box(telling, flag) for flag in in_order(telling.interpretation.open_flags))


def flag_table(telling: Telling) -> Table | None:
    """Return every flag ever raised: when, how urgent, and since when it no longer holds."""
    histories = sorted(telling.interpretation.flags, key=lambda history: history.id)
    if not histories:
        return None
    language = telling.language
    return Table(
        caption=language.text("report.flag_table.caption"),
        columns=tuple(
            Column(label=language.text(f"report.flag_table.{name}"))
            for name in ("flag", "urgency", "raised", "status")
        ),
        groups=(RowGroup(title="", rows=tuple(_row(telling, one) for one in histories)),),
    )


def flags_at(telling: Telling, visit: Visit) -> tuple[Sentence, ...]:
    """Return one sentence for each flag that a visit raised, told as of then."""
    return tuple(
        telling.say(
            "report.diagnostics.flag_if_correct" if flag.if_correct else "report.diagnostics.flag",
            by=(flag.id,),
            rows=flag.rows,
            flag=flag.id,
            title=telling.language.text(f"flags.{flag.id}.title"),
            urgency=telling.language.text(f"report.urgency.{LEVELS[flag.urgency]}"),
        )
        for flag in visit.flags
    )


def flag_sentences(telling: Telling, open_flag: OpenFlag) -> tuple[Sentence, ...]:
    """Return what held at each visit and what it rests on, then what is asked of the doctor.

    What is certain comes before what holds only if a value that was set aside is correct.
    """
    bases = sorted(open_flag.bases, key=lambda basis: basis[1].if_correct)
    held = (one for date, flag in bases for one in _basis(telling, date, flag))
    return (*held, *_actions(telling, open_flag))


def _basis(telling: Telling, date: dt.date, flag: Flag) -> tuple[Sentence, ...]:
    keys = [_held_key(telling, flag, branch) for branch in flag.branches]
    if flag.if_correct:
        keys.insert(0, "flags.if_correct")
    return (*(_say(telling, flag, key) for key in keys), _evidence(telling, date, flag))


def action_key(
    telling: Telling, flag: str, branch: str, *, urgency: Urgency, variants: tuple[str, ...] = ()
) -> str:
    """Return the key of what a branch asks: its own text, else that of its urgency, else "action".

    A variant that changes the branch stands in place of "action".
    """
    owner = next((one for one in variants if changes_branch(flag, one, branch)), "action")
    names = (f"{owner}_{branch}", f"{owner}_{LEVELS[urgency]}", owner)
    keys = [f"flags.{flag}.{name}" for name in names]
    return next((key for key in keys if telling.language.has(key)), keys[-1])


def changes_branch(flag: str, variant: str, branch: str) -> bool:
    """Return whether a variant changes what a branch asks; most speak of their whole flag."""
    return _VARIANT_OF.get((flag, variant), branch) == branch


def _box(telling: Telling, open_flag: OpenFlag) -> Callout:
    language = telling.language
    visits = [telling.visit(date) for date, _ in open_flag.bases]
    return Callout(
        level=LEVELS[open_flag.urgency],  # type: ignore[arg-type]
        title=language.text(f"flags.{open_flag.id}.title"),
        label=language.text(f"report.urgency.{LEVELS[open_flag.urgency]}"),
        sentences=(
            *flag_sentences(telling, open_flag),
            *reservations_about(telling, visits, open_flag.id),
            _acknowledgement(telling, open_flag),
        ),
        id=open_flag.id,
    )


def _acknowledgement(telling: Telling, open_flag: OpenFlag) -> Sentence:
    """Return whether somebody must confirm having seen a flag before a report leaves the house."""
    answer = "needed" if open_flag.urgency.needs_acknowledgement else "not_needed"
    return telling.say(f"report.acknowledgement.{answer}", by=(open_flag.id,))


def _held_key(telling: Telling, flag: Flag, branch: str) -> str:
    """Return the key of what held; a fact the flag rests on may have words of its own (IVF)."""
    keys = (f"flags.{flag.id}.{branch}_{fact}" for fact in flag.evidence)
    own = (key for key in keys if telling.language.has(key))
    return next(own, f"flags.{flag.id}.{branch}")


def _actions(telling: Telling, open_flag: OpenFlag) -> tuple[Sentence, ...]:
    """Return what the branches ask for, once each, the most urgent first.

    Beside an emergency nothing less urgent is asked: it would take the haste out of it.
    """
    asked = sorted(
        (
            (urgency_of(telling, flag.id, one), flag, one)
            for _, flag in open_flag.bases
            for one in flag.branches
        ),
        key=lambda asking: ORDER.index(asking[0]),
    )
    kept: dict[str, Flag] = {}
    for urgency, flag, branch in asked:
        if urgency is asked[0][0] or asked[0][0] is not Urgency.EMERGENCY:
            key = action_key(telling, flag.id, branch, urgency=urgency, variants=flag.variants)
            kept.setdefault(key, flag)
    return tuple(_say(telling, flag, key) for key, flag in kept.items())


def urgency_of(telling: Telling, flag: str, branch: str) -> Urgency:
    """Return how urgent a branch of a flag is."""
    rows = telling.rules.flags
    found = (row.urgency for row in rows if (row.flag, row.branch) == (flag, branch))
    return next(urgency for urgency in found if urgency)


def _say(telling: Telling, flag: Flag, key: str) -> Sentence:
    return telling.say(key, by=(flag.id,), rows=flag.rows)


def _evidence(telling: Telling, date: dt.date, flag: Flag) -> Sentence:
    """Return the sentence that names the values and facts a flag rests on, and their date."""
    items = [
        *(evidence_in_words(telling, one) for one in flag.values),
        *_facts(telling, date, flag),
    ]
    return telling.say(
        "flags.evidence" if items else "flags.evidence_none",
        by=(flag.id,),
        markers=tuple(dict.fromkeys(one.marker for one in flag.values)),
        rows=flag.rows,
        evidence=items,
        date=date,
    )


def evidence_in_words(telling: Telling, evidence: Evidence) -> str:
    """Return the value that fired: not always the one that the visit was judged by."""
    value = Quantity(
        value=evidence.value,
        decimals=evidence.decimals,
        unit=evidence.unit,
        comparator=evidence.comparator,
    )
    return telling.language.text(
        "findings.item_plain",
        marker=telling.language.short(evidence.marker),
        value=telling.language.quantity(value),
    )


def _facts(telling: Telling, date: dt.date, flag: Flag) -> list[str]:
    """Return what was stated and holds, with its answer; a symptom or a drug by its name."""
    context = telling.visit(date).context
    facts = [name for name in flag.evidence if name not in telling.rules.markers]
    return [
        stated(telling, name, context[name]) if name in context else named(telling, name)
        for name in facts
    ]


def _row(telling: Telling, history: FlagHistory) -> Row:
    language = telling.language
    raised = language.listing(language.short_date(day) for day in history.raised)
    if history.open or history.resolved is None:
        state = "open" if history.open else "past"
        status = language.text(f"report.flag_table.{state}")
    else:
        status = language.text("report.flag_table.resolved", date=history.resolved)
    return Row(
        cells=(
            f"{history.id} {language.text(f'flags.{history.id}.title')}",
            language.text(f"report.urgency.{LEVELS[history.urgency]}"),
            raised,
            status,
        ),
        emphasis="attention" if history.open else "",
    )
