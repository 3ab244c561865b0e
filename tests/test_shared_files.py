"""Real files that nobody here made, and hostile ones: for each, what must come out."""

import datetime as dt
import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import pytest
from clinic import RULES
from hostile import end_in_a_process, end_of

from pipeline.errors import LabFileError
from pipeline.intake import Intake, take_in
from pipeline.read import read_mapping

AS_OF = dt.date(2027, 1, 1)

# file: accepted, set aside, no laboratory result, and how many rows each reason has
READ = {
    "hl7v2_oru/hapi_bloodgas_13obx.hl7": (0, 12, 1, {"analyte-unknown": 12}),
    "hl7v2_oru/lfh_nonhdl_chol_open_range.hl7": (
        0, 1, 0, {"case-id-missing": 1, "analyte-unknown": 1},
    ),
    "hl7v2_oru/msft_LAB-ORU-1.hl7": (0, 8, 2, {"analyte-unknown": 8}),
    "hl7v2_oru/nhapi_cbc_status_Z.hl7": (2, 8, 10, {"analyte-unknown": 8}),
    "hl7v2_oru/nhapi_orf_r04_hba1c.hl7": (0, 1, 0, {"unit-unknown": 1}),
    "hl7v2_oru/rubyhl7_realm-batch.hl7": (
        0, 2, 1, {"person-contradicts": 2, "analyte-unknown": 2},
    ),
    "fhir_nl_ehr/LaboratoryTestResult-CGM.json": (1, 0, 0, {}),
    "fhir_nl_ehr/LaboratoryTestResult2-Epic.json": (1, 0, 0, {}),
    "fhir_nl_ehr/LaboratoryTestResult-Epic.json": (0, 1, 0, {"analyte-unknown": 1}),
    "fhir_hl7_r4_examples/Bundle-lipids.json": (
        0, 4, 1, {"analyte-unknown": 4, "date-unreadable": 4},
    ),
    "fhir_hl7_r4_examples/Observation-blood-pressure.json": (2, 0, 1, {}),
    "fhir_hl7_r4_examples/Observation-blood-pressure-cancel.json": (
        0, 2, 1, {"status-not-reported": 2, "unit-missing": 2, "value-missing": 2},
    ),
    "fhir_hl7_r4_examples/Observation-bmi.json": (1, 0, 0, {}),
    "fhir_hl7_r4_examples/Observation-body-length.json": (0, 1, 0, {"implausible": 1}),  # newborn
    "fhir_hl7_r4_examples/Observation-unsat.json": (
        0, 1, 0, {"status-not-reported": 1, "analyte-unknown": 1, "value-missing": 1},
    ),
}  # fmt: skip
REFUSED = {
    "hl7v2_oru/rubyhl7_empty.hl7": "the file is empty",
    "messy_labs/medicaldata_messy_bp.xlsx": "columns with results",  # "167/92" has no column
}
MAPPINGS = {
    "messy_labs/medicaldata_messy_aki.xlsx": (
        'constants = {collected_at = "2020-01-01"}\n'
        '[analytes]\n"Admission GFR" = { marker = "egfr", unit = "mL/min/{1.73_m2}" }\n',
        {"accepted": 15, "set_aside": 104, "no_result": 88},
    ),
    "messy_labs/medicaldata_messy_glucose.xlsx": (
        'constants = {collected_at = "2020-01-01"}\n[analytes]\n'
        '"glucose PRE" = { marker = "glucose_ogtt_0", unit = "mg/dL" }\n'
        '"glucose POST" = { marker = "glucose_ogtt_60", unit = "mg/dL" }\n',
        {},
    ),
    "messy_labs/eicu_demo_lab.csv.gz": (
        'constants = {collected_at = "2015-01-01"}\n[columns]\n'
        'patientunitstayid = "case_id"\nlabresultoffset = "ignored"\nlabname = "analyte"\n'
        'labresult = "ignored"\nlabresulttext = "value"\nlabmeasurenamesystem = "unit"\n',
        {"accepted": 2727, "set_aside": 12415, "no_result": 0},
    ),
    "nhanes/raw_xpt/GLU_J.XPT.gz": (
        'constants = {collected_at = "2017-06-01"}\n[columns]\nSEQN = "case_id"\n'
        'WTSAF2YR = "ignored"\nLBXGLU = "ignored"\n'
        '[analytes]\nLBDGLUSI = { marker = "glucose_fasting", unit = "mmol/L" }\n',
        {"accepted": 2891, "set_aside": 0, "no_result": 145},
    ),
}


def opened(path: Path, folder: Path) -> Path:
    """Return a file, unpacked where it is packed."""
    if path.suffix != ".gz":
        return path
    plain = folder / path.stem
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    return plain


def read(path: Path, folder: Path, mapping: str = "") -> Intake:
    (folder / "lab.toml").write_text(mapping)
    how = read_mapping(folder / "lab.toml", RULES) if mapping else None
    return take_in([opened(path, folder)], as_of=AS_OF, rules=RULES, mapping=how)


@pytest.mark.parametrize("name", READ)
def test_of_a_real_file_comes_what_it_holds(shared: Path, tmp_path: Path, name: str) -> None:
    accepted, aside, others, reasons = READ[name]
    found = read(shared / "data" / name, tmp_path)
    ends = [found.counts[key] for key in ("accepted", "set_aside", "no_result")]
    assert (ends, found.reasons) == ([accepted, aside, others], reasons)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_without_a_result_is_refused(shared: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(LabFileError, match=REFUSED[name]):
        read(shared / "data" / name, tmp_path)


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_table_of_another_is_read_with_a_mapping(shared: Path, tmp_path: Path, name: str) -> None:
    mapping, ends = MAPPINGS[name]
    counts = read(shared / "data" / name, tmp_path, mapping).counts
    assert {key: counts[key] for key in ends} == ends
    assert counts["read"] == sum(counts[key] for key in ("accepted", "set_aside", "no_result"))


def test_glucose_of_a_transport_file_is_that_of_the_same_people_in_csv(
    shared: Path, tmp_path: Path
) -> None:
    mapping, _ = MAPPINGS["nhanes/raw_xpt/GLU_J.XPT.gz"]
    rows = read(shared / "data/nhanes/raw_xpt/GLU_J.XPT.gz", tmp_path, mapping).accepted
    own = rows.set_index(rows["case_id"].astype(int))["low"]
    other = pd.read_csv(shared / "data/nhanes/nhanes_2017_2018_fasting.csv.gz", index_col="SEQN")
    both = pd.concat([own, other["LBDGLUSI"]], axis=1, join="inner").dropna()
    assert len(both) > 2_000
    assert (abs(both["low"] - both["LBDGLUSI"]) < 0.005).all()


# Hostile files: how each of them ends. One that ends otherwise, better or worse, is looked at.

ABSENT, NO_TABLE, OLD = "find column 'sample_id'", "columns with results", "an old Office document"
BOMB, DOCTYPE, TWICE = (
    "unpacks to more",
    "declares a document type",
    "too many, or stand there twice",
)
DAMAGED, BINARY, NO_ROW = "it is damaged", "it holds NUL bytes", "it has only a header"
FUZZED = "clusterfuzz-testcase-minimized-"
# A word of the refusal, or the rows: the files, by name; "*" as in a shell.
WORKBOOKS = {
    "bombs": {
        NO_TABLE: ("bomb_dim.xlsx",),
        DOCTYPE: ("bomb_lol.xlsx",),
        BOMB: ("bomb_rows.xlsx", "bomb_str.xlsx"),
    },
    "poi": {
        OLD: (
            "*.xls", "60320-protected.xlsx", "crash-9bf3*.xlsx", "protect.xlsx",
            "protected_passtika.xls[bx]", "protected_sha512.xlsx",
        ),
        NO_TABLE: (
            "DateFormat*Tests.xlsx", "Excel_file_with_trash_item.xlsx", "MalformedSSTCount.xlsx",
            "link-external-workbook-[ab].xlsx", "poc-shared-strings.xlsx", "xlsx-corrupted.xlsx",
            "xxe_in_schema.xlsx",
        ),
        DAMAGED: (
            FUZZED + "POIXSSFFuzzer-*", FUZZED + "XLSX2CSVFuzzer-*", "crash-274d*.xlsx", "date.xlsb"
        ),
        DOCTYPE: ("poc-xmlbomb*.xlsx",),
        TWICE: ("duplicate-filename*.xlsx",),
        BINARY: ("invalid.xlsx",),
        "not a workbook": (FUZZED + "POIFuzzer-*",),
    },
}  # fmt: skip
TEXTS = {
    "csv": {ABSENT: ("*.csv", "*.json", "*.md")},
    "xxe": {ABSENT: ("*.xml", "*.txt", "LICENSE")},
    "hl7": {
        ABSENT: ("*.xml", "guide.txt", "messages.txt", "uuencoded*.txt"),
        NO_ROW: ("adt_*.txt", "cv.04*.hl7", "omd_*.txt", "segmentfinder_a24.hl7"),
        "21 rows": ("example_oml_o21.hl7",),
    },
}


def ends_of(folder: Path, listed: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[Path, str]]:
    """Yield each file of a folder with the one word that is listed of it."""
    for path in sorted(filter(Path.is_file, folder.rglob("*"))):
        words = [word for word, names in listed.items() if any(map(path.match, names))]
        assert len(words) == 1, path.name
        yield path, words[0]


def test_every_hostile_workbook_ends_as_listed_in_little_time_and_memory(
    shared: Path, root: Path
) -> None:
    texts = {ABSENT: ("LICENSE", "NOTICE")}
    for folder, number in (("bombs", 4), ("poi", 58)):
        ends = list(ends_of(shared / "attack/xlsx" / folder, WORKBOOKS[folder] | texts))
        assert len(ends) == number
        for path, word in ends:
            is_bomb = "bomb" in path.name or "poc" in path.name
            end = end_in_a_process(path, root) if is_bomb else end_of(path)
            assert word in end.told
            assert end.is_within_limits, end


@pytest.mark.parametrize("folder", TEXTS)
def test_every_hostile_text_ends_as_listed_in_little_time_and_memory(
    shared: Path, folder: str
) -> None:
    ends = list(ends_of(shared / "attack" / folder, TEXTS[folder]))
    assert len(ends) >= 8
    for path, word in ends:
        end = end_of(path)
        assert word in end.told
        assert end.is_within_limits, end
