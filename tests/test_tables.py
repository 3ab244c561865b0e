"""Tables that people make by hand, and workbooks, are read as they mean it or set aside."""

import io
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from clinic import RULES
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from sizes import sized

from pipeline.errors import LabFileError
from pipeline.read import read_lab_file, read_mapping
from pipeline.read.dates import with_dates
from pipeline.read.grid import cell_address
from pipeline.read.ranges import range_of
from pipeline.read.reading import Reading
from pipeline.read.suggest import suggest_mapping

SHOWN = ["line", "case_id", "analyte", "value", "unit"]


def read(folder: Path, text: str, *, name: str = "lab.csv", mapping: str = "", **more: object):
    """Write a file, and a mapping where one is given, and read it."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    found = None
    if mapping:
        (folder / "lab.toml").write_text(mapping)
        found = read_mapping(folder / "lab.toml", RULES)
    return read_lab_file(path, rules=RULES, mapping=found, **more)  # type: ignore[arg-type]


def shown(reading: Reading, *columns: str) -> list[tuple[str, ...]]:
    return list(reading.rows[list(columns)].itertuples(index=False, name=None))


# Long tables.


def test_a_table_below_titles_and_above_a_footer_is_found(tmp_path: Path) -> None:
    text = (
        "Laboratorium;;;;;\nUitslagen;;;;;\n\n"
        "Casus;Afnamedatum;Bepaling;Uitslag;Eenheid;Referentiewaarden\n"
        "a;31-01-2024;ALAT;5,2;U/L;3,9 - 45\n"
        "Einde;;;;;\n"
    )
    found = read(tmp_path, text)
    assert shown(found, *SHOWN) == [("5", "a", "ALAT", "5,2", "U/L")]
    assert shown(found, "ref_low", "ref_high", "moment") == [("3,9", "45", "2024-01-31")]
    assert found.ignored == {"title": 2, "no-result": 1}


def test_a_record_of_another_width_keeps_its_text_and_moves_no_cell(tmp_path: Path) -> None:
    text = "casus;datum;bepaling;uitslag;eenheid\na;31-01-2024;alat;5;2;U/L\n"
    found = read(tmp_path, text)
    assert shown(found, "value", "cells", "columns") == [
        ("a | 31-01-2024 | alat | 5 | 2 | U/L", 6, 5)
    ]


@pytest.mark.parametrize("column", ["casus", "datum", "eenheid"])
def test_a_table_without_a_column_it_needs_is_refused(tmp_path: Path, column: str) -> None:
    text = "casus;datum;bepaling;uitslag;eenheid\na;31-01-2024;alat;5;U/L\n"
    with pytest.raises(LabFileError, match="Unable to find column"):
        read(tmp_path, text.replace(column, "iets"))


def test_of_two_columns_of_one_meaning_a_mapping_says_which_is_meant(tmp_path: Path) -> None:
    text = "casus;datum;datum uitslag;afname;bepaling;uitslag;eenheid\n"
    text += "a;31-01-2024;1-2-2024;30-01-2024;alat;5;U/L\n"
    with pytest.raises(LabFileError, match=r"exactly 1 column 'collected_at'.*--mapping"):
        read(tmp_path, text)
    found = read(tmp_path, text, mapping='[columns]\nafname = "collected_at"\n')
    assert shown(found, "moment", "value") == [("2024-01-30", "5")]


def test_the_number_of_a_patient_is_kept_only_behind_a_pseudonym(tmp_path: Path) -> None:
    text = "BSN;datum;bepaling;uitslag;eenheid;naam\n123456782;31-01-2024;alat;5;U/L;Jan\n"
    found = read(tmp_path, text)
    (case_id,) = found.rows["case_id"]
    assert case_id.startswith("p")
    assert "123456782" not in found.rows.to_csv()
    assert "Jan" not in found.rows.to_csv()


# Wide tables.


def test_a_wide_table_has_a_result_a_cell_with_the_unit_of_its_column(tmp_path: Path) -> None:
    text = (
        "casus;datum;ALAT;HbA1c (mmol/mol);insuline nuchter\n"
        ";;U/L;;mE/L\n"
        "a;31-01-2024;22;36;7,4\n"
        "b;01-02-2024;;38;\n"
    )
    assert shown(read(tmp_path, text), *SHOWN) == [
        ("C3", "a", "ALAT", "22", "U/L"),
        ("D3", "a", "HbA1c", "36", "mmol/mol"),
        ("E3", "a", "insuline nuchter", "7,4", "mE/L"),
        ("D4", "b", "HbA1c", "38", "mmol/mol"),
    ]


def test_a_number_under_a_name_nobody_knows_is_no_less_a_result(tmp_path: Path) -> None:
    found = read(tmp_path, "casus;datum;ALAT;Vreemd;Tekst\na;31-01-2024;22;4,4;niets\n")
    assert shown(found, "analyte", "value") == [("ALAT", "22"), ("Vreemd", "4,4")]
    assert found.ignored == {"text-column": 1}


PERSONAL = ("Naam", "Geboortedatum", "BSN", "Patient name", "DOB", "Adres", "Telefoon", "E-mail")
TOLD = ("Jansen", "03-04-1956", "123456782", "J. Jansen", "1956-04-03", "Dorpsweg 7", "061", "j@x")


@pytest.mark.parametrize("as_sheet", [False, True])
@pytest.mark.parametrize("extra", [(), ("one", "more")])
@pytest.mark.parametrize(
    ("names", "cells"),
    [
        (("casus", "datum", "bepaling", "uitslag", "eenheid"), ("a", "31-01-2024", "X", "5", "y")),
        (("casus", "datum", "ALAT (U/L)", "Vreemd"), ("a", "31-01-2024", "neg", "4,4")),
        (
            ("case_id", "sample_id", "collected_at", "analyte", "value", "unit"),
            ("a", "s", "2024-01-31", "X", "5", "y"),
        ),
    ],
)
@pytest.mark.parametrize("column", range(len(PERSONAL)))
def test_what_is_of_a_person_is_counted_and_stands_in_no_row(
    tmp_path: Path,
    column: int,
    names: tuple[str, ...],
    cells: tuple[str, ...],
    extra: tuple[str, ...],
    as_sheet: bool,
) -> None:
    records = [[*names, PERSONAL[column]], [*cells, TOLD[column], *extra]]
    text = "\n".join(";".join(record) for record in records) + "\n"
    content = workbook(records) if as_sheet else text
    found = read(tmp_path, content, name="lab.xlsx" if as_sheet else "lab.csv")  # type: ignore[arg-type]
    assert found.ignored == {"personal-column": 1}
    assert len(found.rows) > 0
    written = found.rows.drop(columns=["birth_year"]).astype(str)
    assert not written.apply(lambda cell: cell.str.contains(TOLD[column], regex=False)).any(
        axis=None
    )


@pytest.mark.parametrize(
    ("column", "address"), [(0, "A7"), (25, "Z7"), (26, "AA7"), (701, "ZZ7"), (702, "AAA7")]
)
def test_a_cell_is_named_as_spreadsheets_name_it(column: int, address: str) -> None:
    assert cell_address(column, 7) == address


# Dates and intervals.


@pytest.mark.parametrize(
    ("dates", "moments"),
    [
        (["03/04/2024", "31/01/2024"], ["2024-04-03", "2024-01-31"]),
        (["03/04/2024", "01/31/2024"], ["2024-03-04", "2024-01-31"]),
        (["03/04/2024", "31/01/2024", "01/31/2024"], ["", "2024-01-31", "2024-01-31"]),
        (["03/04/2024"], [""]),
        (["5 mrt. 2024", "mei 1, 2024", "1-okt-2024"], ["2024-03-05", "2024-05-01", "2024-10-01"]),
        (["31-02-2024", "45296", "12/30/67"], ["", "", ""]),
        (["05-05-2024 8:30"], ["2024-05-05T08:30"]),
    ],
)
def test_which_number_is_the_day_the_column_proves(dates: list[str], moments: list[str]) -> None:
    rows = with_dates(pd.DataFrame({"file": "a", "collected_at": dates}))
    assert list(rows["moment"]) == moments


@given(day=st.dates(min_value=pd.Timestamp("1950-01-01").date()), proven=st.booleans())
def test_a_date_written_day_first_is_read_back_or_not_at_all(day, proven: bool) -> None:
    dates = [f"{day:%d-%m-%Y}", *(["31-12-2020"] if proven else [])]
    moment = with_dates(pd.DataFrame({"file": "a", "collected_at": dates}))["moment"][0]
    sure = proven or day.day > 12 or day.day == day.month
    assert moment == (f"{day}" if sure else "")


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("3,9 - 5,6", ("3,9", "5,6")), ("<130 optimal", ("", "130")), ("> 59", ("59", "")),
        ("70_105", ("70", "105")), ("-3-3", ("-3", "3")), (".4-1.5", (".4", "1.5")),
        ("(4.2–6.4)", ("4.2", "6.4")), ("tot 5", ("", "5")), ("neg", ("", "")), ("", ("", "")),
        ("3,9 - 5,6 (man) 4 - 6 (vrouw)", ("", "")), ("< 5 of > 9", ("", "")),
    ],
)  # fmt: skip
def test_an_interval_in_one_text_says_its_limits_or_nothing(
    text: str, limits: tuple[str, str]
) -> None:
    assert range_of(text) == limits


# Mappings.

MAPPING = """
laboratory = "Lab X"
dates = "dmy"
decimal = ","
insulin_pmol_per_mU = 6.0
[columns]
Proef = "analyte"
Getal = "value"
[analytes]
GLUN = { marker = "glucose_fasting", unit = "mmol/L" }
[constants]
fasting_hours = "10"
unit = ""
[cases]
"12345" = "p017"
"""


FHIR_OF_A_PATIENT = """{"resourceType": "Bundle", "type": "collection", "entry": [
{"resource": {"resourceType": "Patient", "id": "1",
 "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "123456782"}]}},
{"resource": {"resourceType": "Observation", "status": "final", "subject": {"reference":
 "Patient/1"}, "effectiveDateTime": "2024-01-31", "code": {"text": "ALAT"},
 "valueQuantity": {"value": 22, "unit": "U/L"}}}]}"""
HL7_OF_A_PATIENT = (
    "MSH|^~\\&|L|L|H|H|20240131||ORU^R01|1|P|2.5\r"
    "PID|1||123456782^^^NLMINBIZA||Jansen^J\r"
    "OBR|1|||T^T|||20240131\r"
    "OBX|1|NM|ALAT^ALAT^L||22|U/L|||||F|||20240131\r"
)
TABLE_OF_A_PATIENT = "BSN,datum,bepaling,uitslag,eenheid\n123456782,2024-01-31,ALAT,22,U/L\n"


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (FHIR_OF_A_PATIENT, "http://fhir.nl/fhir/NamingSystem/bsn|123456782"),
        (HL7_OF_A_PATIENT, "NLMINBIZA|123456782"),
        (TABLE_OF_A_PATIENT, "123456782"),
    ],
    ids=["fhir", "hl7", "table"],
)
def test_a_number_is_a_pseudonym_unless_a_mapping_names_its_case(
    tmp_path: Path, content: str, number: str
) -> None:
    (hidden,) = read(tmp_path, content).rows["case_id"]
    assert hidden.startswith("p")
    assert "123456782" not in hidden
    named = read(tmp_path, content, mapping=f'[cases]\n"{number}" = "c017"\n')
    assert list(named.rows["case_id"]) == ["c017"]
    other = read(tmp_path, content, mapping=f'[cases]\n"other|{number}" = "c017"\n')
    assert list(other.rows["case_id"]) == [hidden]


def test_a_mapping_says_how_a_laboratory_writes(tmp_path: Path) -> None:
    text = "patientnummer;datum;Proef;Getal\n12345;03-04-2024;GLUN;5,234\n"
    found = read(tmp_path, text, mapping=MAPPING)
    (row,) = found.rows.to_dict("records")
    assert (row["case_id"], row["analyte"], row["unit"]) == ("p017", "glucose_fasting", "mmol/L")
    assert (row["number"], row["moment"], row["fasting_number"]) == (5.234, "2024-04-03", 10)
    assert row["lab"] == "Lab X"


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        ("colums = 1", "key 'colums'"),
        ("dates = 'ymd'", "'dates'"),
        ("[columns]\nx = 'nothing'", "column 'nothing'"),
        ("[analytes]\nx = 'nothing'", "marker 'nothing'"),
        ("[analytes]\nx = 3", "analyte"),
        ("[constants]\nvalue = '3'", "column 'value'"),
        ("insulin_pmol_per_mU = 60", "insulin_pmol_per_mU"),
        ("[cases]\n'1' = 'Jan de Vries'", "case id"),
        ("sheets = 'a'", "'sheets'"),
        ("x = [", "as TOML"),
        ("[" * 3000, "as TOML"),
    ],
)
def test_a_mapping_with_a_fault_is_refused_in_one_line(
    tmp_path: Path, mapping: str, fault: str
) -> None:
    with pytest.raises(LabFileError, match=fault) as refused:
        read(tmp_path, "x", mapping=mapping)
    assert "lab.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


# Workbooks.


def workbook(*sheets: list[list[object]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Blad{number}")
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


TABLE: list[list[object]] = [
    ["casus", "datum", "bepaling", "uitslag", "eenheid"],
    ["a", pd.Timestamp("2024-04-03"), "ALAT", 1.234, "U/L"],
]


def test_numbers_and_dates_of_a_workbook_are_certain(tmp_path: Path) -> None:
    found = read(tmp_path, workbook([["Titel"], *TABLE], [["niets", "hier"]]), name="lab.xlsx")  # type: ignore[arg-type]
    (row,) = found.rows.to_dict("records")
    assert (row["row"], row["number"], row["moment"]) == ("lab.xlsx#Blad1:3", 1.234, "2024-04-03")
    assert found.ignored == {"title": 1, "sheet-without-results": 1}


def test_a_formula_without_a_stored_value_is_no_empty_cell(tmp_path: Path) -> None:
    rows = [*TABLE, ["b", "2024-01-01", "ALAT", "=D2*1.7", "U/L"]]
    found = read(tmp_path, workbook(rows), name="lab.xlsx")  # type: ignore[arg-type]
    assert list(found.rows["value"]) == ["1.234", "=D2*1.7"]
    assert list(found.rows["value_reading"]) == ["number", "unreadable"]


def packed(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (packed(hello=b"x"), "not a workbook"),
        (packed(**{"xl__worksheets__sheet1.xml": b"0" * 5_000_000}), "unpacks to more"),
        (packed(**{"xl__a.xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}), "document type"),
        (packed(**{f"xl__{n}": b"" for n in range(1_001)}), "too many"),
        (b"PK\x03\x04" + b"\0" * 100, "damaged"),
        (workbook(TABLE)[:-200], "damaged"),
        (workbook([["a", "b"], [1, 2]]), "columns with results"),
    ],
    # the bytes hold the moment at which they were made: no two workers would agree on the names
    ids=["no parts", "unpacks", "document type", "many parts", "a head", "cut off", "no results"],
)
def test_a_workbook_that_is_none_or_may_do_harm_is_refused(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    with pytest.raises(LabFileError, match=fault):
        read(tmp_path, content, name="lab.xlsx")  # type: ignore[arg-type]


WHOLE = workbook(TABLE, [["x"]])


@settings(max_examples=sized(60, full=1_000))
@given(
    places=st.lists(st.integers(0, len(WHOLE) - 1), min_size=1, max_size=12),
    byte=st.integers(0, 255),
)
def test_a_spoilt_workbook_is_read_or_refused(
    tmp_path_factory, places: list[int], byte: int
) -> None:
    content = bytearray(WHOLE)
    for place in places:
        content[place] = byte
    folder = tmp_path_factory.mktemp("spoilt")
    began = time.process_time()
    try:
        values = read(folder, bytes(content), name="lab.xlsx").rows["value"]  # type: ignore[arg-type]
    except LabFileError:
        values = []
    assert list(values) in ([], ["1.234"])
    assert time.process_time() - began < 10


LETTERS = st.sampled_from(";,\t\"'\n\r 0123456789.<>-+aAé\0")


@settings(max_examples=sized(100, full=2_000))
@given(
    cut=st.integers(0, 120),
    more=st.text(LETTERS, max_size=30),
)
def test_a_spoilt_table_is_read_or_refused(tmp_path_factory, cut: int, more: str) -> None:
    text = (
        "Casus;Datum;Bepaling;Uitslag;Eenheid\na;31-01-2024;ALAT;5,2;U/L\nb;31-01-2024;AST;7;U/L\n"
    )
    folder = tmp_path_factory.mktemp("spoilt")
    try:
        found = read(folder, text[:cut] + more + text[cut:])
    except LabFileError:
        return
    assert found.rows["row"].is_unique


# A first mapping.


def test_a_first_mapping_is_one_that_can_be_read_and_asks_what_it_does_not_know(
    tmp_path: Path,
) -> None:
    (tmp_path / "lab.csv").write_text("casus;datum;ALAT;Vreemd\na;31-01-2024;22;4\n")
    text = suggest_mapping(tmp_path / "lab.csv", RULES)
    assert '"casus" = "case_id"' in text
    assert '"ALAT" = "alt"' in text
    assert '# "Vreemd" = "ignored"' in text
    (tmp_path / "lab.toml").write_text(text)
    mapping = read_mapping(tmp_path / "lab.toml", RULES)
    assert mapping.columns["casus"] == "case_id"
    assert mapping.knows("ALAT")


def test_a_first_mapping_of_a_table_nobody_knows_names_its_columns(tmp_path: Path) -> None:
    (tmp_path / "lab.csv").write_text('x\nNummer,"Wat ""is"" dit",Hoeveel\n1,2,3\n')
    text = suggest_mapping(tmp_path / "lab.csv", RULES)
    assert r'# "Wat \"is\" dit" = "ignored"' in text
    (tmp_path / "lab.toml").write_text(text.replace("# DECIDE", "## DECIDE").replace('# "', '"'))
    assert len(read_mapping(tmp_path / "lab.toml", RULES).columns) == 3
