"""Middle floor. Whether the data is good: laboratories, reasons, methods and runs."""

from pipeline.narrate.review.printed import NOTHING, Printed, one_group, section, table
from pipeline.story import Row, Section, Table

_MOST_REASONS = 20


def quality(printed: Printed) -> Section:
    """Return what the rows of the period are worth; these are counts of results, not of people."""
    return section(
        printed,
        "quality",
        printed.paragraph("quality.how_to_read"),
        _laboratories(printed),
        _reasons(printed),
        _methods(printed) or printed.note("quality.no_methods"),
        _runs(printed),
    )


def _laboratory(printed: Printed, name: str) -> str:
    return name or printed.language.text("review.no_laboratory")


def _laboratories(printed: Printed) -> Table | None:
    number = printed.language.number
    rows = (
        Row(
            cells=(
                _laboratory(printed, one["laboratory"]),
                number(one["rows"], 0),
                number(one["set_aside"], 0),
                number(one["unit_trouble"], 0),
                NOTHING if one["days"] is None else number(one["days"], 0),
            )
        )
        for one in printed.review["quality"]["laboratories"]
    )
    columns = ("by_laboratory", "rows", "set_aside", "unit_trouble", "days")
    return table(printed, "laboratories", columns, one_group(rows))


def _reasons(printed: Printed) -> Table | None:
    say, totals = printed.language.text, dict[str, int]()
    for one in printed.review["quality"]["reasons"]:
        totals[one["reason"]] = totals.get(one["reason"], 0) + one["rows"]
    most = sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_REASONS]
    rows = (
        Row(
            cells=(
                say(f"reasons.{word}") if printed.language.has(f"reasons.{word}") else word,
                printed.language.number(count, 0),
            )
        )
        for word, count in most
    )
    return table(printed, "reasons", ("reason", "rows"), one_group(rows))


def _methods(printed: Printed) -> Table | None:
    rows = (
        Row(
            cells=(
                _laboratory(printed, one["laboratory"]),
                printed.language.marker(one["marker"]),
                ", ".join(one["methods"]),
            )
        )
        for one in printed.review["quality"]["methods"]
    )
    return table(printed, "methods", ("by_laboratory", "marker", "methods"), one_group(rows))


def _runs(printed: Printed) -> Table | None:
    number = printed.language.number
    rows = (
        Row(
            cells=(
                number(one["run"], 0),
                printed.day(one["as_of"]),
                *(number(one[name], 0) for name in ("accepted", "set_aside", "known", "no_result")),
            )
        )
        for one in printed.review["quality"]["runs"]
    )
    columns = ("run", "date", "accepted", "set_aside", "known", "no_result")
    return table(printed, "runs", columns, one_group(rows))
