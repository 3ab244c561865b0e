"""Middle floor. The people of a review beside a reference population, of their own sex and age."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.narrate.review.printed import NOTHING, Printed, table
from pipeline.story import Block, Bullets, Row, RowGroup, Sentence

_Told = Mapping[str, Any]
_SIDES = ("lowest", "highest", "unclear", "no_group")
_COLUMNS = ("marker", "n", "quartiles", "reference_median", *_SIDES)


def reference(printed: Printed) -> tuple[Block | None, ...]:
    """Return where the people stand beside a reference, and who that is; nothing without one."""
    beside = printed.review["how"].get("reference")
    if beside is None:
        return ()
    limit = printed.review["limit"]
    return (
        printed.paragraph("reference.how_to_read", "reference.other_people"),
        _populations(printed, beside),
        table(printed, "reference", _COLUMNS, _markers(printed, beside["markers"])),
        printed.note("reference.counted", "reference.median", limit=limit),
        table(printed, "strata", _columns(beside["markers"]), _strata(printed, beside["markers"])),
        printed.note("reference.strata"),
    )


def _markers(printed: Printed, found: Sequence[_Told]) -> tuple[RowGroup, ...]:
    there = {one["marker"]: one for one in printed.review["how"]["markers"]}
    return printed.by_domain(
        (one["marker"], _marker(printed, one, there[one["marker"]])) for one in found
    )


def _marker(printed: Printed, one: _Told, own: _Told) -> Row:
    return Row(
        cells=(
            _with_unit(printed, one["marker"]),
            printed.count(own["n"]),
            printed.quartiles(one["marker"], own["quartiles"]),
            _medians(printed, one),
            *(printed.count_of(one[side]["n"], one[side]["share"]) for side in ("below", "above")),
            printed.count(one["undetermined"]),
            printed.count(one["without_stratum"]),
        )
    )


def _with_unit(printed: Printed, marker: str) -> str:
    return ", ".join(filter(None, printed.marker(marker)))


def _medians(printed: Printed, one: _Told) -> str:
    """Return the median of the reference: of several groups the lowest and the highest."""
    medians = [stratum["reference"]["p50"] for stratum in one["strata"]]
    ends = (printed.value(one["marker"], end) for end in (min(medians), max(medians)))
    return "–".join(dict.fromkeys(ends))


def _columns(found: Sequence[_Told]) -> tuple[str, ...]:
    """Return the columns of the groups: what no row of the reference states has none."""
    strata = [stratum for one in found for stratum in one["strata"]]
    further = {
        "reference_range": any(_has_range(one) for one in strata),
        "reference_n": any(one["reference_n"] for one in strata),
    }
    stated = (name for name, there in further.items() if there)
    return ("group", "n", "quartiles", "reference_quartiles", *stated)


def _has_range(stratum: _Told) -> bool:
    return {"p5", "p95"} <= stratum["reference"].keys()


def _strata(printed: Printed, found: Sequence[_Told]) -> tuple[RowGroup, ...]:
    columns = _columns(found)
    return tuple(
        RowGroup(
            title=_with_unit(printed, one["marker"]),
            rows=tuple(_stratum(printed, one["marker"], own, columns) for own in one["strata"]),
        )
        for one in found
    )


def _stratum(printed: Printed, marker: str, own: _Told, columns: Iterable[str]) -> Row:
    usual = own["reference"]
    ends = [printed.value(marker, usual[end]) for end in ("p5", "p95") if _has_range(own)]
    cells = {
        "group": _group(printed, own),
        "n": printed.count(own["n"]),
        "quartiles": printed.quartiles(marker, own["quartiles"]),
        "reference_quartiles": printed.quartiles(
            marker, [usual[name] for name in ("p25", "p50", "p75")]
        ),
        "reference_range": "–".join(ends) or NOTHING,
        "reference_n": printed.count(own["reference_n"]),
    }
    return Row(cells=tuple(cells[name] for name in columns))


def _group(printed: Printed, own: _Told) -> str:
    """Return whom a stratum is of: "women, 20–39 years"."""
    say = printed.language.text
    who = say(f"review.sexes.{own['sex']}") if own["sex"] else say("review.reference.everybody")
    return f"{who}, {_ages(printed, own['age_from'], own['age_to'])}"


def _ages(printed: Printed, first: int | None, last: int | None) -> str:
    ends = {"from": first, "to": last}
    stated = {name: age for name, age in ends.items() if age is not None}
    key = "_".join(stated) or "all_ages"
    return printed.language.text(f"review.reference.{key}", **stated)


def _populations(printed: Printed, beside: _Told) -> Bullets:
    """Return who the reference is: each number that is printed has its source here."""
    say, name = printed.language.text, printed.language.short
    told = [
        say(
            "review.reference.population",
            population=one["name"],
            year=one["year"],
            source=one["source"],
            markers=[name(marker) for marker in one["markers"]],
        )
        for one in beside["populations"]
    ]
    if beside["not_measured"]:
        markers = [name(marker) for marker in beside["not_measured"]]
        told.append(say("review.reference.not_measured", markers=markers))
    return Bullets(items=tuple(Sentence(text=text) for text in told))
