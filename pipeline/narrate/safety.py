"""Middle floor. Safety flags in words: open ones as boxes for page one, all of them as a table."""

from pipeline.language import Quantity
from pipeline.model import Flag, FlagHistory, Urgency, Visit
from pipeline.narrate.context import named, stated
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import value_of
from pipeline.story import Callout, Column, Row, RowGroup, Sentence, Table

_LEVELS = {
    Urgency.EMERGENCY: "emergency",
    Urgency.URGENT: "urgent",
    Urgency.ROUTINE: "routine",
    Urgency.BANNER: "banner",
}
_ORDER = list(_LEVELS)


def open_flags(telling: Telling) -> tuple[Callout, ...]:
    """Return a box for each open flag, the most urgent first; flags of one urgency by their id.

    What the last visit raises only if a value that was set aside is correct counts as open too.
    """
    histories = [history for history in telling.interpretation.flags if history.open]
    raised = [_last_raised(telling, history) for history in histories]
    raised += [(telling.last, flag) for flag in telling.last.flags if flag.if_correct]
    raised.sort(key=lambda pair: (_ORDER.index(pair[1].urgency), pair[1].id))
    return tuple(_box(telling, visit, flag) for visit, flag in raised)


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
            urgency=telling.language.text(f"report.urgency.{_LEVELS[flag.urgency]}"),
        )
        for flag in visit.flags
    )


def flag_sentences(telling: Telling, visit: Visit, flag: Flag) -> tuple[Sentence, ...]:
    """Return what held, what is asked for, and what it rests on, each a whole sentence."""
    keys = [f"flags.{flag.id}.{branch}" for branch in flag.branches]
    variants = [f"flags.{flag.id}.{variant}" for variant in flag.variants]
    keys += variants or [f"flags.{flag.id}.action"]
    if flag.if_correct:
        keys.insert(0, "flags.if_correct")
    told = (telling.say(key, by=(flag.id,), rows=flag.rows) for key in keys)
    return (*told, _evidence(telling, visit, flag))


def _last_raised(telling: Telling, history: FlagHistory) -> tuple[Visit, Flag]:
    """Return the last visit that raised a flag, with the flag as it stood there."""
    visit = telling.visit(history.raised[-1])
    certain = (flag for flag in visit.flags if not flag.if_correct)
    return visit, next(flag for flag in certain if flag.id == history.id)


def _box(telling: Telling, visit: Visit, flag: Flag) -> Callout:
    language = telling.language
    return Callout(
        level=_LEVELS[flag.urgency],  # type: ignore[arg-type]
        title=language.text(f"flags.{flag.id}.title"),
        label=language.text(f"report.urgency.{_LEVELS[flag.urgency]}"),
        sentences=flag_sentences(telling, visit, flag),
        id=flag.id,
    )


def _evidence(telling: Telling, visit: Visit, flag: Flag) -> Sentence:
    """Return the sentence that names the values and statements a flag rests on, and their date."""
    items = [item for key in flag.evidence if (item := _item(telling, visit, key))]
    key = "flags.evidence" if items else "flags.evidence_none"
    return telling.say(
        key,
        by=(flag.id,),
        markers=tuple(key for key in flag.evidence if key in telling.rules.markers),
        rows=flag.rows,
        evidence=items,
        date=visit.date,
    )


def _item(telling: Telling, visit: Visit, key: str) -> str:
    """Return one piece of evidence in words; what the visit does not state is left out."""
    if key in telling.rules.markers:
        finding = finding_of(visit, key)
        if finding is None:
            return _set_aside_item(telling, key)
        value = value_of(telling, visit, finding)
        return telling.language.text(
            "findings.item_plain", marker=telling.language.short(key), value=value
        )
    if key in visit.context:
        return stated(telling, key, visit.context[key])
    return named(telling, key)


def _set_aside_item(telling: Telling, marker: str) -> str:
    """Return a value that was set aside as implausible but still raised a flag, by its name."""
    for row in telling.interpretation.case.set_aside:
        if row.measurement and row.measurement.get("marker") == marker:
            value = Quantity.exact(
                float(str(row.measurement["low"])), telling.rules.markers[marker].unit
            )
            return telling.language.text(
                "findings.item_plain",
                marker=telling.language.short(marker),
                value=telling.language.quantity(value),
            )
    return telling.language.short(marker)


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
            language.text(f"report.urgency.{_LEVELS[history.urgency]}"),
            raised,
            status,
        ),
        emphasis="attention" if history.open else "",
    )
