import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import CaseFileError
from pipeline.intake import take_in
from pipeline.model import Consent, SetAside
from pipeline.read import (
    is_lab_file,
    read_case_folders,
    read_case_input,
    read_people,
    stated_table,
    write_case_input,
)
from pipeline.read.case_folder import CaseFolder, insulin_factors, read_case_folder
from pipeline.read.case_input import case_input_bytes
from pipeline.rules import load_rules

RULES = load_rules()
AS_OF = dt.date(2025, 10, 1)
SEED = Path("samples/seed_case")
CASE = """
case_id = "case_1"
sex = "F"
birth_year = 1987
[consent]
given = true
date = 2025-09-08
[context]
oestrogen_use = false
biotin_last_72h = "no"
[[visits]]
date = 2025-09-08
pregnancy_wish = true
postpartum_weeks = 52
cycle = "regular"
medication = ["h03aa", "A10BK01"]
symptoms = ["fatigue", "insomnia"]
[[timeline]]
date = "2024-05"
kind = "intervention"
text.nl = "Anders eten."
text.en = "Another diet."
[told.title]
nl = "Titel"
[laboratories."Lab A"]
insulin_pmol_per_mU = 6.945
"""


@pytest.fixture
def case_folder(tmp_path: Path):
    """Write a case.toml, and an empty lab file beside it, and read the folder."""

    def write(text: str, *, name: str = "case_1") -> CaseFolder:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "case.toml").write_text(text, encoding="utf-8")
        (folder / "lab.csv").touch()
        return read_case_folder(folder, keys=RULES.context, is_lab_file=is_lab_file)

    return write


def test_a_case_file_says_who_when_and_what(case_folder) -> None:
    folder = case_folder(CASE)
    assert (folder.person.case_id, folder.person.sex, folder.person.birth_year) == (
        "case_1",
        "F",
        1987,
    )
    assert folder.consent == Consent(given=True, date=dt.date(2025, 9, 8))
    assert folder.person.context == {"oestrogen_use": "no", "biotin_last_72h": "no"}
    assert folder.person.visits[0] == {
        "date": dt.date(2025, 9, 8),
        "pregnancy_wish": "yes",
        "postpartum_weeks": 52,
        "cycle": "regular",
        "medication": ["H03AA", "A10BK01"],
        "symptoms": ["fatigue", "insomnia"],
    }
    assert folder.timeline[0].when == "2024-05"
    assert folder.told == {"title": {"nl": "Titel"}}
    assert folder.laboratories == {"Lab A": 6.945}


def test_left_out_files_are_every_readable_one_in_the_folder(case_folder) -> None:
    assert [file.name for file in case_folder(CASE).files] == ["lab.csv"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('sex = "V"', "sex .*expected one of F, M"),
        ("birth_year = 87", "birth_year .*YYYY"),
        ("birth_year = true", "birth_year"),
        ('case_id = "Jan de Vries"', "case_id .*1 to 64"),
        ('name = "x"', "Unrecognised key 'name'.*case_id, sex"),
        ("files = 'lab.csv'", "list of file names"),
        ('files = ["absent.csv"]', "file 1 of 'files'"),
        ('files = ["../lab.csv"]', "file 1 of 'files'"),
        ("[context]\nnonsense = 1", "Unrecognised key 'nonsense'.*acute_illness_14d"),
        ('[context]\ncycle = "monthly"', "'cycle' .*regular, irregular, absent"),
        ('[context]\npregnant = "maybe"', "'pregnant' .*yes, no, unknown"),
        ("[context]\npregnant = 1", "'pregnant'"),
        ('[context]\ncycle_day = "x"', "'cycle_day' .*a number"),
        ("[context]\ncycle_day = nan", "'cycle_day' .*a number"),
        ("[context]\ncycle_day = true", "'cycle_day' .*a number"),
        ('[context]\nsymptoms = ["tired"]', "'symptoms' .*hypo_fasting"),
        ('[context]\nmedication = ["metformin"]', "'medication' .*ATC"),
        ("[[visits]]\npregnant = true", "date .*YYYY-MM-DD"),
        ("[[visits]]\ndate = 2025-09-08T10:00:00", "date .*YYYY-MM-DD"),
        ("[visits]\ndate = 2025-09-08", r"\[\[visits\]\]"),
        ('[consent]\ngiven = "yes"', "true or false"),
        ("[consent]\ngiven = true\nby = 1", "Unrecognised key of .consent. 'by'"),
        ('[[timeline]]\ndate = 2025-09-08\nkind = "party"', "presentation, test"),
        ('[[timeline]]\ndate = "2025-13"\nkind = "test"', "date"),
        ("[note]\nnl = 1", "by language"),
        ('[told.story]\nnl = "x"', "Unrecognised key of .told. 'story'"),
        ('[laboratories."A"]\ninsulin_pmol_per_mU = 60', "lie from"),
        ("x = = 1", "as TOML"),
    ],
)
def test_what_a_case_file_may_not_say_is_refused_without_repeating_it(
    case_folder, line: str, message: str
) -> None:
    keys = line.split(" = ")[0]
    kept = [own for own in CASE.splitlines()[1:4] if not own.startswith(keys)]
    with pytest.raises(CaseFileError, match=message) as refused:
        case_folder("\n".join([*kept, line]))
    for value in ("Jan", "monthly", "maybe", "metformin", "tired", "party"):
        assert value not in str(refused.value)


def test_a_folder_without_a_case_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match=r"Unable to find 'case.toml'"):
        read_case_folder(tmp_path, keys=RULES.context, is_lab_file=is_lab_file)


def test_two_folders_of_one_case_are_refused(case_folder) -> None:
    one, two = case_folder(CASE).path, case_folder(CASE, name="again").path
    with pytest.raises(CaseFileError, match="exactly 1 folder"):
        read_case_folders([one, two], keys=RULES.context, is_lab_file=is_lab_file)


def test_one_laboratory_has_one_insulin_factor(case_folder) -> None:
    one, two = case_folder(CASE), case_folder(CASE.replace("6.945", "6.0"), name="again")
    assert insulin_factors([one, one]) == {"Lab A": 6.945}
    with pytest.raises(CaseFileError, match="exactly 1 insulin factor"):
        insulin_factors([one, two])


# A table of people.

PEOPLE = """case_id;date;sex;birth_year;pregnant;symptoms;medication;cycle_day
a;;F;1987;no;;;
a;2024-01-01;;;unknown;fatigue insomnia;A10BA02, H02AB;3,5
b;2024-01-01;;;;none;;
"""


def people_of(tmp_path: Path, text: str) -> dict:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    return read_people(path, keys=RULES.context)


def test_a_table_of_people_states_the_same_keys_for_many(tmp_path: Path) -> None:
    people = people_of(tmp_path, PEOPLE)
    assert (people["a"].sex, people["a"].birth_year) == ("F", 1987)
    assert people["a"].context == {"pregnant": "no"}
    assert people["a"].visits == (
        {
            "date": dt.date(2024, 1, 1),
            "pregnant": "unknown",
            "symptoms": ["fatigue", "insomnia"],
            "medication": ["A10BA02", "H02AB"],
            "cycle_day": 3.5,
        },
    )
    assert people["b"].visits[0]["symptoms"] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("F;1987", "X;1987", "line 2.*F, M"),
        ("F;1987", "F;1987;1", "line 2"),
        ("pregnant", "nonsense", "'nonsense'"),
        (";;;unknown", ";M;;unknown", "line 3 states another"),
        ("b;2024-01-01;;;;none", "a;;;;yes;none", "exactly 1 pregnant .*line 4 states another"),
        ("b;2024-01-01;;;;none", "a;2024-01-01;;;;none", "exactly 1 symptoms .*line 4 states"),
        ("a;2024-01-01", "a;01-01-2024", "line 3.*YYYY-MM-DD"),
        ("b;2024", ";2024", "case_id in .*line 4"),
        ("case_id;date", "case_id;day", "column 'date'"),
    ],
)
def test_a_table_of_people_that_cannot_be_is_refused_by_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(CaseFileError, match=message):
        people_of(tmp_path, PEOPLE.replace(old, new, 1))


def test_two_rows_of_one_person_and_date_are_one_statement(tmp_path: Path) -> None:
    more = PEOPLE + "a;2024-01-01;;;unknown;;;\na;;F;1987;;;;12\n"
    people = people_of(tmp_path, more)
    assert people["a"].context == {"pregnant": "no", "cycle_day": 12}
    assert len(people["a"].visits) == 1
    assert people["a"].visits[0]["cycle_day"] == 3.5


ROW = "case_id,sample_id,collected_at,analyte,value,unit\ncase_1,s,2024-01-01,alt,20,U/L\n"


def taken_in(tmp_path: Path, *, told: str, listed: str):
    """Return what is stated of a person by a case folder and a table of people together."""
    folder = tmp_path / "case_1"
    folder.mkdir()
    (folder / "case.toml").write_text(told, encoding="utf-8")
    (folder / "lab.csv").write_text(ROW, encoding="utf-8")
    people = tmp_path / "people.csv"
    people.write_text(f"case_id;date;sex;pregnant;cycle_day\n{listed}", encoding="utf-8")
    return take_in([folder], as_of=AS_OF, people=people, rules=RULES).case("case_1")


TOLD = (
    'case_id = "case_1"\n[context]\npregnant = "no"\n[[visits]]\ndate = 2024-01-01\ncycle_day = 3\n'
)


def test_what_a_case_folder_and_a_table_of_people_state_is_joined(tmp_path: Path) -> None:
    listed = "case_1;;F;no;\ncase_1;2024-01-01;;;3\ncase_1;2023-01-01;;;9\n"
    case = taken_in(tmp_path, told=TOLD, listed=listed)
    assert (case.sex, case.context) == ("F", {"pregnant": "no"})
    assert [(str(visit["date"]), visit["cycle_day"]) for visit in case.visits] == [
        ("2023-01-01", 9),
        ("2024-01-01", 3),
    ]


@pytest.mark.parametrize(
    ("told", "listed", "message"),
    [
        (TOLD, "case_1;;;yes;\n", "exactly 1 pregnant .*table of people states another"),
        (TOLD, "case_1;2024-01-01;;;4\n", "exactly 1 cycle_day .*table of people states another"),
        (f'sex = "M"\n{TOLD}', "case_1;;F;;\n", "exactly 1 sex .*table of people states another"),
        (
            f"{TOLD}[[visits]]\ndate = 2024-01-01\ncycle_day = 4\n",
            "",
            "exactly 1 cycle_day .*'case.toml' of 'case_1' states another",
        ),
    ],
)
def test_places_that_contradict_each_other_are_refused(
    tmp_path: Path, told: str, listed: str, message: str
) -> None:
    with pytest.raises(CaseFileError, match=message):
        taken_in(tmp_path, told=told, listed=listed or "case_9;;;;\n")


def test_what_is_stated_becomes_a_table_with_a_row_a_visit(tmp_path: Path) -> None:
    stated = stated_table(people_of(tmp_path, PEOPLE).values())
    assert list(stated["case_id"]) == ["a", "a", "b", "b"]
    assert list(stated["date"].isna()) == [True, False, True, False]
    assert stated["symptoms"][1] == "fatigue insomnia"
    assert stated["symptoms"][3] == ""
    assert stated["symptoms"][0] is None
    assert list(stated["pregnant"]) == ["no", "unknown", None, None]


# input.json and the built-in sample.


def test_the_built_in_input_is_what_intake_makes_of_the_seed_case(root: Path) -> None:
    case = take_in([root / SEED], as_of=AS_OF, rules=RULES).case("seed_case")
    assert case_input_bytes(case) == (root / SEED / "input.json").read_bytes()


def test_a_case_survives_being_written_and_read(tmp_path: Path) -> None:
    case = read_case_input()
    odd = case.rows.assign(comparator=">", high=float("inf"), mg_low=1.5, mg_high=float("inf"))
    measurement = {**odd.iloc[0].to_dict(), "notes": "haemolysis"}
    aside = SetAside(row="lab.csv:9", reasons=("implausible",), measurement=measurement)
    case = replace(case, rows=odd, set_aside=(aside,), consent=None, sex=None, birth_year=None)
    write_case_input(case, tmp_path / "input.json")
    again = read_case_input(tmp_path / "input.json")
    pd.testing.assert_frame_equal(again.rows, case.rows)
    assert case_input_bytes(again) == (tmp_path / "input.json").read_bytes()
    assert again.set_aside[0].measurement["high"] == float("inf")
    assert (again.sex, again.birth_year, again.consent) == (None, None, None)
    assert len(again.sha256) == 64


def test_a_case_without_rows_has_the_same_types(tmp_path: Path) -> None:
    case = read_case_input()
    write_case_input(replace(case, rows=case.rows.iloc[:0]), tmp_path / "input.json")
    assert (read_case_input(tmp_path / "input.json").rows.dtypes == case.rows.dtypes).all()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"schema": "casereport/input/2"}', '{"schema": "casereport/input/1"}',
     '{"schema": NaN}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_input_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "input.json").write_text(content)
    with pytest.raises(CaseFileError, match="casereport/input/1"):
        read_case_input(tmp_path / "input.json")


def test_every_value_of_the_seed_case_is_that_of_the_examples(root: Path, shared: Path) -> None:
    examples = json.loads((shared / "clinical/examples.json").read_text("utf-8"))["seed_case_f36"]
    rows = pd.read_csv(root / SEED / "lab.csv")
    dated = rows.assign(day=rows["collected_at"].str[:10]).set_index(["day", "analyte"])["value"]
    for visit in examples:
        ogtt = visit.get("ogtt", {"minutes": [], "glucose": [], "insulin": []})
        times = {
            f"{analyte}_ogtt_{minute}": value
            for analyte in ("glucose", "insulin")
            for minute, value in zip(ogtt["minutes"], ogtt[analyte], strict=True)
        }
        expected = visit["values"] | times | visit.get("cgm", {})
        for marker, value in expected.items():
            assert dated[visit["date"], marker] == value
        own = dated[visit["date"]]
        assert set(own.index) - set(expected) == ({"homa_ir"} if visit["month"] == 0 else set())


def test_the_seed_case_states_the_context_of_the_examples(shared: Path) -> None:
    examples = json.loads((shared / "clinical/examples.json").read_text("utf-8"))["seed_case_f36"]
    case = read_case_input()
    words = {True: "yes", False: "no", None: "unknown"}
    for visit, example in zip(case.visits, examples, strict=True):
        stated = {**case.context, **visit}
        expected = example["context"] | {
            "symptoms": example["symptoms"],
            "pregnancy_wish": example["pregnancy_wish"],
        }
        for key, value in expected.items():
            plain = words[value] if value is None or isinstance(value, bool) else value
            assert stated[key] == plain, key


def test_each_value_of_the_seed_case_says_where_it_comes_from(root: Path) -> None:
    rows = pd.read_csv(root / SEED / "lab.csv")
    assert set(rows["comment"]) == {"seed", "constructed"}
    seed = rows[rows["comment"] == "seed"]
    assert set(seed["analyte"]) == {"insulin_fasting", "homa_ir"}


def test_of_a_folders_documents_only_those_of_fhir_are_lab_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"resourceType": "Bundle"}')
    (tmp_path / "b.xml").write_text('<Bundle xmlns="http://hl7.org/fhir"/>')
    (tmp_path / "c.json").write_text('{"schema": "casereport/case/1"}')
    (tmp_path / "d.csv").write_text("x")
    (tmp_path / "e.txt").write_text("x")
    (tmp_path / "case.toml").write_text('case_id = "x"')
    found = read_case_folder(tmp_path, keys=RULES.context, is_lab_file=is_lab_file)
    assert [file.name for file in found.files] == ["a.json", "b.xml", "d.csv"]
