"""Middle floor. How the people are: markers, phases, flags, and what goes together."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline.narrate.review.printed import NOTHING, Printed, one_group, section, table
from pipeline.narrate.review.reference import reference
from pipeline.story import Row, RowGroup, Section

_SETS = ("laboratory", "guideline", "functional")
_KEY = ("hba1c", "glucose_fasting", "insulin_fasting", "homa_ir", "tg_hdl_molar", "hs_crp", "bmi")
_MOST_PAIRS = 12
_ORDER = ("sex", "ages", "label")


def how(printed: Printed) -> Section:
    """Return how the people of the period are; distributions are added by the notebook."""
    parts = (
        ("markers", _markers(printed)),
        ("groups", _groups(printed)),
        ("reference", reference(printed)),
        ("phases", _phases(printed)),
        ("flags", _flags(printed)),
        ("together", _together(printed)),
    )
    told = (section(printed, name, *blocks, id=f"how-{name}") for name, blocks in parts)
    return replace(
        section(printed, "how"),
        subsections=tuple(part for part in told if not part.is_empty()),
    )


def _markers(printed: Printed) -> tuple[Any, ...]:
    markers = printed.review["how"]["markers"]
    told = [one for one in markers if one["quartiles"] is not None]
    rows = ((one["marker"], _marker(printed, one)) for one in told)
    columns = ("marker", "unit", "n", "missing", "quartiles", *_SETS)
    untold = len(markers) - len(told)
    return (
        table(printed, "markers", columns, printed.by_domain(rows)),
        printed.note("how.markers") if told else None,
        printed.note("how.untold", count=untold, twice=2 * printed.review["limit"])
        if untold
        else None,
    )


def _marker(printed: Printed, one: Mapping[str, Any]) -> Row:
    return Row(
        cells=(
            *printed.marker(one["marker"]),
            printed.count(one["n"]),
            printed.count(one["missing"]),
            printed.quartiles(one["marker"], one["quartiles"]),
            *(_beyond(printed, one[name]) for name in _SETS),
        )
    )


def _beyond(printed: Printed, sides: Mapping[str, Any] | None) -> str:
    if sides is None:
        return NOTHING
    beyond = sides["beyond"]
    return printed.count_of(beyond["n"], beyond["share"])


def _groups(printed: Printed) -> tuple[Any, ...]:
    there = {one["marker"]: one for one in printed.review["how"]["markers"]}
    groups = tuple(
        RowGroup(
            title=", ".join(filter(None, printed.marker(marker))),
            rows=tuple(_group_rows(printed, there[marker])),
        )
        for marker in _KEY
        if marker in there and any(there[marker]["groups"].values())
    )
    columns = ("group", "n", "quartiles", "guideline")
    return (
        table(printed, "groups", columns, groups),
        printed.note("how.groups") if groups else None,
    )


def _group_rows(printed: Printed, one: Mapping[str, Any]) -> Iterator[Row]:
    for by, groups in sorted(one["groups"].items(), key=lambda group: _ORDER.index(group[0])):
        for found in groups:
            yield Row(
                cells=(
                    _group_name(printed, by, found["group"]),
                    printed.count(found["n"]),
                    printed.quartiles(one["marker"], found["quartiles"]),
                    printed.count_of(found["beyond"], found["share"]),
                )
            )


def _group_name(printed: Printed, by: str, group: str) -> str:
    if group == "unknown":
        return printed.language.text(f"review.unknown.{by}")
    if by == "sex":
        return printed.language.text(f"review.sexes.{group}")
    return (
        printed.language.text("review.ages", band=group.replace("-", "–"))
        if by == "ages"
        else group
    )


def _phases(printed: Printed) -> tuple[Any, ...]:
    rows = (
        Row(
            cells=(
                printed.language.text(f"review.phases.{one['phase']}"),
                printed.count_of(one["n"], one["share"]),
            )
        )
        for one in printed.review["how"]["phases"]
    )
    return (table(printed, "phases", ("phase", "people"), one_group(rows)),)


def _flags(printed: Printed) -> tuple[Any, ...]:
    rows = tuple(
        Row(
            cells=(
                f"{one['flag']} {printed.language.text('flags.' + one['flag'] + '.title')}",
                printed.count_of(one["n"], one["share"]),
            )
        )
        for one in printed.review["how"]["flags"]
    )
    return (
        table(printed, "flags", ("flag", "people"), one_group(rows)),
        printed.note("how.acknowledged" if rows else "how.no_flags"),
    )


def _together(printed: Printed) -> tuple[Any, ...]:
    found = [one for one in printed.review["how"]["together"] if isinstance(one["both"], int)]
    most = sorted(found, key=lambda one: (-one["both"], one["first"], one["second"]))[:_MOST_PAIRS]
    name = printed.language.marker
    rows = (
        Row(
            cells=(
                f"{name(one['first'])} + {name(one['second'])}",
                printed.count(one["both"]),
                printed.share(one["share_of_first"]),
                printed.share(one["share_of_second"]),
            )
        )
        for one in most
    )
    columns = ("pair", "both", "share_of_first", "share_of_second")
    return (table(printed, "together", columns, one_group(rows)),)
