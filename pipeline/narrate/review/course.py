"""Middle floor. This period beside the last and the same a year ago, and what moved."""

from collections.abc import Mapping
from typing import Any

from pipeline.narrate.review.printed import NOTHING, Printed, one_group, section, table
from pipeline.story import Column, Row, Section, Table


def course(printed: Printed) -> Section:
    """Return how a period stands beside earlier ones; run charts are added by the notebook."""
    return section(
        printed,
        "course",
        printed.paragraph("course.how_to_read"),
        _people(printed),
        _shares(printed),
        _findings(printed),
        printed.note("course.findings"),
    )


def _people(printed: Printed) -> Table | None:
    found = printed.review["course"]["people"]
    now = {printed.period: printed.review["who"]["seen"]}
    rows = (
        Row(cells=(period, printed.count(count))) for period, count in sorted((found | now).items())
    )
    return table(printed, "periods", ("period", "people"), one_group(rows))


def _shares(printed: Printed) -> Table | None:
    found = printed.review["course"]
    told = [
        one for one in found["markers"] if any(isinstance(x["beyond"], int) for x in _ends(one))
    ]
    rows = printed.by_domain((one["marker"], _row(printed, one)) for one in told)
    if not rows:
        return None
    say = printed.language.text
    heads = (found["a_year_ago"], found["previous"], printed.period)
    return Table(
        caption=say("review.tables.course"),
        columns=(
            Column(label=say("review.columns.marker")),
            *(Column(label=head, kind="number") for head in heads),
            Column(label=say("review.columns.expected"), kind="number"),
            Column(label=say("review.columns.moved")),
        ),
        groups=rows,
        dense=True,
    )


def _ends(one: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return what is told of a year ago, of the period before, and of this one."""
    return one["a_year_ago"], one["run"][-2], one["run"][-1]


def _row(printed: Printed, one: Mapping[str, Any]) -> Row:
    moved = printed.language.text(f"review.moved.{one['moved'] or 'unknown'}")
    return Row(
        cells=(
            printed.language.marker(one["marker"]),
            *(printed.count_of(point["beyond"], point["share"]) for point in _ends(one)),
            _expected(printed, one["limits"]),
            moved,
        ),
        emphasis="attention" if one["moved"] in ("up", "down") else "",
    )


def _expected(printed: Printed, limits: Mapping[str, float] | None) -> str:
    if limits is None:
        return NOTHING
    low, high = (printed.language.number(100 * limits[name], 0) for name in ("low", "high"))
    return f"{low}–{high} %"


def _findings(printed: Printed) -> Table | None:
    names = ("again", "new", "resolved", "persisting")
    found = [
        one
        for one in printed.review["course"]["findings"]
        if any(isinstance(one[name], int) for name in names)
    ]
    rows = (
        (
            one["marker"],
            Row(
                cells=(
                    printed.language.marker(one["marker"]),
                    *(printed.count(one[name]) for name in names),
                )
            ),
        )
        for one in found
    )
    columns = ("marker", "both_times", "new", "resolved", "persisting")
    return table(printed, "findings", columns, printed.by_domain(rows))
