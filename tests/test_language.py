"""Numbers, dates, lists and units as each language writes them."""

import datetime as dt

import pytest

from pipeline.errors import RulesError
from pipeline.language import NO_BREAK_SPACE, Language, Quantity
from pipeline.model import Limit, LimitSet, Operator

NL, EN = Language.load("nl"), Language.load("en")


def limit(op: Operator, value: float) -> Limit:
    return Limit(
        id="demo",
        marker="alt",
        set=LimitSet.REFERENCE,
        op=op,
        value=value,
        unit="U/L",
        source="laboratory",
        verified=True,
    )


@pytest.mark.parametrize(
    ("number", "decimals", "dutch", "english"),
    [
        (2.345, 2, "2,35", "2.35"),  # half up, also where the double lies below
        (0.125, 2, "0,13", "0.13"),
        (1234.5, 1, "1234,5", "1234.5"),  # no thousands mark in a result
        (-61.25, 1, "−61,3", "−61.3"),
        (-0.04, 1, "0,0", "0.0"),
        (52.8, 0, "53", "53"),
    ],
)
def test_a_number_is_rounded_half_up_and_has_the_decimal_mark_of_its_language(
    number: float, decimals: int, dutch: str, english: str
) -> None:
    assert NL.number(number, decimals) == dutch
    assert EN.number(number, decimals) == english


def test_value_and_unit_are_held_together_by_a_no_break_space() -> None:
    quantity = Quantity(value=0.3, decimals=1, unit="m[IU]/L", comparator="<")
    assert NL.quantity(quantity) == "<_0,3_mU/L".replace("_", NO_BREAK_SPACE)


def test_a_number_without_a_unit_stands_alone() -> None:
    assert EN.quantity(Quantity(value=9.38667, decimals=2)) == "9.39"


def test_a_rise_has_its_sign_where_it_is_asked_for() -> None:
    assert NL.number(17.5, 0, signed=True) == "+18"
    assert NL.number(0.0, 0, signed=True) == "0"


def test_dates_are_written_in_words_and_in_short() -> None:
    day = dt.date(2025, 9, 8)
    assert (NL.date(day), EN.date(day)) == ("8 september 2025", "8 September 2025")
    assert NL.short_date(day) == "08-09-2025"


@pytest.mark.parametrize(
    ("iso", "dutch"),
    [("2023-09-04", "4 september 2023"), ("2023-09", "september 2023"), ("2023", "2023")],
)
def test_an_event_may_be_known_to_the_day_the_month_or_the_year(iso: str, dutch: str) -> None:
    assert NL.when(iso) == dutch


def test_a_list_ends_as_the_language_ends_it() -> None:
    assert NL.listing(["a", "b", "c"]) == "a, b en c"
    assert EN.listing(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("limits", "printed"),
    [
        ([limit("<", 4.0), limit(">", 6.09)], "4,00–6,09"),
        ([limit("<", 4.0), limit(">=", 6.1)], "4,0–<_6,1"),
        ([limit(">", 25.0)], "≤_25"),
        ([limit(">=", 2.5)], "<_2,5"),
        ([limit("<=", 5.8)], ">_5,8"),
        ([limit("<", 60.0)], "≥_60"),
        ([], ""),
    ],
)
def test_an_interval_is_printed_as_what_lies_inside_it(limits: list[Limit], printed: str) -> None:
    assert NL.interval(limits) == printed.replace("_", NO_BREAK_SPACE)


def test_a_limit_can_be_printed_as_it_is_crossed() -> None:
    assert NL.beyond(limit(">=", 48.0)) == f"≥{NO_BREAK_SPACE}48"


def test_a_sentence_that_begins_with_a_marker_gets_a_capital() -> None:
    key, value = "findings.unit_zone.clinician", Quantity(value=1.0, decimals=1)
    assert NL.text(key, marker="nuchtere insuline", value=value).startswith("Nuchtere insuline")


@pytest.mark.parametrize("symbol", ["hs-CRP", "eGFR", "rT3", "25-OH-vitamine D"])
def test_a_symbol_with_a_capital_of_its_own_keeps_its_first_letter(symbol: str) -> None:
    key, value = "findings.unit_zone.clinician", Quantity(value=1.0, decimals=1)
    assert NL.text(key, marker=symbol, value=value).startswith(symbol)


def test_a_name_inside_a_list_gets_no_capital() -> None:
    assert NL.text("findings.item_plain", marker="gewicht", value="72,5 kg").startswith("gewicht")


def test_one_and_many_have_texts_of_their_own() -> None:
    assert " rij " in NL.count("report.summary.set_aside", 1)
    assert " rijen " in NL.count("report.summary.set_aside", 2)


def test_a_missing_text_is_an_error_of_the_rules() -> None:
    with pytest.raises(RulesError, match=r"Unable to find text 'flags\.SF-99\.title'"):
        NL.text("flags.SF-99.title")


def test_a_missing_field_is_an_error_of_the_rules() -> None:
    with pytest.raises(RulesError, match="needs the field 'date'"):
        NL.text("report.consent.given")


@pytest.mark.parametrize("code", ["xx", "../nl", ""])
def test_a_language_without_texts_is_an_error_of_the_rules(code: str) -> None:
    with pytest.raises(RulesError, match="Unrecognised language"):
        Language.load(code)
