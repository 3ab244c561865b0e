"""Rules floor. The practice's own targets: the only facts that a practice may set.

Nothing but the functional column can be reached from here. Safety flags, phases, and the limits of
guidelines and laboratories are not among what may be named, whatever the file says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from sys import float_info
from typing import TYPE_CHECKING, Any

from pipeline.errors import RulesError
from pipeline.model import Band, Limit, LimitSet

if TYPE_CHECKING:
    from pipeline.rules.loader import Rules

CONVENTION = "tg_hdl_convention"
MAY_BE_SET = (
    f"a practice may set {CONVENTION} (molar or mass) and, under [targets.MARKER],"
    " low, high, unit, source, author and note: no flag, phase or other limit"
)
_CONVENTIONS = ("molar", "mass")
_RATIO = "tg_hdl_molar"
_KEYS = ("marker", "low", "high", "unit", "source", "author", "note")
_OPERATORS = {"low": "<", "high": ">"}
# Shown, never judged by a target (specification, sections 1, 3.1, 3.10 and 5.2); the fasting result
# stands for the start of an OGTT, mmol/mol for the percentage.
_NEVER_JUDGED = ("tg_hdl_mass", "insulin_ogtt_0", "homa2_ir_reported", "gmi", "hba1c_ngsp", "eag")
_OWN = "-practice-"  # in the id of a limit
_LONGEST = 200  # characters of a text that a report prints in a table


def limits_of_practice(rows: Iterable[Mapping[str, Any]], rules: "Rules") -> tuple[Limit, ...]:
    """Return the functional limits that the rows of a practice's overlay state.

    A row is a marker with its target, or the convention of TG/HDL. Raises RulesError where it asks
    for anything else, or for a target that cannot be.
    """
    limits = [limit for row in rows for limit in _limits(row, rules)]
    markers = [(limit.marker, limit.side) for limit in limits]
    for marker, _ in {place for place in markers if markers.count(place) > 1}:
        raise RulesError(f"Expected exactly 1 target of {marker}: {MAY_BE_SET}.")
    return tuple(limits)


def with_limits(own: tuple[Limit, ...], limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Return ``limits`` with the practice's ``own`` in place of the targets on the same side.

    A target that is replaced stays to be named by rules, which no practice changes. Raises
    RulesError where low and high of a marker cross.
    """
    replaced = {(limit.marker, limit.side) for limit in own}
    kept = (
        replace(x, set=LimitSet.RULE)
        if x.set is LimitSet.FUNCTIONAL and (x.marker, x.side) in replaced
        else x
        for x in limits
    )
    every = (*kept, *own)
    for marker in {limit.marker for limit in own}:
        _require_order(marker, [x for x in every if x.marker == marker])
    return every


def is_of_practice(limit: Limit) -> bool:
    """Return whether a practice set this limit itself."""
    return _OWN in limit.id


def _require_order(marker: str, limits: list[Limit]) -> None:
    targets = [limit for limit in limits if limit.set is LimitSet.FUNCTIONAL]
    low = [limit.value for limit in targets if limit.side is Band.LOW]
    high = [limit.value for limit in targets if limit.side is Band.HIGH]
    if low and high and max(low) >= min(high):
        raise RulesError(f"The targets of {marker} cross: expected low to be less than high.")


def _limits(row: Mapping[str, Any], rules: "Rules") -> tuple[Limit, ...]:
    if CONVENTION in row:
        return _by_convention(row, rules)
    unknown = sorted(set(row) - set(_KEYS))
    if unknown:
        raise RulesError(f"Unrecognised key '{unknown[0]}': {MAY_BE_SET}.")
    marker = _marker(row, rules)
    _require_texts(row, rules)
    stated = [side for side in _OPERATORS if side in row]
    if not stated:
        raise RulesError(f"Unable to find low or high of {marker}: {MAY_BE_SET}.")
    return tuple(_limit(row, marker, side, rules) for side in stated)


def _by_convention(row: Mapping[str, Any], rules: "Rules") -> tuple[Limit, ...]:
    """Return what the seed's 1.5 is in mmol/mmol where it is read in mg/dL; else nothing new."""
    if set(row) != {CONVENTION} or row[CONVENTION] not in _CONVENTIONS:
        raise RulesError(f"Unrecognised {CONVENTION}: {MAY_BE_SET}.")
    if row[CONVENTION] == "molar":
        return ()
    (zone,) = rules.limits_named("tg-hdl-zone")
    return (replace(zone, id=_id(_RATIO, "high"), set=LimitSet.FUNCTIONAL),)


def _marker(row: Mapping[str, Any], rules: "Rules") -> str:
    marker = row.get("marker")
    if not isinstance(marker, str) or marker not in rules.markers:
        raise RulesError(
            f"Unrecognised marker '{marker}': expected one of 'casereport rules list'."
        )
    if marker in _NEVER_JUDGED:
        raise RulesError(f"{marker} is shown and never judged by a target: {MAY_BE_SET}.")
    return marker


def _require_texts(row: Mapping[str, Any], rules: "Rules") -> None:
    """Raise RulesError unless unit and source are told, and every text can be printed as it is."""
    marker = row["marker"]
    unit = rules.markers[marker].unit
    if not isinstance(row.get("unit"), str) or rules.fold_unit(row["unit"]) != rules.fold_unit(
        unit
    ):
        raise RulesError(f"Expected the target of {marker} in its unit, {unit}.")
    for key in ("source", "author", "note"):
        text = row.get(key, "" if key != "source" else None)
        if not isinstance(text, str) or not text.isprintable() or len(text) > _LONGEST:
            raise RulesError(f"Expected '{key}' of {marker} to be at most {_LONGEST} characters.")
    source = row["source"]
    if not source.strip() or ";" in source or source.strip() in rules.sources:
        raise RulesError(
            f"Expected 'source' of {marker} to be the practice's own words, without ';'."
        )


def _limit(row: Mapping[str, Any], marker: str, side: str, rules: "Rules") -> Limit:
    limit = Limit(
        id=_id(marker, side),
        marker=marker,
        set=LimitSet.FUNCTIONAL,
        op=_OPERATORS[side],  # type: ignore[arg-type]
        value=_number(row[side], f"'{side}' of {marker}"),
        unit=rules.markers[marker].unit,
        source=row["source"].strip(),
        verified=True,  # that it is the practice's target; what that is worth, the practice says
    )
    edges = {edge.side: edge.value for edge in rules.all_limits_of(marker, LimitSet.PLAUSIBLE)}
    if not edges[Band.LOW] <= limit.value <= edges[Band.HIGH]:
        raise RulesError(f"Expected '{side}' of {marker} within what is plausible.")
    return limit


def _number(value: object, name: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -float_info.max <= value <= float_info.max:  # type: ignore[operator]
        raise RulesError(f"Expected {name} to be a finite number.")
    return float(value)  # type: ignore[arg-type]


def _id(marker: str, side: str) -> str:
    return f"{marker.replace('_', '-')}{_OWN}{side}"
