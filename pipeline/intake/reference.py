"""Order floor. Takes in a reference population: read, and brought to the units of the review."""

from dataclasses import replace
from pathlib import Path

from pipeline.errors import ReferenceFileError
from pipeline.model import Band, LimitSet
from pipeline.normalise import in_canonical_unit
from pipeline.read.reference import Stratum, read_reference
from pipeline.rules import Rules


def take_in_reference(path: Path, rules: Rules) -> tuple[Stratum, ...]:
    """Return the strata of a reference population, each in the canonical unit of its marker.

    They are rounded as results are. Raises ReferenceFileError, with the file and the line, where
    the table cannot be used, a unit is not one of its marker, or a percentile is not plausible in
    it.
    """
    return tuple(
        _canonical(stratum, rules, where=f"'{path.name}', line {stratum.line}")
        for stratum in read_reference(path, rules)
    )


def _canonical(stratum: Stratum, rules: Rules, *, where: str) -> Stratum:
    marker, written = stratum.marker, stratum.percentiles
    found = in_canonical_unit(list(written.values()), marker=marker, unit=stratum.unit, rules=rules)
    if found is None:
        known = ", ".join(rules.units.loc[rules.units["marker"] == marker, "unit"])
        raise ReferenceFileError(
            f"Unrecognised unit '{stratum.unit}' of {marker} in {where}: expected one of {known}."
        )
    percentiles = dict(zip(written, found, strict=True))
    _require_plausible(percentiles, stratum, rules, where=where)
    return replace(stratum, percentiles=percentiles, unit=rules.markers[marker].unit)


def _require_plausible(
    percentiles: dict[str, float], stratum: Stratum, rules: Rules, *, where: str
) -> None:
    """Raise where a percentile is what no person has: mostly it is in another unit."""
    edges = rules.all_limits_of(stratum.marker, LimitSet.PLAUSIBLE)
    for name, value in percentiles.items():
        for edge in edges:
            if value < edge.value if edge.side is Band.LOW else value > edge.value:
                raise ReferenceFileError(
                    f"Expected {name} of {where} to be plausible for {stratum.marker}"
                    f" in '{stratum.unit}': is it in another unit?"
                )
