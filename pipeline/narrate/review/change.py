"""Middle floor. Whether people change: pairs of values, phases, and who came back at all."""

from collections.abc import Mapping
from typing import Any

from pipeline.narrate.review.printed import Printed, one_group, section, table
from pipeline.story import Column, Row, RowGroup, Section, Table

_COLUMNS = ("marker", "unit", "pairs", "before", "after", "percent", "down", "up", "not_judged")


def change(printed: Printed) -> Section:
    """Return the changes of the same people since their first visit, and who was followed."""
    return section(
        printed,
        "change",
        printed.paragraph("change.how_to_read"),
        table(printed, "followed", ("window", "eligible", "came"), one_group(_followed(printed))),
        *_markers(printed),
        printed.note("change.regression"),
        _transitions(printed),
        printed.note("change.transitions"),
    )


def window_name(printed: Printed, window: str) -> str:
    """Return a follow-up in words: "6 months (5–8)"."""
    (own,) = (one for one in printed.review["change"]["windows"] if one["window"] == window)
    return printed.language.text("review.window", meant=window, first=own["from"], last=own["to"])


def _followed(printed: Printed) -> list[Row]:
    return [
        Row(
            cells=(
                window_name(printed, one["window"]),
                printed.count(one["eligible"]),
                printed.count_of(one["came"], one["share"]),
            )
        )
        for one in printed.review["change"]["followed"]
    ]


def _markers(printed: Printed) -> list[Table]:
    """Return one table a window of all markers with enough pairs."""
    markers = printed.review["change"]["markers"]
    found = []
    for window in (one["window"] for one in printed.review["change"]["windows"]):
        own = [one for one in markers if one["window"] == window and one["percent"] is not None]
        rows = ((one["marker"], _row(printed, one)) for one in own)
        groups = printed.by_domain(rows)
        if groups:
            found.append(
                Table(
                    caption=printed.language.text(
                        "review.tables.change", window=window_name(printed, window)
                    ),
                    columns=printed.columns(*_COLUMNS),
                    groups=groups,
                    dense=True,
                )
            )
    return found


def _row(printed: Printed, one: Mapping[str, Any]) -> Row:
    marker = one["marker"]
    return Row(
        cells=(
            *printed.marker(marker),
            printed.count(one["judged"]),
            printed.value(marker, one["before"][1]),
            printed.value(marker, one["after"][1]),
            printed.percents(one["percent"]),
            *(printed.count_of(one[way]["n"], one[way]["share"]) for way in ("down", "up")),
            printed.count(one["not_judged"]),
        )
    )


def _transitions(printed: Printed) -> Table | None:
    found = printed.review["change"]["phases"]
    names, counts = found["phases"], found["counts"]
    if not names:
        return None
    say = printed.language.text
    ends = [*names, "total"]
    head = [Column(label=say("review.columns.from_phase"))]
    head += [Column(label=say(f"review.phases_short.{name}"), kind="number") for name in ends]
    rows = (
        Row(
            cells=(
                say(f"review.phases_short.{start}"),
                *(printed.count(counts[f"{start}/{end}"]) for end in ends),
            )
        )
        for start in ends
    )
    return Table(
        caption=say("review.tables.transitions"),
        columns=tuple(head),
        groups=(RowGroup(title="", rows=tuple(rows)),),
        dense=True,
    )
