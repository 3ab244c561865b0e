"""A change is real when it is larger than a marker varies by itself."""

# ruff: noqa: E501 - a drawn table is wider than code

from typing import Any

import pytest
from clinic import RULES, case, lab
from drawn import table

from pipeline.interpret import interpret
from pipeline.model import Change
from pipeline.trend import reference_change

# Specification, section 14.
KNOWN = table("""
    marker            | fall  | rise
    glucose_fasting   | -13.6 | 15.8
    hba1c             | -6.8  | 7.4
    insulin_fasting   | -50.4 | 101.5
    homa_ir           | -51.9 | 108
    triglycerides     | -42.6 | 74
    hs_crp            | -65.9 | 193
    alt               | -25.9 | 35
    homocysteine      | -22.9 | 30
    cortisol_serum_am | -38.0 | 61
""")


@pytest.mark.parametrize("row", KNOWN.to_dict("records"), ids=KNOWN["marker"])
def test_the_reference_change_value_is_that_of_the_specification(row: dict[str, str]) -> None:
    limits = reference_change(RULES.markers[row["marker"]])
    assert limits is not None
    for limit, printed in zip(limits, (row["fall"], row["rise"]), strict=True):
        digits = len(printed.partition(".")[2])
        assert round(limit, digits) == pytest.approx(float(printed), abs=10**-digits)


def changes(*values: dict[str, Any], **more: Any) -> list[Change]:
    dates = [f"2024-{month:02}-01" for month in range(1, 13)]
    parts = [
        lab(v, date=d, sample_id=d, **{k: x[i] for k, x in more.items()})
        for i, (v, d) in enumerate(zip(values, dates, strict=False))
    ]
    return list(interpret(case(*parts), RULES).changes)


@pytest.mark.parametrize(
    ("marker", "before", "after", "real"),
    [
        ("glucose_fasting", 4.0, 4.7, True),
        ("hba1c", 36, 35, False),
        ("hba1c", 36, 33, True),
        ("triglycerides", 1.9, 1.4, False),
        ("triglycerides", 1.9, 0.9, True),
        ("hs_crp", 4.8, 2.1, False),
        ("hs_crp", 4.8, 0.8, True),
        ("alt", 62, 38, True),
        ("cortisol_serum_am", 918, 610, False),
        ("cortisol_serum_am", 918, 448, True),
    ],
)
def test_a_change_is_real_only_beyond_the_reference_change_value(
    marker: str, before: float, after: float, real: bool
) -> None:
    (change,) = (c for c in changes({marker: before}, {marker: after}) if c.marker == marker)
    assert change.real is real
    assert change.percent == pytest.approx(100 * (after / before - 1), abs=0.05)  # to a tenth


def test_each_visit_is_compared_with_the_one_before_and_with_the_first() -> None:
    found = changes({"alt": 60}, {"alt": 40}, {"alt": 20})
    assert [(c.against, c.start_value, c.end_value) for c in found] == [
        ("previous", 60, 40),
        ("previous", 40, 20),
        ("first", 60, 20),
    ]


@pytest.mark.parametrize(
    ("values", "columns", "reason"),
    [
        (({"alt": 60}, {"alt": "<5"}), {}, "censored"),
        (({"estradiol": 60}, {"estradiol": 600}), {}, "no-variation-known"),
        (({"alt": 60}, {"alt": 20}), {"method": ("a", "b")}, "different-method"),
        (({"alt": 60}, {"alt": 20}), {"lab": ("a", "b")}, "different-method"),
        (({"insulin_fasting": 60}, {"insulin_fasting": 60}), {"units": ({"insulin_fasting": "pmol/L"}, {})}, "different-unit-factor"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said_and_not_judged(
    values: tuple[dict[str, Any], ...], columns: dict[str, Any], reason: str
) -> None:
    marker = next(iter(values[0]))
    (change,) = (c for c in changes(*values, **columns) if c.marker == marker)
    assert (change.real, change.reason) == (None, reason)


_PAIR = {"glucose_fasting": 5.0, "insulin_fasting": 20}
_LIPIDS = {"cholesterol_total": 5.5, "hdl": 1.3, "triglycerides": 1.6}


@pytest.mark.parametrize(
    ("values", "columns", "marker", "reason"),
    [
        ((_PAIR, _PAIR), {"lab": ("a", "b")}, "homa_ir", "different-method"),
        ((_PAIR, _PAIR), {"method": ("a", "b")}, "homa_ir", "different-method"),
        ((_PAIR, _PAIR), {"method": ("a", "a")}, "homa_ir", ""),
        ((_PAIR, _PAIR), {"units": ({"insulin_fasting": "pmol/L"}, {})}, "homa_ir", "different-unit-factor"),
        ((_LIPIDS, {**_LIPIDS, "ldl": 3.5}), {}, "ldl", "different-method"),
        ((_LIPIDS, _LIPIDS), {"lab": ("a", "b")}, "remnant_c", "different-method"),
    ],
)  # fmt: skip
def test_what_is_computed_is_compared_only_where_all_it_rests_on_was_measured_alike(
    values: tuple[dict[str, Any], ...], columns: dict[str, Any], marker: str, reason: str
) -> None:
    (change,) = (c for c in changes(*values, **columns) if c.marker == marker)
    assert change.reason == reason


def test_a_homa_ir_on_insulin_has_no_trend() -> None:
    values = {"glucose_fasting": 5.0, "insulin_fasting": 20}
    parts = [lab(values, date=d, sample_id=d) for d in ("2024-01-01", "2024-06-01")]
    one = case(*parts, context={"medication": ["A10AB01"]})
    (change,) = (c for c in interpret(one, RULES).changes if c.marker == "homa_ir")
    assert (change.real, change.reason) == (None, "medication")
