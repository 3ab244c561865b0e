"""Middle floor. Brings rows to the canonical units, and keeps what was reported beside them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.columns import round_significant
from pipeline.model import LimitSet
from pipeline.rules import Rules
from pipeline.rules.formulas import INSULIN_PMOL_PER_MU, INSULIN_POPULAR_PMOL_PER_MU

_WHOLE = frozenset({"hba1c"})  # judged in whole mmol/mol; section 3.10
_NO_UNIT = "1"
_INSULIN_UNIT, _INSULIN_MOLAR = "m[IU]/L", "pmol/L"
_MASS = "mg/dL"
_WITHDRAWN = frozenset(
    {"cancelled", "canceled", "entered-in-error", "error", "deleted", "withdrawn", "d", "w", "x"}
)  # words of FHIR, and of HL7 v2 table 0085
_CORRECTED = frozenset({"corrected", "amended", "appended", "gecorrigeerd", "c"})
PRELIMINARY = frozenset(
    {"preliminary", "partial", "registered", "voorlopig", "p", "s", "r", "i", "o", "n"}
)
_NOT_HAEMOLYSED = frozenset({"none", "no", "neg", "negative", "0", "-", "geen", "nee"})


def normalise_units(
    raw: pd.DataFrame, rules: Rules, *, insulin_factors: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Return ``raw`` with its canonical columns; no row is dropped, and none is judged.

    ``raw`` is what ``read_lab_file`` gives, of one file or of many. ``marker`` is NA where the
    analyte is not known. ``unit_reading`` is "known", "missing", "unknown" or "unjudged" (no
    marker); ``standing`` is "stands", or "withdrawn" by the laboratory; ``version`` is 0 of a
    preliminary result, 1 of a final one and where nothing is said, 2 of a corrected one; ``date``
    is NaT where it cannot be read.
    ``low`` and ``high`` are the value as an interval in the canonical unit, rounded half up to six
    significant digits, an open end one ulp inside; ``mg_low`` and ``mg_high`` the reported number
    where that was in mg/dL; ``half_digit`` half of the last printed digit. ``if_low`` and
    ``if_high`` are the value as if a missing or unknown unit were the canonical one (else NaN).
    ``other_factor`` is by what the value would be multiplied, had the laboratory used the other
    insulin factor (else 1).
    ``plausible_low``, ``plausible_high``, ``doubtful_above`` and ``variant_b_below`` are the
    marker's own, joined here so that the expectations can compare columns.

    ``insulin_factors`` says by laboratory (column ``lab``) how many pmol it takes for one mU.
    """
    rows = raw.assign(
        marker=_by_unique(raw["analyte"], rules.marker_of),
        case_id=_stripped(raw["case_id"]),
        sample_id=_stripped(raw["sample_id"]),
        status=_by_unique(raw["status"], _folded),
        standing=_by_unique(raw["status"], _standing),
        version=_by_unique(raw["status"], _version).astype(int),
        specimen=_by_unique(raw["specimen"], _folded),
        haemolysis=_by_unique(raw["haemolysis"], _haemolysis),
        collected_at=raw["moment"].mask(raw["moment"] == "", _stripped(raw["collected_at"])),
        date=raw["day"],
        correction_reading=raw.get("correction_reading", ""),
    )
    rows = _with_units(rows, rules)
    rows = _with_insulin_factor(rows, insulin_factors or {})
    rows = _with_values(rows)
    for name, limits in _bounds(rules).items():
        rows[name] = rows["marker"].map(limits).astype(float)
    return rows


def in_canonical_unit(
    numbers: Sequence[float], *, marker: str, unit: str, rules: Rules
) -> list[float] | None:
    """Return numbers of a marker in its canonical unit, rounded as results; None of no unit of it.

    Of insulin the factor is that of where no laboratory names its own.
    """
    rows = pd.DataFrame({"marker": marker, "unit": unit, "lab": "", "number": list(numbers)})
    rows = _with_insulin_factor(_with_units(rows, rules), {})
    if not (rows["unit_reading"] == "known").all():
        return None
    return [float(number) for number in _canonical(rows["number"], rows=rows)]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _standing(status: str) -> str:
    return "withdrawn" if _folded(status) in _WITHDRAWN else "stands"


def _version(status: str) -> str:
    word = _folded(status)
    if word in PRELIMINARY:
        return "0"
    return "2" if word in _CORRECTED else "1"


def _haemolysis(text: str) -> str:
    """Return "none", "trace" or "visible", "" where nothing is said; any other mark is visible.

    Insulin is lost in a haemolysed sample, so an unknown mark must not count as none.
    """
    word = _folded(text)
    if word in _NOT_HAEMOLYSED:
        return "none"
    return word if word in ("", "trace") else "visible"


def _stripped(texts: pd.Series) -> pd.Series:
    return _by_unique(texts, str.strip)


def _by_unique(texts: pd.Series, function: Callable[[str], str | None]) -> pd.Series:
    """Return ``function`` of each text, called once for equal ones; None becomes NA."""
    codes, unique = pd.factorize(texts)
    values = pd.Series([function(text) for text in unique], dtype=str)
    return values.take(codes).set_axis(texts.index)


def _with_units(rows: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Join factor and offset; a quantity without a unit, such as a ratio, needs none written."""
    units = rules.units.rename(columns={"unit": "ucum"})[
        ["marker", "folded", "ucum", "factor", "offset"]
    ].drop_duplicates(["marker", "folded"])
    canonical = rows["marker"].map({marker.id: marker.unit for marker in rules.markers.values()})
    folded = _by_unique(rows["unit"], rules.fold_unit)
    blank = folded == ""
    folded = folded.mask(blank & (canonical == _NO_UNIT), _NO_UNIT)
    joined = rows.assign(folded=folded, canonical=canonical).merge(
        units, on=["marker", "folded"], how="left", validate="many_to_one"
    )
    joined.index = rows.index
    no_marker, unknown = joined["marker"].isna(), joined["factor"].isna()
    words = ["unjudged", "missing", "unknown"]
    joined["unit_reading"] = np.select([no_marker, folded == "", unknown], words, default="known")
    return joined.drop(columns=["folded"])


def _with_insulin_factor(rows: pd.DataFrame, factors: Mapping[str, float]) -> pd.DataFrame:
    """Divide insulin in pmol/L by the laboratory's own factor; where there is none, say so."""
    molar = (rows["canonical"] == _INSULIN_UNIT) & (rows["ucum"] == _INSULIN_MOLAR)
    own = rows["lab"].str.strip().map(factors).astype(float)
    factor = rows["factor"].mask(molar, 1 / own.fillna(INSULIN_PMOL_PER_MU))
    unknown = molar & own.isna()
    other = np.where(unknown, INSULIN_PMOL_PER_MU / INSULIN_POPULAR_PMOL_PER_MU, 1.0)
    return rows.assign(factor=factor, factor_known=~unknown, other_factor=other)


def _with_values(rows: pd.DataFrame) -> pd.DataFrame:
    value = _ends(rows["comparator"], _canonical(rows["number"], rows=rows))
    mass = _ends(rows["comparator"], rows["number"].where(rows["ucum"] == _MASS))
    doubtful = rows[rows["unit_reading"].isin(["missing", "unknown"])]
    assumed = doubtful.assign(factor=1.0, offset=0.0)
    as_if = _ends(assumed["comparator"], _canonical(assumed["number"], rows=assumed))
    return rows.assign(
        value_as_reported=rows["value"],
        unit_as_reported=rows["unit"],
        half_digit=rows["half_digit"] * rows["factor"],
        low=value["low"],
        high=value["high"],
        if_low=as_if["low"],
        if_high=as_if["high"],
        mg_low=mass["low"],
        mg_high=mass["high"],
        ref_low=_reference(rows, "ref_low", signs=("", ">", ">=")),
        ref_high=_reference(rows, "ref_high", signs=("", "<", "<=")),
        fasting_hours=rows["fasting_number"],
    )


def _reference(rows: pd.DataFrame, column: str, *, signs: tuple[str, ...]) -> pd.Series:
    """Return one end of the laboratory's own interval, converted; NaN where none is printed.

    Both edges of an interval lie inside it, so "<48" as an upper end is 48.
    """
    number = _canonical(rows[f"{column}_number"], rows=rows)
    return number.where(rows[f"{column}_comparator"].isin(signs))


def _canonical(number: pd.Series, *, rows: pd.DataFrame) -> pd.Series:
    exact = number * rows["factor"] + rows["offset"]
    rounded = pd.Series(round_significant(exact.to_numpy()), index=number.index)
    return rounded.mask(rows["marker"].isin(_WHOLE), np.floor(exact * (1 + 1e-12) + 0.5))


def _ends(comparator: pd.Series, number: pd.Series) -> dict[str, pd.Series]:
    """Return the interval a value stands for: "<0.3" is from 0 up to, and without, 0.3.

    What lies below a number that is not positive has no lower end.
    """
    below, above = comparator.isin(["<", "<="]), comparator.isin([">", ">="])
    floor = pd.Series(np.where(number > 0, 0.0, -np.inf), index=number.index).where(number.notna())
    low = number.mask(below, floor).mask(comparator == ">", np.nextafter(number, np.inf))
    high = number.mask(above & number.notna(), np.inf)
    return {"low": low, "high": high.mask(comparator == "<", np.nextafter(number, -np.inf))}


def _bounds(rules: Rules) -> dict[str, dict[str, float]]:
    """Return, by marker, the limits beyond which a value is implausible or of doubtful unit."""
    bounds: dict[str, dict[str, float]] = {
        "plausible_low": {},
        "plausible_high": {},
        "doubtful_above": {},
    }
    for limit in rules.limits:
        if limit.set == LimitSet.PLAUSIBLE:
            name = "plausible_high" if limit.op.startswith(">") else "plausible_low"
            bounds[name][limit.marker] = limit.value
        elif limit.set == LimitSet.DOUBTFUL:
            bounds["doubtful_above"][limit.marker] = limit.value
    return {**bounds, **_bounds_of_variant_b(bounds, rules)}


def _bounds_of_variant_b(
    bounds: Mapping[str, Mapping[str, float]], rules: Rules
) -> dict[str, dict[str, float]]:
    """Return the bounds of TyG: one that is too low for variant A may have been reported as B."""
    (below,), (least,) = (rules.limits_named(x) for x in ("tyg-variant-b", "tyg-variant-b-least"))
    plausible = {**bounds["plausible_low"], below.marker: least.value}
    return {"plausible_low": plausible, "variant_b_below": {below.marker: below.value}}
