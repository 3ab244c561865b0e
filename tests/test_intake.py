import csv
import datetime as dt
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized

from pipeline.errors import CaseFileError, LabFileError, NothingUsableError
from pipeline.intake import Intake, quarantine_of, require_rows, take_in
from pipeline.language import Language
from pipeline.model import ACCEPTED_COLUMNS
from pipeline.read.quarantine import COLUMNS
from pipeline.read.quarantine import quarantine_of as rows_of
from pipeline.read.records import records_of
from pipeline.rules import load_rules
from pipeline.validate import reasons_by_severity

RULES = load_rules()
AS_OF = dt.date(2025, 1, 1)
GOOD = "a,s1,2024-01-01,alt,22,U/L,F,1987"
LANGUAGES = ("nl", "en")
HEADER = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year"


def intake_of(folder: Path, *rows: str, **options: object) -> Intake:
    path = folder / "lab.csv"
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return take_in([path], as_of=AS_OF, rules=RULES, **options)


def read_quarantine(path: Path) -> pd.DataFrame:
    return rows_of(path.read_bytes().decode("utf-8-sig"), name=path.name)


def test_a_table_of_many_gives_each_person_their_own_case(tmp_path: Path) -> None:
    rows = (GOOD, "b,s2,2024-01-01,alt,30,U/L,M,", "b,s2,2024-01-01,ast,neg,U/L,,")
    intake = intake_of(tmp_path, *rows)
    assert intake.case_ids == ("a", "b")
    assert intake.counts == {"read": 3, "accepted": 2, "set_aside": 1, "no_result": 0}
    one, two = intake.case("a"), intake.case("b")
    assert (one.sex, one.birth_year, len(one.rows), one.set_aside) == ("F", 1987, 1, ())
    assert (two.sex, two.birth_year, two.set_aside[0].row) == ("M", None, "lab.csv:4")
    assert list(one.rows.columns) == list(ACCEPTED_COLUMNS)
    assert one.context == {}


def test_an_implausible_row_keeps_what_was_measured_and_no_other_does(tmp_path: Path) -> None:
    rows = (GOOD, "a,s2,2024-01-01,insulin_fasting,3000,pmol/L,,", "a,s3,nodate,alt,99999,U/L,,")
    implausible, unread = intake_of(tmp_path, *rows).case("a").set_aside
    assert implausible.reasons == ("implausible",)
    assert implausible.measurement["low"] == 500
    assert implausible.measurement["marker"] == "insulin_fasting"
    assert unread.measurement is None


def test_each_of_two_contradictory_rows_keeps_what_was_measured(tmp_path: Path) -> None:
    rows = ("a,s1,2024-01-01,potassium,4.1,mmol/L,,", "a,s1,2024-01-01,potassium,6.9,mmol/L,,")
    aside = intake_of(tmp_path, GOOD, *rows).case("a").set_aside
    assert [one.reasons for one in aside] == [("duplicate-contradictory",)] * 2
    assert [one.measurement["low"] for one in aside] == [4.1, 6.9]


def test_a_row_without_a_unit_keeps_the_number_as_if_in_the_canonical_unit(tmp_path) -> None:
    rows = ("a,s1,2024-01-01,potassium,6.9,,,", "a,s2,2024-01-01,potassium,<2.0,furlong,,")
    aside = intake_of(tmp_path, GOOD, *rows).case("a").set_aside
    assert [one.measurement["low"] for one in aside] == [6.9, 0]
    assert aside[1].measurement["high"] == pytest.approx(2)


def test_a_person_with_only_rows_in_doubt_still_gets_a_report(tmp_path: Path) -> None:
    doubtful = ("b,s1,2024-01-01,alt,99999,U/L,M,1980", "c,s1,2024-01-01,alt,31,furlong,,")
    useless = ("d,s1,2024-01-01,alt,neg,U/L,,", "e,s1,nodate,alt,99999,U/L,,")
    intake = intake_of(tmp_path, *doubtful, *useless)
    require_rows(intake)
    assert intake.case_ids == ("b", "c")
    assert intake.cases_without_rows == ("d", "e")
    case = intake.case("b")
    assert (len(case.rows), case.sex, case.birth_year) == (0, "M", 1980)
    assert list(case.rows.columns) == list(ACCEPTED_COLUMNS)
    assert case.set_aside[0].measurement["low"] == 99999
    with pytest.raises(NothingUsableError, match="case 'd'"):
        intake.case("d")


def test_people_come_from_the_table_of_people_and_must_agree_with_the_rows(tmp_path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("case_id,date,sex,birth_year,pregnant\na,,F,1987,no\nb,,F,,yes\n")
    rows = (GOOD, "b,s2,2024-01-01,alt,30,U/L,M,")
    intake = intake_of(tmp_path, *rows, people=people)
    assert intake.case("a").context == {"pregnant": "no"}
    assert intake.reasons == {"person-contradicts": 1}
    assert intake.cases_without_rows == ("b",)
    assert list(intake.stated["pregnant"]) == ["no", "yes"]


def test_a_case_folder_brings_consent_context_and_timeline(root: Path) -> None:
    case = take_in([root / "samples/seed_case"], as_of=dt.date(2025, 10, 1), rules=RULES).case(
        "seed_case"
    )
    assert case.consent.given
    assert [visit["date"].year for visit in case.visits] == [2023, 2024, 2025]
    assert {event.kind for event in case.timeline} == {
        "presentation",
        "test",
        "intervention",
        "outcome",
    }
    assert set(case.note) == set(case.told["title"]) == {"nl", "en"}


def test_rows_after_the_day_looked_from_are_set_aside_as_such(root: Path) -> None:
    early = take_in([root / "samples/seed_case"], as_of=dt.date(2024, 1, 1), rules=RULES)
    assert set(early.reasons) == {"date-after-as-of"}
    assert sum(early.counts.values()) == 2 * early.counts["read"]


def test_files_of_one_name_in_two_folders_stay_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "case.toml").write_text(f'case_id = "{name}"\n')
        (folder / "lab.csv").write_text(
            f"{HEADER}\n,s,2024-01-01,alt,22,U/L,,\nx,s,2024-01-01,alt,1.234,U/L,,\n"
        )
    intake = take_in([tmp_path / "one", tmp_path / "two"], as_of=AS_OF, rules=RULES)
    assert intake.case_ids == ("one", "two")
    assert [aside.row for aside in intake.case("two").set_aside] == ["lab.csv:3"]
    assert intake.files == ("lab.csv", "lab.csv")


def test_a_file_proves_its_decimal_mark_for_itself_only(tmp_path: Path) -> None:
    for name, value in (("points", "2.5"), ("none", "25")):
        (tmp_path / f"{name}.csv").write_text(
            f"{HEADER}\n{name},s1,2024-01-01,alt,{value},U/L,,\n"
            f"{name},s2,2024-01-01,alt,1.234,U/L,,\n"
        )
    files = [tmp_path / "points.csv", tmp_path / "none.csv"]
    intake = take_in(files, as_of=AS_OF, rules=RULES)
    assert list(intake.quarantine["row"]) == ["none.csv:3"]


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("lab.csv", "", LabFileError),
        ("lab.csv", "\x89PNG\0", LabFileError),
        ("lab.csv", "a,b\n1,2", LabFileError),
        ("lab.pdf", "%PDF-1.7", LabFileError),
    ],
)
def test_a_bad_file_is_an_error(tmp_path: Path, name: str, content: str, error: type) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(error):
        take_in([tmp_path / name], as_of=AS_OF, rules=RULES)


def test_a_folder_without_a_case_file_or_without_lab_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match=r"case\.toml"):
        take_in([tmp_path], as_of=AS_OF, rules=RULES)
    (tmp_path / "case.toml").write_text('case_id = "x"')
    with pytest.raises(CaseFileError, match="lab file"):
        take_in([tmp_path], as_of=AS_OF, rules=RULES)


def test_only_bad_rows_leave_nothing_to_use_but_say_why(tmp_path: Path) -> None:
    intake = intake_of(tmp_path, GOOD.replace("22", "neg"))
    assert intake.reasons == {"value-qualitative": 1}
    with pytest.raises(NothingUsableError, match="None of the 1 rows"):
        require_rows(intake)
    with pytest.raises(NothingUsableError, match="case 'a'"):
        intake.case("a")


def test_strict_allows_no_row_set_aside(tmp_path: Path) -> None:
    intake = intake_of(tmp_path, GOOD, GOOD.replace("22", "neg"))
    require_rows(intake)
    with pytest.raises(NothingUsableError, match="1 of 2 rows"):
        require_rows(intake, strict=True)


# What comes in goes out: accepted, or set aside and found again in the quarantine.

CELL = st.one_of(
    st.sampled_from(["", "a", "alt", "22", "1.234", "<0,3", "U/L", "2024-01-01", "neg", "=1+1"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
)
ANALYTES = st.sampled_from(["alt", "ALAT", "glucose_fasting", "insulin_fasting", "homa_ir", "x"])
ROWS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["a", "b", "a b", ""]),
            st.sampled_from(["s1", "s2", ""]),
            st.sampled_from(["2024-01-01", "2024-01-02T08:00", "2030-01-01", "x"]),
            ANALYTES,
            st.one_of(st.decimals(-1, 500, places=1).map(str), CELL),
            st.sampled_from(["U/L", "mmol/L", "mU/L", "pmol/L", "1", "", "x"]),
            st.sampled_from(["F", "M", ""]),
            st.sampled_from(["1987", "1988", "", "87"]),
        ).map(list),
        st.lists(CELL, min_size=1, max_size=9),
    ),
    min_size=1,
    max_size=12,
)


@given(ROWS)
@settings(max_examples=sized(10, full=300))  # each starts the expectations anew
@pytest.mark.fuzz
def test_every_row_is_accepted_or_set_aside_exactly_once(tmp_path_factory, rows) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER.split(","))
    writer.writerows(rows)
    (folder / "lab.csv").write_text(file.getvalue(), encoding="utf-8", newline="")
    kept = [row for row in rows if any(row)]
    if not kept:
        return
    intake = take_in([folder / "lab.csv"], as_of=AS_OF, rules=RULES)
    ids = [*intake.accepted["row"], *intake.set_aside["row"]]
    assert len(ids) == len(set(ids)) == len(kept)
    assert intake.set_aside["reasons"].ne("").all()
    (folder / "quarantine.csv").write_bytes(quarantine_of(intake, Language.load("en")))
    if len(intake.set_aside):
        again = read_quarantine(folder / "quarantine.csv")
        assert again[list(intake.quarantine)].equals(
            intake.quarantine.reset_index(drop=True).astype(str)
        )


@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n", '"', ",", ";", "\t"])
def test_a_cell_with_a_mark_of_csv_in_it_comes_back_from_the_quarantine(
    tmp_path: Path, mark: str
) -> None:
    written = f"a{mark}b"
    cell = written.replace('"', '""')
    intake = intake_of(tmp_path, f'a,s1,2024-01-01,alt,"{cell}",U/L,,')
    assert intake.reasons == {"value-unreadable": 1}
    path = tmp_path / "quarantine.csv"
    path.write_bytes(quarantine_of(intake, Language.load("en")))
    assert list(read_quarantine(path)["value"]) == list(intake.quarantine["value"]) == [written]


def test_accepted_values_are_those_that_an_independent_reading_gives(tmp_path: Path) -> None:
    values = [f"{number / 10}" for number in range(20, 200)]
    rows = [f"a,s{n},2024-01-01,alt,{value},U/L,," for n, value in enumerate(values)]
    intake = intake_of(tmp_path, *rows)
    assert [float(value) for value in values] == list(intake.accepted["low"])


# quarantine.csv


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_quarantine_says_each_reason_in_a_sentence(tmp_path: Path, language: str) -> None:
    intake = intake_of(tmp_path, GOOD, "a,s2,x,=2+3,neg,stone,,")
    (tmp_path / "quarantine.csv").write_bytes(quarantine_of(intake, Language.load(language)))
    (row,) = read_quarantine(tmp_path / "quarantine.csv").to_dict("records")
    assert list(row) == list(COLUMNS)
    assert (row["row"], row["line"], row["analyte"], row["value"]) == (
        "lab.csv:3",
        "3",
        "=2+3",
        "neg",
    )
    assert row["reasons"] == "analyte-unknown;value-qualitative;date-unreadable"
    assert row["sentence"].count(".") == 3
    assert b"'=2+3" in (tmp_path / "quarantine.csv").read_bytes()


def test_every_reason_has_a_sentence_in_every_language() -> None:
    for words in reasons_by_severity().values():
        for word in words:
            assert all(Language.load(code).has(f"reasons.{word}") for code in LANGUAGES), word


def test_the_summary_can_be_told_as_json(tmp_path: Path) -> None:
    intake = intake_of(tmp_path, GOOD, GOOD.replace("22", "neg"))
    told = {"counts": intake.counts, "reasons": intake.reasons, "notes": intake.notes}
    assert json.loads(json.dumps(told)) == told


def test_rows_are_given_as_pandas_gives_them_as_plain_values() -> None:
    days = pd.to_datetime(["2026-03-01", None])
    rows = pd.DataFrame(
        {"text": ["a", ""], "number": [1.5, float("nan")], "known": [True, False], "day": days}
    )
    assert repr(records_of(rows)) == repr(rows.to_dict("records"))
    assert {type(value) for value in records_of(rows)[0].values()} == {
        str,
        float,
        bool,
        pd.Timestamp,
    }
    assert records_of(rows.iloc[:0]) == []
