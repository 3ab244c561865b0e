"""What weakens a conclusion is said beside it, and nowhere else; a flag keeps its urgency."""

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from clinic import RULES, case, lab, only_visit

from pipeline.interpret import interpret
from pipeline.interpret.weakness import REASONS
from pipeline.language import Language
from pipeline.model import CaseInput, Interpretation, Reservation, Visit
from pipeline.narrate import narrate
from pipeline.narrate.reservations import client_reservations
from pipeline.narrate.telling import Telling
from pipeline.story import Callout

RECENT = "2025-09-01T08:00"
COMPENSATED = {"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 35}
HIGH_CORTISOL = {"cortisol_serum_am": 900}
each_language = pytest.mark.parametrize("language", ["nl", "en"])


def of(visit: Visit, weakens: str = "phase") -> dict[str, Reservation]:
    """Return what weakens one conclusion, by word."""
    return {one.word: one for one in visit.reservations if one.weakens == weakens}


def words(*parts: pd.DataFrame, weakens: str = "phase", **more: Any) -> set[str]:
    """Return the words of what weakens a conclusion of a person who came once."""
    return set(of(only_visit(interpret(case(*parts, **more))), weakens))


def phase_words(**columns: str) -> set[str]:
    return words(lab(COMPENSATED, **({"date": RECENT} | columns)))


def test_a_sound_recent_phase_has_one_reservation_that_it_was_measured_once() -> None:
    assert phase_words() == {"single"}


def test_a_phase_that_could_not_be_decided_is_weakened_by_nothing() -> None:
    assert words(lab({"glucose_fasting": 5.0}, date="2020-01-01"), weakens="phase") == set()


# How old.


@pytest.mark.parametrize(
    ("date", "is_old"), [("2024-10-01", False), ("2024-09-30", True), ("2025-09-01", False)]
)
def test_a_result_older_than_a_year_weakens_what_is_told_as_current(
    date: str, is_old: bool
) -> None:
    visit = only_visit(interpret(case(lab(COMPENSATED, date=date))))
    assert ("aged" in of(visit)) is is_old
    if is_old:
        assert of(visit)["aged"].days == 366


def test_the_phase_of_an_earlier_visit_is_told_of_then_and_does_not_age() -> None:
    rows = (lab(COMPENSATED, date="2022-01-01"), lab(COMPENSATED, date=RECENT, sample_id="s2"))
    first, last = interpret(case(*rows)).visits
    assert "aged" not in of(first)
    assert "aged" not in of(last)


def test_a_flag_that_is_still_open_ages_and_a_resolved_one_does_not() -> None:
    old = lab(HIGH_CORTISOL, date="2023-01-01T08:00")
    known = {"oestrogen_use": "no", "weight_change_6m_kg": 0}
    is_open = interpret(case(old, context=known))
    assert "aged" in of(is_open.visits[0], "SF-04")
    later = lab({"cortisol_serum_am": 400}, date="2025-01-01T08:00", sample_id="s2")
    resolved = interpret(case(old, later, context=known))
    assert "aged" not in of(resolved.visits[0], "SF-04")


# Once or more.


def test_the_same_class_on_another_day_takes_the_reservation_away() -> None:
    rows = (lab(COMPENSATED, date="2025-06-01"), lab(COMPENSATED, date=RECENT, sample_id="s2"))
    first, last = interpret(case(*rows)).visits
    assert "single" in of(first)
    assert "single" not in of(last)


def test_diabetes_range_in_one_value_is_single_and_in_two_it_is_not() -> None:
    one = lab({"glucose_fasting": 7.4, "hba1c": 44}, date=RECENT)
    two = lab({"glucose_fasting": 7.4, "hba1c": 50}, date=RECENT)
    assert "single" in words(one)
    assert "single" in words(one, weakens="SF-06")
    assert "single" not in words(two)
    assert "single" not in words(two, weakens="SF-06")


def test_a_prediabetes_range_found_at_the_visit_before_is_not_single() -> None:
    row = {"glucose_fasting": 6.4, "insulin_fasting": 12, "hba1c": 37}
    first, last = interpret(
        case(lab(row, date="2025-05-01"), lab(row, date=RECENT, sample_id="s2"))
    ).visits
    assert ("single" in of(first), "single" in of(last)) == (True, False)


@pytest.mark.parametrize(
    ("flag", "values"),
    [
        ("SF-11", {"hs_crp": 15}),
        ("SF-22", {"sbp": 150, "dbp": 80}),
        ("SF-05", {"cortisol_serum_am": 90}),
        ("SF-14", {"egfr": 50}),
    ],
)
def test_one_value_is_little_for_a_flag_that_asks_to_repeat(
    flag: str, values: dict[str, float]
) -> None:
    once = lab(values, date=RECENT)
    again = lab(values, date="2025-09-08T08:00", sample_id="s2")
    assert "single" in words(once, weakens=flag)
    assert "single" not in words(once, again, weakens=flag)


def test_a_flag_raised_at_an_earlier_visit_too_is_not_single() -> None:
    rows = (
        lab({"hs_crp": 15}, date="2025-01-01T08:00"),
        lab({"hs_crp": 15}, date=RECENT, sample_id="s2"),
    )
    first, last = interpret(case(*rows)).visits
    assert ("single" in of(first, "SF-11"), "single" in of(last, "SF-11")) == (True, False)


def test_one_value_is_enough_where_nothing_asks_to_repeat_it() -> None:
    assert "single" not in words(lab({"triglycerides": 12}, date=RECENT), weakens="SF-09")


# The sample and the person.


def test_haemolysis_weakens_a_high_potassium_and_not_a_high_insulin() -> None:
    rows = lab({"potassium": 6.5, "insulin_fasting": 60}, date=RECENT, haemolysis="visible")
    assert "haemolysis" in words(rows, weakens="SF-13")
    assert "haemolysis" not in words(rows, weakens="SF-01")


def test_haemolysis_weakens_the_phase_since_insulin_may_be_higher() -> None:
    assert "haemolysis" in phase_words(haemolysis="trace")
    assert "haemolysis" not in phase_words(haemolysis="none")


@pytest.mark.parametrize(
    ("stated", "word"), [("yes", "biotin"), ("unknown", "biotin-unknown"), ("no", None)]
)
def test_biotin_weakens_a_low_tsh_and_not_a_high_one(stated: str, word: str | None) -> None:
    said = {"biotin_last_72h": stated}
    low = words(lab({"tsh": 0.05}, date=RECENT), weakens="SF-15", context=said)
    high = words(lab({"tsh": 12}, date=RECENT), weakens="SF-15", context=said)
    assert low == ({word} if word else set())
    assert high == set()
    phase = words(lab(COMPENSATED, date=RECENT), context=said)
    assert phase == {"single", *([word] if word else [])}


@pytest.mark.parametrize(
    ("hours", "word"), [("10", None), ("8", None), ("3", "not-fasting"), ("", "fasting-unknown")]
)
def test_triglycerides_ask_for_fasting(hours: str, word: str | None) -> None:
    rows = lab({"triglycerides": 12}, date=RECENT, fasting_hours=hours)
    assert words(rows, weakens="SF-09") == ({word} if word else set())


def test_a_glucose_that_is_random_by_itself_asks_for_no_fasting() -> None:
    rows = lab({"glucose_random": 21}, date=RECENT, fasting_hours="")
    assert words(rows, weakens="SF-06") == {"single"}


def test_illness_weakens_the_phase_and_the_values_that_it_changes() -> None:
    ill = {"acute_illness_14d": "yes"}
    assert "acute-illness" in words(lab(COMPENSATED, date=RECENT), context=ill)
    cortisol = lab({"cortisol_serum_am": 90}, date=RECENT)
    assert "acute-illness" in words(cortisol, weakens="SF-05", context=ill)
    assert "acute-illness" not in words(lab({"tsh": 12}, date=RECENT), weakens="SF-15", context=ill)


def test_a_high_crp_is_no_reservation_about_itself() -> None:
    rows = lab({"hs_crp": 15, "cortisol_serum_am": 90}, date=RECENT)
    assert "acute-illness" not in words(rows, weakens="SF-11")
    assert "acute-illness" in words(rows, weakens="SF-05")


@pytest.mark.parametrize(("moment", "is_weak"), [("2025-09-01", True), (RECENT, False)])
def test_cortisol_without_a_clock_time_is_weak(moment: str, is_weak: bool) -> None:
    found = words(lab({"cortisol_serum_am": 90}, date=moment), weakens="SF-05")
    assert ("clock-time" in found) is is_weak


# How it was measured.


@pytest.mark.parametrize("column", ["lab", "method"])
def test_another_laboratory_or_method_than_before_weakens(column: str) -> None:
    first = lab(COMPENSATED, date="2025-01-01", **{column: "one"})
    other = lab(COMPENSATED, date=RECENT, sample_id="s2", **{column: "two"})
    same = lab(COMPENSATED, date=RECENT, sample_id="s2", **{column: "one"})
    assert "method-changed" in of(interpret(case(first, other)).visits[-1])
    assert "method-changed" not in of(interpret(case(first, other)).visits[0])
    assert "method-changed" not in of(interpret(case(first, same)).visits[-1])


def test_insulin_in_pmol_of_an_unknown_factor_weakens() -> None:
    molar = {**COMPENSATED, "insulin_fasting": 120}
    rows = lab(molar, date=RECENT, units={"insulin_fasting": "pmol/L"})
    assert "unit-factor-unknown" in words(rows)
    assert "unit-factor-unknown" not in phase_words()


@pytest.mark.parametrize(
    ("status", "is_weak"), [("preliminary", True), ("final", False), ("", False)]
)
def test_a_preliminary_result_weakens(status: str, is_weak: bool) -> None:
    assert ("preliminary" in phase_words(status=status)) is is_weak


@pytest.mark.parametrize(
    ("remark", "is_weak"),
    [
        ("Monster licht hemolytisch", True),
        ("LIPEMISCH serum", True),
        ("insufficient material", True),
        ("niet hemolytisch", False),
        ("no haemolysis", False),
        ("constructed=true", False),
        ("", False),
    ],
)
def test_a_remark_of_the_laboratory_about_a_poor_sample_weakens(remark: str, is_weak: bool) -> None:
    assert ("poor-sample" in phase_words(comment=remark)) is is_weak


def test_a_glucose_of_a_meter_at_home_weakens() -> None:
    rows = lab({"glucose_meter": 2.7}, date=RECENT)
    assert "self-measured" in words(rows, weakens="SF-03")
    rows = lab({"glucose_fasting": 2.7}, date=RECENT)
    assert "self-measured" not in words(rows, weakens="SF-03")


def test_a_bound_weakens_since_the_value_may_lie_further() -> None:
    assert "censored" in words(lab({"alt": ">150"}, date=RECENT), weakens="SF-08")
    assert "censored" not in words(lab({"alt": 150}, date=RECENT), weakens="SF-08")


def test_an_insulin_of_doubtful_unit_weakens_its_flag() -> None:
    one = case(lab({"insulin_fasting": 120}, date=RECENT))
    noted = CaseInput(**{**_fields(one), "rows": one.rows.assign(notes="unit-doubtful")})
    assert "unit-doubtful" in of(only_visit(interpret(noted)), "SF-01")
    assert "unit-doubtful" not in of(only_visit(interpret(one)), "SF-01")


def _fields(one: CaseInput) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


# What it does not do.


def test_no_reservation_changes_a_flag_a_phase_or_an_urgency() -> None:
    plain = lab(COMPENSATED | {"alt": 900, "potassium": 6.5}, date=RECENT)
    weak = plain.assign(status="preliminary", comment="lipemisch", lab="elsewhere")
    found, weakened = (only_visit(interpret(case(rows))) for rows in (plain, weak))
    assert weakened.flags == found.flags
    assert weakened.phase == found.phase


def test_every_reservation_names_results_of_its_own_conclusion() -> None:
    visit = only_visit(
        interpret(case(lab(COMPENSATED | {"tsh": 12}, date=RECENT, status="preliminary")))
    )
    assert set(of(visit)["preliminary"].markers) == set(COMPENSATED)
    assert of(visit, "SF-15")["preliminary"].markers == ("tsh",)
    assert len(of(visit, "SF-15")["preliminary"].rows) == 1


# In words.


def page_one(found: Interpretation, language: str) -> list[Callout]:
    summary = narrate(found, language).section("summary")
    assert summary is not None
    return [block for block in summary.blocks if isinstance(block, Callout)]


@each_language
def test_every_reason_is_told_to_both_audiences(language: str) -> None:
    texts = Language.load(language)
    assert set(texts.keys("reservations")) - {"of_phase", "of_flag", "despite"} == set(REASONS)
    keys = [f"reservations.{word}.{who}" for word in REASONS for who in ("clinician", "client")]
    assert [key for key in keys if not texts.has(key)] == []


@each_language
def test_what_weakens_the_phase_stands_in_its_box(language: str) -> None:
    found = interpret(case(lab(COMPENSATED, date="2024-01-01")))
    keys = [one.key for one in page_one(found, language)[-1].sentences]
    assert keys[-2:] == ["reservations.aged.clinician", "reservations.single.clinician"]


@each_language
def test_what_weakens_a_flag_stands_after_what_it_asks_and_keeps_its_haste(language: str) -> None:
    found = interpret(case(lab({"potassium": 6.5}, date=RECENT, haemolysis="visible")))
    keys = [one.key for one in page_one(found, language)[0].sentences]
    assert keys[-3:] == [
        "reservations.haemolysis.clinician",
        "reservations.despite.clinician",
        "report.acknowledgement.needed",
    ]
    assert any(key.startswith("flags.SF-13") for key in keys[:-3])


@each_language
def test_a_visit_in_full_tells_each_reservation_with_its_conclusion(language: str) -> None:
    found = interpret(case(lab(COMPENSATED | {"tsh": 12}, date=RECENT, status="preliminary")))
    section = narrate(found, language).section("diagnostics")
    told = str(section)
    assert "SF-15. " in told
    assert told.count("reservations.preliminary.clinician") == 2


@each_language
def test_a_client_hears_it_plainly_once_and_is_told_not_to_wait(language: str) -> None:
    found = interpret(case(lab({"cortisol_serum_am": 90}, date="2024-01-01")))
    telling = Telling(interpretation=found, language=Language.load(language), rules=RULES)
    told = client_reservations(telling, found.visits, "SF-05")
    keys = [one.key for one in told]
    assert keys[0] == "reservations.aged.client"
    assert keys[-1] == "reservations.despite.client"
    assert len({one.text for one in told}) == len(told)
    assert client_reservations(telling, found.visits, "SF-01") == ()


def test_the_limit_of_age_is_a_row_that_says_it_is_unverified() -> None:
    (limit,) = RULES.limits_named("reading-aged")
    assert (limit.value, limit.verified) == (365, False)
    assert dt.timedelta(days=limit.value) < dt.timedelta(days=366)
