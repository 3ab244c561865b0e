import copy
import csv
import gzip
import json
import re
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized

from pipeline.errors import LabFileError
from pipeline.normalise import normalise_units
from pipeline.read.dates import with_dates
from pipeline.read.fhir import is_fhir_json, is_fhir_xml, read_fhir_json, read_fhir_xml
from pipeline.read.numbers import with_numbers
from pipeline.read.pseudonym import pseudonym_of
from pipeline.rules import load_rules

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
NHG = "https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen"
KIND = re.compile("[A-Z][A-Za-z]*")
ALIASES = load_rules().aliases


def known(name: str) -> bool:
    return " ".join(name.split()).casefold() in ALIASES


def anything(_: str) -> bool:
    return True


def code(loinc: str = "27873-9", **more) -> dict:
    return {"coding": [{"system": LOINC, "code": loinc}], **more}


def quantity(value: str = "22", unit: str = "mU/L", **more) -> dict:
    return {"value": float(value), "unit": unit, **more}


def observation(**more) -> dict:
    """Return an Observation; a key that is given None is left out."""
    one = {
        "resourceType": "Observation",
        "status": "final",
        "code": code(),
        "effectiveDateTime": "2024-03-05T08:10:00+01:00",
        "valueQuantity": quantity(),
        **more,
    }
    return {key: value for key, value in one.items() if value is not None}


def bundle(*resources: dict, kind: str = "collection", **urls: str) -> dict:
    """Return a Bundle; ``urls`` are fullUrls by the resources' ids."""
    entries = []
    for one in resources:
        url = urls.get(one.get("id", ""))
        entries.append({**({"fullUrl": url} if url else {}), "resource": one})
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def category(*words: str) -> list[dict]:
    return [{"coding": [{"code": word}]} for word in words]


def read(document: dict | str, **more):
    text = document if isinstance(document, str) else json.dumps(document)
    return read_fhir_json(text, name="lab.json", **{"known": known, **more})


def rows(document: dict | str, **more) -> list[dict[str, str]]:
    return read(document, **more).rows.to_dict("records")


def row(document: dict | str, **more) -> dict[str, str]:
    (one,) = rows(document, **more)
    return one


def as_xml(document: dict) -> str:
    """Write a JSON resource as FHIR's XML, by the rules of both formats."""
    root = ET.Element(document["resourceType"], xmlns=FHIR)
    _fill(root, document)
    return ET.tostring(root, encoding="unicode")


def _fill(element: ET.Element, content: dict) -> None:
    is_resource = "resourceType" in content
    for key, value in content.items():
        if key == "resourceType" or key.startswith("_"):
            continue
        if not is_resource and (key == "id" or (key == "url" and "coding" not in content)):
            element.set(key, str(value))
            continue
        for item in value if isinstance(value, list) else [value]:
            _append(element, key, item)


def _append(element: ET.Element, key: str, item: object) -> None:
    if key == "div":
        element.append(ET.fromstring(str(item)))
        return
    child = ET.SubElement(element, key)
    if not isinstance(item, dict):
        child.set("value", str(item).lower() if isinstance(item, bool) else str(item))
        return
    _fill(ET.SubElement(child, item["resourceType"]) if "resourceType" in item else child, item)


# The row of a result


def test_insulin_is_a_row_with_all_that_its_observation_says() -> None:
    told = observation(
        code=code(text="Insuline"),
        valueQuantity={"value": 12.50, "unit": "mU/L", "system": UCUM, "code": "m[IU]/L"},
        referenceRange=[{"low": quantity("2"), "high": quantity("25"), "text": "2 - 25"}],
        interpretation=[{"coding": [{"code": "H"}, {"code": "H"}]}, {"text": "hoog"}],
        issued="2024-03-06T10:00:00+01:00",
        method={"text": "ECLIA"},
        performer=[{"display": "Lab A"}],
        note=[{"text": "nuchter"}, {"text": "licht lipemisch"}],
        specimen={"identifier": {"value": "S1"}},
        subject={"identifier": {"system": "urn:x", "value": "123"}},
    )
    assert row(json.dumps(told).replace("12.5", "12.50")) == {
        **dict.fromkeys(("sex", "birth_year", "fasting_hours", "haemolysis", "specimen"), ""),
        **dict.fromkeys(("sheet", "cells", "columns"), ""),
        "mark": ".",
        "line": "Observation",
        "case_id": pseudonym_of([("urn:x", "123")]),
        "sample_id": "S1",
        "collected_at": "2024-03-05T08:10:00+01:00",
        "analyte": "27873-9",
        "value": "12.50",
        "unit": "m[IU]/L",
        "ref_low": "2.0",
        "ref_high": "25.0",
        "ref_text": "2 - 25",
        "flag": "H hoog",
        "lab": "Lab A",
        "method": "ECLIA",
        "status": "final",
        "comment": "nuchter licht lipemisch",
        "issued": "2024-03-06T10:00:00+01:00",
    }


@pytest.mark.parametrize(
    ("key", "stated", "value", "unit"),
    [
        ("valueQuantity", {"value": 0.3, "comparator": "<", "unit": "mU/L"}, "<0.3", "mU/L"),
        ("valueQuantity", {"comparator": "<", "unit": "mU/L"}, "", "mU/L"),
        ("valueQuantity", {"value": 5, "comparator": "ad", "unit": "mU/L"}, "ad5", "mU/L"),
        ("valueQuantity", {"value": 5}, "5", ""),
        ("valueQuantity", {"value": 5, "code": "CD:289"}, "5", "CD:289"),
        ("valueQuantity", {"value": 5, "code": "CD:289", "unit": "mg/dL"}, "5", "mg/dL"),
        ("valueInteger", 7, "7", ""),
        ("valueString", " 5,2 ", "5,2", ""),
        ("valueString", "<0.3 mU/L", "<0.3 mU/L", ""),
        ("valueString", "niet aantoonbaar", "niet aantoonbaar", ""),
        ("valueString", "", "", ""),
        ("valueRange", {"low": {"value": 3, "unit": "a"}, "high": {"value": 5}}, "3 - 5", "a"),
        ("valueRange", {"low": {"value": 3, "unit": "mg/dL"}}, "3 -", "mg/dL"),
        ("valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 80}}, "1:80", ""),
        ("valueCodeableConcept", {"text": "Positief"}, "Positief", ""),
        ("valueCodeableConcept", {"coding": [{"code": "NEG"}]}, "NEG", ""),
        ("valueCodeableConcept", {"coding": [{"display": "2+"}]}, "2+", ""),
        ("valueCodeableConcept", {"text": "< 5"}, "< 5", ""),
    ],
)
def test_a_value_is_the_text_it_was(key: str, stated: object, value: str, unit: str) -> None:
    found = row(observation(**{"valueQuantity": None, key: stated}))
    assert (found["value"], found["unit"]) == (value, unit)


def test_numbers_keep_their_digits_and_an_endless_one_is_left_to_validation() -> None:
    for written in ("5.60", "1e400", "-0.0", "1E2", "123456789012345678901234567890"):
        text = json.dumps(observation()).replace("22.0", written)
        assert row(text)["value"] == written


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"valueString": "licht gehemolyseerd"}, "text"),
        ({"valueDateTime": "2016-12-30"}, "text"),
        ({"valueAttachment": {"title": "5"}}, "text"),
        ({"valueCodeableConcept": {"text": "Staphylococcus aureus"}}, "coded"),
        ({"valueCodeableConcept": {"coding": [{"code": "10828004"}]}}, "coded"),
        ({"valueBoolean": True}, "coded"),
        ({"hasMember": [{"reference": "Observation/1"}]}, "panel"),
        ({"related": [{"type": "has-member", "target": {"reference": "a"}}]}, "panel"),
    ],
)
def test_what_holds_no_result_is_counted_by_its_kind(more: dict, word: str) -> None:
    found = read(observation(valueQuantity=None, **more))
    assert (len(found.rows), found.ignored) == (0, {word: 1})


def test_an_empty_value_is_a_row_without_one() -> None:
    assert row(observation(valueQuantity=None))["value"] == ""
    told = row(observation(valueQuantity=None, valueSampledData={"data": "1 2"}))
    assert (told["value"], told["comment"]) == ("", "value-type-unread")


def test_an_absent_value_is_a_row_with_the_reason() -> None:
    absent = {"coding": [{"code": "unsatisfactory"}], "text": "buis gebroken"}
    told = row(observation(valueQuantity=None, dataAbsentReason=absent, note=[{"text": "x"}]))
    assert (told["value"], told["comment"]) == ("", "unsatisfactory x")
    empty = observation(valueQuantity={"unit": "mU/L"}, dataAbsentReason=absent)
    assert row(empty)["comment"] == "unsatisfactory"


@pytest.mark.parametrize(
    ("more", "comment"),
    [
        ({"dataAbsentReason": {"coding": [{"code": "error"}]}}, "value-and-absent-reason"),
        ({"valueString": "22"}, "several-values"),
        ({"modifierExtension": [{"url": "urn:not"}]}, "modifier-extension"),
    ],
)
def test_a_value_that_something_contradicts_is_not_used(more: dict, comment: str) -> None:
    told = row(observation(**more))
    assert (told["value"], told["comment"]) == ("", comment)


# The unit


@pytest.mark.parametrize(
    ("code", "unit", "expected"),
    [
        ("mg/dL", "mmol/L", "mg/dL|mmol/L"),
        ("mmol/L", "mg/dl", "mmol/L|mg/dl"),
        ("m[IU]/L", "µIU/mL", "m[IU]/L"),  # one size by two names
        ("10*9/L", "x10^9/L", "10*9/L"),
        ("mmol/L", "millimol per liter", "mmol/L"),
        ("{score}", "", "{score}"),
        ("1", "mmol/L", "1|mmol/L"),
        ("", "mmol/L", "mmol/L"),
    ],
)
def test_the_unit_is_the_code_and_two_that_contradict_are_none(code, unit, expected) -> None:
    stated = {"value": 5, "system": UCUM, "code": code, "unit": unit}
    assert row(observation(valueQuantity=stated))["unit"] == expected


def test_a_unit_that_contradicts_itself_is_unknown_to_normalise() -> None:
    stated = {"value": 90, "system": UCUM, "code": "mg/dL", "unit": "mmol/L"}
    read_rows = read(observation(code=code("14771-0"), valueQuantity=stated)).rows
    named = with_dates(with_numbers(read_rows.assign(file="f", row="f:1")))
    normalised = normalise_units(named, load_rules())
    assert list(normalised["unit_reading"]) == ["unknown"]


# The interval


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([{"low": {"value": 2}, "high": {"value": 25, "unit": "mU/L"}}], ("2", "25", "")),
        ([{"high": {"value": 25}}], ("", "25", "")),
        ([{"low": {"value": 2}}], ("2", "", "")),
        ([{"text": "2,0 - 25 mU/L"}], ("2,0", "25", "2,0 - 25 mU/L")),
        ([{"text": "<25 optimaal"}], ("", "25", "<25 optimaal")),
        ([{"text": "12 - 150 pmol/L"}], ("", "", "12 - 150 pmol/L")),
        ([{"text": "zie bijlage"}], ("", "", "zie bijlage")),
        ([{"high": {"value": 150, "unit": "pmol/L"}}], ("", "", "- 150 pmol/L")),
        ([{"high": {"value": 25}}, {"high": {"value": 25.0}}], ("", "", "- 25 | - 25.0")),
        ([{"high": {"value": 25}}, {"high": {"value": 25}}], ("", "25", "")),
        (
            [{"high": {"value": 25}, "appliesTo": [{"text": "man"}]}, {"high": {"value": 20}}],
            ("", "20", ""),
        ),
        ([{"high": {"value": 25}, "age": {"low": {"value": 18}}, "text": "≥18"}], ("", "", "≥18")),
        (
            [{"high": {"value": 9}, "type": {"coding": [{"code": "treatment"}]}, "text": "t"}],
            ("", "", "t"),
        ),
        ([{"high": {"value": 9}, "type": {"coding": [{"code": "normal"}]}}], ("", "9", "")),
    ],
)
def test_limits_are_those_of_the_one_range_that_fits_everybody(ranges, expected) -> None:
    told = row(observation(referenceRange=ranges))
    assert (told["ref_low"], told["ref_high"], told["ref_text"]) == expected


# The analyte


@pytest.mark.parametrize(
    ("stated", "analyte"),
    [
        ({"coding": [{"system": "urn:lab", "code": "INS"}, *code()["coding"]]}, "27873-9"),
        ({"coding": code("99999-9")["coding"], "text": "Ferritin"}, "99999-9"),
        ({"coding": code("99999-9")["coding"], "text": "onbekend"}, "99999-9"),
        (
            {"coding": [{"system": NHG, "code": "542", "display": "LDL-cholesterol"}]},
            "LDL-cholesterol",
        ),
        ({"coding": [{"system": NHG, "code": "3742"}]}, "nhg:3742"),
        ({"coding": [{"system": "urn:oid:2.16.840.1.113883.2.4.4.30.45", "code": "1"}]}, "nhg:1"),
        ({"coding": [{"system": "urn:lab", "code": "XYZ"}]}, "XYZ"),
        ({}, ""),
    ],
)
def test_the_analyte_is_the_first_name_that_the_rules_know(stated: dict, analyte) -> None:
    assert row(observation(code=stated))["analyte"] == analyte


# The category


@pytest.mark.parametrize("word", ["vital-signs", "social-history", "survey", "imaging", "exam"])
def test_what_is_no_laboratory_result_is_counted_unless_the_rules_know_it(word: str) -> None:
    pulse = observation(code=code("9279-1"), category=category(word))
    assert read(pulse).ignored == {word: 1}
    weight = observation(code=code("29463-7"), category=category(word))
    assert row(weight)["analyte"] == "29463-7"


@pytest.mark.parametrize(
    "stated", [None, category("laboratory"), category("exam", "laboratory"), [{"text": "lab"}]]
)
def test_a_number_of_an_unknown_analyte_is_a_row(stated) -> None:
    told = row(observation(code=code("9279-1"), category=stated, valueQuantity={"value": 60}))
    assert (told["analyte"], told["value"], told["unit"]) == ("9279-1", "60", "")


# Components, members, and what is contained


def test_components_are_rows_of_their_own_with_what_their_observation_says() -> None:
    pressure = observation(
        code=code("85354-9"),
        category=category("vital-signs"),
        valueQuantity=None,
        subject={"reference": "Patient/1"},
        specimen={"reference": "Specimen/1"},
        component=[
            {"code": code("8480-6"), "valueQuantity": quantity("120", "mm[Hg]")},
            {"code": code("8462-4"), "dataAbsentReason": {"text": "niet gemeten"}},
            {"code": code("9279-1"), "valueQuantity": quantity("60", "/min")},
        ],
    )
    found = read(pressure)
    first, second = found.rows.to_dict("records")
    assert found.ignored == {"panel": 1, "vital-signs": 1}
    assert (first["line"], first["value"]) == ("Observation.component[0]", "120.0")
    assert (second["line"], second["comment"]) == ("Observation.component[1]", "niet gemeten")
    assert second["collected_at"] == "2024-03-05T08:10:00+01:00"
    assert second["sample_id"] == "Specimen/1"
    assert second["case_id"] == pseudonym_of([("reference", "Patient/1")])


def test_an_observation_with_components_and_a_value_of_its_own_is_a_row_too() -> None:
    told = rows(observation(component=[{"code": code(), "valueInteger": 1}]))
    assert [one["line"] for one in told] == ["Observation", "Observation.component[0]"]


def test_members_count_themselves_and_take_moment_and_person_from_their_panel() -> None:
    members = [
        observation(id="a", effectiveDateTime=None),
        observation(id="b", effectiveDateTime="2020-01-01"),
    ]
    panel = observation(
        id="p",
        valueQuantity=None,
        subject={"identifier": {"value": "1"}},
        hasMember=[{"reference": "Observation/a"}, {"reference": "Observation/b"}],
    )
    found = read(bundle(panel, *members))
    assert found.ignored == {"panel": 1}
    assert list(found.rows["collected_at"]) == ["2024-03-05T08:10:00+01:00", "2020-01-01"]
    assert set(found.rows["case_id"]) == {pseudonym_of([("", "1")])}


def test_panels_that_hold_each_other_end() -> None:
    one = observation(id="a", hasMember=[{"reference": "Observation/b"}], effectiveDateTime=None)
    two = observation(id="b", hasMember=[{"reference": "Observation/a"}], effectiveDateTime=None)
    assert [told["collected_at"] for told in rows(bundle(one, two))] == ["", ""]


def test_contained_observations_of_a_report_are_found_with_what_is_contained_beside_them() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "issued": "2024-03-07",
        "contained": [
            {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1980-02"},
            observation(id="o", specimen={"reference": "#s"}, effectiveDateTime=None),
            {
                "resourceType": "Specimen",
                "id": "s",
                "type": {"text": "serum"},
                "collection": {"collectedDateTime": "2024-03-04"},
            },
        ],
        "result": [{"reference": "#o"}],
        "subject": {"reference": "#p"},
    }
    found = read(report)
    told = found.rows.iloc[0]
    assert found.ignored == {"diagnosticreport": 1, "patient": 1, "specimen": 1}
    assert told["line"] == "DiagnosticReport.contained[1]"
    assert (told["sex"], told["birth_year"], told["case_id"]) == ("F", "1980", "")
    assert (told["collected_at"], told["specimen"]) == ("2024-03-04", "serum")
    assert (told["issued"], told["sample_id"]) == ("2024-03-07", "DiagnosticReport#s")


def test_contained_samples_of_two_observations_are_not_one_sample() -> None:
    one = observation(contained=[{"resourceType": "Specimen", "id": "s"}])
    one["specimen"] = {"reference": "#s"}
    first, second = rows(bundle(one, one))
    assert first["sample_id"] != second["sample_id"] != ""


@pytest.mark.parametrize("kind", ["searchset", "collection", "transaction", "document", "batch"])
def test_a_bundle_of_any_type_and_one_in_another_is_read(kind: str) -> None:
    inner = bundle(observation(), {"resourceType": "OperationOutcome"}, kind=kind)
    found = read(bundle(observation(), inner, kind=kind))
    assert list(found.rows["line"]) == ["entry[0].resource", "entry[1].resource.entry[0].resource"]
    assert found.ignored == {"operationoutcome": 1}


def test_parameters_and_answers_of_a_transaction_are_searched_too() -> None:
    part = {"name": "x", "part": [{"name": "y", "resource": observation()}]}
    document = {"resourceType": "Parameters", "parameter": [part]}
    assert row(document)["line"] == "Parameters.parameter[0].part[0].resource"
    answer = {"resourceType": "Bundle", "entry": [{"response": {"outcome": observation()}}]}
    assert row(answer)["line"] == "entry[0].response.outcome"


@pytest.mark.parametrize(
    "document",
    [
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
        bundle({"resourceType": "OperationOutcome"}),
        {"resourceType": "Patient", "id": "1"},
    ],
)
def test_a_document_without_observations_has_no_rows(document: dict) -> None:
    assert rows(document) == []


# Whose, when, which sample

PATIENT = {
    "resourceType": "Patient",
    "id": "1",
    "identifier": [{"value": ""}, {"system": "urn:bsn", "value": "123456782"}],
    "gender": "male",
    "birthDate": "1971-12-23",
}
HIDDEN = pseudonym_of([("urn:bsn", "123456782")])


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("urn:uuid:4f3c", "urn:uuid:4f3c"),
        ("http://a/fhir/Patient/1", "http://a/fhir/Patient/1"),
        ("http://a/fhir/Patient/1", "Patient/1"),
        ("http://a/fhir/Patient/1", "http://a/fhir/Patient/1/_history/2"),
        ("", "Patient/1"),
        ("urn:uuid:4f3c", "Patient/1"),
    ],
)
def test_a_patient_is_found_by_every_kind_of_reference(url: str, reference: str) -> None:
    told = row(bundle(PATIENT, observation(subject={"reference": reference}), **{"1": url}))
    assert (told["case_id"], told["sex"], told["birth_year"]) == (HIDDEN, "M", "1971")


def test_one_servers_patient_is_not_anothers_with_the_same_id() -> None:
    document = bundle(
        PATIENT,
        observation(id="o", subject={"reference": "Patient/1"}),
        **{"1": "http://a/fhir/Patient/1", "o": "http://b/fhir/Observation/o"},
    )
    assert row(document)["case_id"] == pseudonym_of([("reference", "Patient/1")])


def test_of_two_patients_with_one_id_the_one_in_the_nearest_bundle_is_meant() -> None:
    other = {"resourceType": "Patient", "id": "1", "identifier": [{"value": "9"}]}
    about = observation(subject={"reference": "Patient/1"})
    apart = rows(bundle(bundle(PATIENT, about), bundle(other, about)))
    assert [told["case_id"] for told in apart] == [HIDDEN, pseudonym_of([("", "9")])]
    assert row(bundle(PATIENT, other, about))["case_id"] not in {told["case_id"] for told in apart}


@pytest.mark.parametrize(
    ("subject", "identifiers"),
    [
        ({"reference": "Patient/9"}, [("reference", "Patient/9")]),
        ({"reference": "Patient/9", "identifier": {"value": "7"}}, [("", "7")]),
        ({"identifier": {"system": "urn:bsn", "value": "123456782"}}, [("urn:bsn", "123456782")]),
        ({"reference": "Patient/2"}, [("", "2")]),
        ({"reference": "#p"}, []),
        ({"display": "J. Jansen"}, []),
        ({}, []),
    ],
)
def test_a_person_is_known_by_what_the_reference_says(subject, identifiers) -> None:
    nobody = {"resourceType": "Patient", "id": "2"}
    told = row(bundle(nobody, observation(subject=subject)))
    assert told["case_id"] == pseudonym_of(identifiers)


def test_a_given_case_id_is_that_of_all_rows_but_never_of_two_people() -> None:
    one, two = (observation(subject={"reference": f"Patient/{id}"}) for id in "12")
    assert {told["case_id"] for told in rows(bundle(one, one), case_id="c")} == {"c"}
    with pytest.raises(LabFileError, match=r"Expected exactly 1 patient in 'lab\.json'"):
        read(bundle(one, two), case_id="c")


@pytest.mark.parametrize(
    ("more", "moment"),
    [
        ({}, "2024-03-05T08:10:00+01:00"),
        ({"effectiveDateTime": None, "effectiveInstant": "2024-03-05T07:00Z"}, "2024-03-05T07:00Z"),
        ({"effectiveDateTime": None, "effectivePeriod": {"start": "2024-03-05"}}, "2024-03-05"),
        ({"effectiveDateTime": None, "effectivePeriod": {"end": "2024-03-05"}}, ""),
        ({"effectiveDateTime": None, "issued": "2024-03-06"}, ""),
        ({"effectiveDateTime": None, "specimen": {"reference": "Specimen/s"}}, "2024-03-01"),
    ],
)
def test_the_moment_is_the_samplings_and_never_that_of_issue(more: dict, moment: str) -> None:
    sample = {
        "resourceType": "Specimen",
        "id": "s",
        "accessionIdentifier": {"value": "A7"},
        "collection": {"collectedPeriod": {"start": "2024-03-01"}},
    }
    told = row(bundle(sample, observation(**more)))
    assert told["collected_at"] == moment
    assert told["sample_id"] == ("A7" if "specimen" in more else "")


def test_the_laboratory_is_an_organisation_and_no_person() -> None:
    lab = {"resourceType": "Organization", "id": "1", "name": "Lab B"}
    performers = [
        {"reference": "Practitioner/1", "display": "Dr. Jansen"},
        {"reference": "Organization/1", "display": "b"},
    ]
    assert row(bundle(lab, observation(performer=performers)))["lab"] == "Lab B"
    assert row(observation(performer=performers))["lab"] == "b"
    assert row(observation(performer=performers[:1]))["lab"] == ""


# The status


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "amended", "preliminary"])
def test_the_status_is_passed_as_it_is(status: str) -> None:
    assert row(observation(status=status))["status"] == status


def test_a_status_that_is_not_stated_stays_empty() -> None:
    assert row(observation(status=None))["status"] == ""


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_what_a_report_or_panel_withdraws_is_withdrawn_with_its_members(status: str) -> None:
    one = observation(id="a")
    member = [{"reference": "Observation/a"}]
    report = {"resourceType": "DiagnosticReport", "status": status, "result": member}
    assert row(bundle(report, one))["status"] == status
    panel = observation(status=status, valueQuantity=None, hasMember=member)
    assert row(bundle(panel, one))["status"] == status
    inside = {"resourceType": "DiagnosticReport", "status": status, "contained": [one]}
    assert row(inside)["status"] == status


# What is refused


def _without(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


GOOD = json.dumps(bundle(observation()))
DEEP = '{"resourceType":"Observation","extension":' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            _without(GOOD, '"status": "final"', '"status": "entered-in-error", "status": "final"'),
            r"Expected each key exactly once at entry\[0\]\.resource\.",
        ),
        (_without(GOOD, "22.0", "NaN"), "Expected no NaN"),
        (_without(GOOD, "22.0", "-Infinity"), "Expected no NaN and no Infinity"),
        (_without(GOOD, "22.0", "1."), "line 1 is no JSON"),
        (_without(GOOD, '"final"', '"\\ud800"'), "Expected a text in Unicode at entry"),
        (_without(GOOD, '"final"', '"\\u0000"'), "Expected a text in Unicode at entry"),
        (_without(GOOD, '"final"', '["final", "cancelled"]'), r"exactly 1 text at entry.*status"),
        (_without(GOOD, '"final"', "true"), r"exactly 1 text at entry.*status"),
        (_without(GOOD, '"resourceType": "Observation", ', ""), "Unable to find resourceType at"),
        (_without(GOOD, '"resourceType": "Observation"', '"resourceType": "obs"'), "resourceType"),
        (GOOD[:-1], "is no JSON"),
        (DEEP, "Expected at most 64 levels"),
        ('{"a":' * 100_000, "Expected at most 64 levels"),
        ("[1]", "Unable to find resourceType"),
        ("5", "Unable to find resourceType"),
        ("", "line 1 is no JSON"),
        ('{"labResults": []}', "Unable to find resourceType"),
        (json.dumps(observation(component=["x"])), r"1 object at Observation.component\[0\]"),
        (json.dumps(observation(valueQuantity="5")), "1 object at Observation.valueQuantity"),
        (json.dumps(observation(contained=["x"])), "resourceType at Observation.contained"),
    ],
)
def test_a_json_that_breaks_a_rule_is_refused_by_the_rule(text: str, message: str) -> None:
    with pytest.raises(LabFileError, match=rf"Unable to read 'lab\.json' as FHIR: .*{message}"):
        read(text)


XML = as_xml(bundle(observation()))
DOCTYPE = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
TEN_EACH = (f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in pairwise("abcdefghi"))
LAUGHS = f"<!DOCTYPE x [<!ENTITY a 'ha'>{''.join(TEN_EACH)}]>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DOCTYPE + XML, "Expected no DTD"),
        (DOCTYPE + _without(XML, "final", "&x;"), "Expected no DTD"),
        (LAUGHS + _without(XML, "final", "&i;"), "Expected no DTD"),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + XML, "Expected no DTD"),
        (_without(XML, "final", "&x;"), "is no XML"),
        (XML[:-3], "is no XML"),
        ("", "is no XML"),
        ("\ud800", "no text in Unicode"),
        ("<a/>", "1 resource of FHIR"),
        (f'<entry xmlns="{FHIR}"/>', "1 resource of FHIR"),
        (f'<Observation xmlns="{FHIR}" value="x"/>', "value or content at Observation"),
        (f'<Observation xmlns="{FHIR}"><Patient/></Observation>', "either a value or content"),
        (f'<Observation xmlns="{FHIR}"><contained/></Observation>', "resourceType at Obs"),
        (_without(XML, '<status value="final" />', "<status>final</status>"), "only as the attr"),
        (_without(XML, '<status value="final"', '<status Value="final"'), "no attribute but"),
        (_without(XML, "<status", '<status value="registered" /><status'), "exactly 1 text"),
        (
            _without(XML, '<status value="final" />', f'<status value="final">{XML}</status>'),
            "either a value or content at status",
        ),
        (f'<Basic xmlns="{FHIR}">' + "<extension>" * 9**6, "is no XML"),
        (
            f'<Basic xmlns="{FHIR}">' + "<a>" * 200_000 + "</a>" * 200_000 + "</Basic>",
            "Expected at most 64 levels",
        ),
    ],
    ids=lambda text: text[:40] if isinstance(text, str) else None,
)
def test_an_xml_that_breaks_a_rule_is_refused_by_the_rule(text: str, message: str) -> None:
    with pytest.raises(LabFileError, match=rf"Unable to read 'lab\.xml' as FHIR: .*{message}"):
        read_fhir_xml(text, name="lab.xml", known=known)


def test_a_refusal_holds_no_value_of_the_file() -> None:
    for text in (
        json.dumps(observation(subject={"reference": ["Jansen"]})),
        json.dumps({**observation(), "Jansen": {"resourceType": "Observation", "status": ["J"]}}),
        '{"resourceType": "Basic", "Jansen": {"Jansen": 1, "Jansen": 1}}',
    ):
        with pytest.raises(LabFileError) as refused:
            read(text)
        assert "Jansen" not in str(refused.value)


def test_a_key_that_is_no_name_stands_in_a_path_only_by_its_place() -> None:
    document = {"resourceType": "Basic", "J. Jansen": observation()}
    assert row(document)["line"] == "Basic.#1"


@pytest.mark.parametrize(
    ("text", "is_json", "is_xml"),
    [
        (GOOD, True, False),
        ("\n" + GOOD, True, False),
        ('{"a": 1}', False, False),
        ("[]", False, False),
        (XML, False, True),
        ('<?xml version="1.0" encoding="UTF-8"?>\n<!-- x -->' + XML, False, True),
        (DOCTYPE + XML, False, True),
        (DOCTYPE + "<x/>", False, False),
        (XML.replace(FHIR, "urn:hl7-org:v3"), False, False),
        (f'<f:Bundle xmlns:f="{FHIR}"/>', False, True),
        ("<", False, False),
        ("", False, False),
        ("case_id,sample_id", False, False),
        ("\ud800", False, False),
    ],
)
def test_fhir_is_known_by_its_first_signs(text: str, is_json: bool, is_xml: bool) -> None:
    assert (is_fhir_json(text), is_fhir_xml(text)) == (is_json, is_xml)


# XML says what JSON says

SEEDS = [
    bundle(
        PATIENT,
        observation(
            id="o",
            text={"status": "generated", "div": f'<div xmlns="{XHTML}"><p id="x">5</p></div>'},
            subject={"reference": "Patient/1"},
            specimen={"reference": "#s"},
            contained=[{"resourceType": "Specimen", "id": "s", "type": {"text": "serum"}}],
            referenceRange=[{"low": quantity("2"), "high": quantity("25")}],
            component=[
                {"code": code("8480-6"), "valueQuantity": quantity("120", "mm[Hg]")},
                {"code": code("8462-4"), "valueString": "zie boven"},
            ],
        ),
        bundle(observation(category=category("survey")), {"resourceType": "Condition"}),
        {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "contained": [observation(id="c", valueQuantity=None, valueBoolean=True)],
            "result": [{"reference": "Observation/o"}, {"reference": "#c"}],
        },
        **{"1": "urn:uuid:1"},
    ),
    observation(valueQuantity=None, valueRatio={"numerator": {"value": 1}}),
]


def _same(document: dict, by=known) -> None:
    by_json = read_fhir_json(json.dumps(document), name="f", known=by)
    by_xml = read_fhir_xml(as_xml(document), name="f", known=by)
    assert by_xml.rows.to_dict("records") == by_json.rows.to_dict("records")
    assert by_xml.ignored == by_json.ignored


@pytest.mark.parametrize("document", SEEDS)
def test_xml_gives_the_rows_that_the_same_in_json_gives(document: dict) -> None:
    assert rows(document)
    _same(document)


# The shared files: rows, and what of the Observations is counted

PANEL, TEXT, CODED, SURVEY = {"panel": 1}, {"text": 1}, {"coded": 1}, {"survey": 1}
COUNTS: dict[str, tuple[int, dict[str, int]]] = {
    "Bundle-101": (17, {}),
    "Bundle-bundle-example": (0, {}),
    "Bundle-bundle-references": (7, {}),
    "Bundle-f001": (0, {}),
    "Bundle-lipids": (4, {}),
    "Bundle-lri-example": (6, {"panel": 4, "coded": 14}),
    "Bundle-micro": (20, {"panel": 3, "coded": 1, "text": 1}),
    "Bundle-report": (12, {"coded": 1}),
    "DiagnosticReport-102": (0, {}),
    "DiagnosticReport-pap": (0, {}),
    "Observation-656": (1, {}),
    "Observation-bgpanel": (0, PANEL),
    "Observation-blood-pressure": (2, PANEL),
    "Observation-blood-pressure-cancel": (2, PANEL),
    "Observation-blood-pressure-dar": (2, PANEL),
    "Observation-bloodgroup": (0, CODED),
    "Observation-bmi": (1, {}),
    "Observation-bmi-using-related": (1, {}),
    "Observation-body-height": (1, {}),
    "Observation-body-length": (1, {}),
    "Observation-date-lastmp": (0, SURVEY),
    "Observation-ekg": (0, {"panel": 1, "procedure": 3}),
    "Observation-example": (1, {}),
    "Observation-example-genetics-1": (1, {}),
    "Observation-eye-color": (0, TEXT),
    "Observation-f001": (1, {}),
    "Observation-f002": (1, {}),
    "Observation-f003": (1, {}),
    "Observation-f004": (1, {}),
    "Observation-f005": (1, {}),
    "Observation-gcs-qa": (1, {}),
    "Observation-glasgow": (1, {"coded": 3}),
    "Observation-herd1": (1, {}),
    "Observation-rhstatus": (0, CODED),
    "Observation-satO2": (0, {"vital-signs": 1}),
    "Observation-secondsmoke": (0, {"social-history": 1}),
    "Observation-trachcare": (0, {"exam": 1}),
    "Observation-unsat": (1, {}),
    "Observation-vitals-panel": (0, PANEL),
    "Observation-vp-oyster": (1, {}),
    "Patient-example": (0, {}),
    "Patient-f001": (0, {}),
    "Patient-f201": (0, {}),
    "LaboratoryTestResult-CGM": (1, {}),
    "LaboratoryTestResult-Chipsoft": (1, {}),
    "LaboratoryTestResult-Epic": (1, {}),
    "LaboratoryTestResult2-Epic": (1, {}),
    "Patient-CGM": (0, {}),
}
# of Synthea's people: rows, vital signs that the rules do not know, panels, surveys, and the rest
SYNTHEA = """
Brent_Beer 90 panel=4 survey=4 vital-signs=4
Buster_Hoeger 30 panel=3 survey=3 vital-signs=3
Clemente_Kreiger 45 panel=3 survey=3 vital-signs=3
Edward_Gulgowski 29 panel=3 survey=3 vital-signs=3
Fabian_Murray 75 panel=5 survey=5 vital-signs=5
Floyd_Connelly 90 panel=4 survey=4 vital-signs=4
Grazyna_Considine 214 panel=10 survey=10 vital-signs=12
Gustavo_Mej_a 39 panel=4 survey=4 vital-signs=5
Jordan_Cruickshank 187 exam=1 panel=9 survey=9 vital-signs=10
Laticia_Dibbert 208 imaging=1 panel=11 procedure=1 survey=15 vital-signs=10
Liz_Conn 33 panel=3 survey=3 vital-signs=3
Mafalda_Turcotte 97 panel=7 survey=7 vital-signs=9
Maida_Gerhold 90 panel=4 survey=4 vital-signs=4
Milan_Beatty 118 panel=6 survey=6 vital-signs=6
Morris_Lockman 142 panel=6 survey=6 vital-signs=7
Ned_Hintz 31 panel=4 survey=4 vital-signs=4
Nicky_Little 154 panel=8 survey=8 vital-signs=9
Patria_Schimmel 58 panel=4 survey=4 vital-signs=5
Ra_l_Fern_ndez 114 panel=6 survey=6 vital-signs=9
Renaldo_Jacobi 176 panel=9 survey=9 vital-signs=9
Robbi_Fisher 183 imaging=2 panel=7 survey=7 vital-signs=7
Rudolf_Weber 74 panel=4 survey=4 vital-signs=5
Sammie_Zemlak 233 imaging=1 panel=11 survey=11 vital-signs=11
Tasha_Miller 204 imaging=1 panel=10 procedure=1 survey=10 vital-signs=11
Tiera_Boyle 209 imaging=2 panel=10 survey=10 vital-signs=10
Vito_Cole 121 panel=7 survey=7 vital-signs=8
"""
CODES = {"A1c": "4548-4", "Glu2339": "2339-0", "TG": "2571-8", "HDL": "2085-9", "LDL": "18262-6"}
CODES |= {"TC": "2093-3", "ALT": "1742-6", "Cr": "38483-4", "BMI": "39156-5"}


def _text(path: Path) -> str:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return raw.decode("utf-8-sig")


def _resources(found: object) -> list[dict]:
    """Return every resource but Bundles, by a naive walk of our own."""
    if isinstance(found, list):
        return [one for item in found for one in _resources(item)]
    if not isinstance(found, dict):
        return []
    inside = [one for value in found.values() for one in _resources(value)]
    is_entry = _is_resource(found) and found["resourceType"] != "Bundle"
    return [found, *inside] if is_entry else inside


def _entries(document: object) -> int:
    """Return how many resources, but Bundles, and components of Observations there are."""
    found = _resources(document)
    return len(found) + sum(
        not _is_resource(component)
        for one in found
        if one["resourceType"] == "Observation"
        for component in _listed(one.get("component", []))
    )


def _listed(found: object) -> list:
    return found if isinstance(found, list) else [found]


def _is_resource(found: dict) -> bool:
    kind = found.get("resourceType")
    return isinstance(kind, str) and KIND.fullmatch(kind) is not None


@pytest.mark.parametrize("name", COUNTS)
def test_a_shared_file_gives_the_rows_it_holds(shared: Path, name: str) -> None:
    (path,) = [*shared.glob(f"data/fhir_hl7*/{name}.json*"), *shared.glob(f"data/*ehr/{name}.json")]
    found, document = read(_text(path)), json.loads(_text(path))
    types = Counter(one["resourceType"].casefold() for one in _resources(document))
    del types["observation"]
    expected, words = COUNTS[name]
    assert len(found.rows) == expected
    assert found.ignored == Counter(words) + types
    assert len(found.rows) + sum(found.ignored.values()) == _entries(document)


def test_all_shared_files_are_in_the_table(shared: Path) -> None:
    folders = ("fhir_hl7_r4_examples", "fhir_nl_ehr")
    files = [path for folder in folders for path in (shared / "data" / folder).iterdir()]
    assert {path.name.split(".json")[0] for path in files} == COUNTS.keys()


def test_the_shared_examples_say_in_xml_what_they_say_in_json(shared: Path) -> None:
    for path in sorted(shared.glob("data/fhir_hl7*/*"))[:: sized(3, full=1)]:
        _same(json.loads(_text(path), parse_float=str, parse_int=str))


def _synthea(shared: Path) -> dict[str, Path]:
    return {path.name[:-45]: path for path in shared.glob("data/fhir_synthea_r4/*.json.gz")}


@pytest.mark.parametrize("line", SYNTHEA.split("\n")[1:-1])
def test_a_synthetic_person_has_the_rows_that_were_looked_up(shared: Path, line: str) -> None:
    name, expected, *words = line.split()
    found = read(_text(_synthea(shared)[name]), case_id="a")
    document = json.loads(_text(_synthea(shared)[name]))
    types = Counter(one["resourceType"].casefold() for one in _resources(document))
    del types["observation"]
    counted = Counter({word: int(n) for word, n in (one.split("=") for one in words)})
    assert len(found.rows) == int(expected)
    assert found.ignored == counted + types
    assert len(found.rows) + sum(found.ignored.values()) == _entries(document)


def test_every_laboratory_result_of_the_synthetic_people_is_a_row_with_all_of_its_columns(
    shared: Path,
) -> None:
    files = shared / "data/fhir_synthea_r4"
    listed = list(csv.DictReader((files / "index.csv").read_text().splitlines()))
    assert len(listed) == len(_synthea(shared)) == SYNTHEA.count("\n") - 1
    for one in listed:
        found = read(_text(files / one["file"]), known=anything).rows
        counts = found["analyte"].value_counts()
        assert {key: counts.get(loinc, 0) for key, loinc in CODES.items()} == {
            key: int(one[key]) for key in CODES
        }
        assert found["case_id"].str.fullmatch("p[0-9a-f]{16}").all()
        assert found["case_id"].nunique() == 1
        assert set(found["sex"]) == {{"female": "F", "male": "M"}[one["sex"]]}
        assert set(found["birth_year"]) == {one["birthDate"][:4]}
        assert not (found["collected_at"] == "").any()
        assert found["line"].is_unique


def test_no_number_of_a_laboratory_is_counted_instead_of_read(shared: Path) -> None:
    for path in sorted(shared.glob("data/fhir_*/*.json*")):
        found = _resources(json.loads(_text(path)))
        numbers = sum(
            "valueQuantity" in one and "laboratory" in json.dumps(one.get("category", "laboratory"))
            for one in found
        )
        assert len(read(_text(path)).rows) >= numbers


# Hostile files


def _read_any(name: str, text: str) -> None:
    """Read a file as its name says; what is no FHIR must be a LabFileError."""
    reader = read_fhir_json if name.endswith(".json") else read_fhir_xml
    try:
        found = reader(text, name="f", known=known)
    except LabFileError:
        pass
    else:
        lines = found.rows["line"]
        assert lines.is_unique
        assert (lines != "").all()
    is_fhir_json(text)
    is_fhir_xml(text)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def test_each_of_the_validators_cases_is_read_or_refused(shared: Path) -> None:
    tried = 0
    with tarfile.open(shared / "attack/fhir_validator_cases.tar.xz", "r|xz") as cases:
        for at, member in enumerate(cases):
            is_asked = member.name.endswith((".json", ".xml")) and at % sized(10, full=1) == 0
            file = cases.extractfile(member) if is_asked else None
            if file:
                _read_any(member.name, _decoded(file.read()))
                tried += 1
    assert tried > sized(250, full=3_000)


class _Watch:
    """Sees each file and address that Python is asked to open while it is on."""

    def __init__(self) -> None:
        self.is_on = False
        self.seen: list[str] = []
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple) -> None:
        if self.is_on and (event == "open" or event.startswith(("socket.", "urllib."))):
            self.seen.append(f"{event} {arguments}")


def test_no_entity_opens_a_file_or_an_address(shared: Path) -> None:
    texts = [_decoded(path.read_bytes()) for path in sorted((shared / "attack/xxe").iterdir())]
    texts += [one for text in texts for one in text.splitlines() if one.startswith("<")]
    wrapped = [_without(XML, "final", "&xxe;").join([text, ""]) for text in texts]
    _read_any("warm.xml", XML)
    watch = _Watch()
    watch.is_on = True
    for text in (*texts, *wrapped):
        for name in ("f.xml", "f.json"):
            _read_any(name, text)
    watch.is_on = False
    assert len(texts) > 20
    assert watch.seen == []


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Observation", "#o", "Patient/1", "entered-in-error", "2+", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "component", "contained", "value", "x y", "code"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def _places(found: object) -> list[tuple]:
    """Return each container of a document, with a key or an index in it."""
    if not isinstance(found, dict | list):
        return []
    keys = list(found) if isinstance(found, dict) else list(range(len(found)))
    return [(found, key) for key in keys] + [one for key in keys for one in _places(found[key])]


def _mutated(document: dict, data: st.DataObject) -> dict:
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(0, 3))):
        places = _places(document)
        if not places:
            break
        holder, key = data.draw(st.sampled_from(places))
        other, elsewhere = data.draw(st.sampled_from(places))
        match data.draw(st.sampled_from(["drop", "junk", "copy", "list", "repeat"])):
            case "drop":
                del holder[key]
            case "junk":
                holder[key] = data.draw(JUNK)
            case "copy":
                holder[key] = copy.deepcopy(other[elsewhere])
            case "list":
                holder[key] = [holder[key]]
            case "repeat" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
    return document


def _cut(text: str, data: st.DataObject) -> str:
    """Return a text with up to three pieces of it replaced."""
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        piece = st.sampled_from(["", '"', "{", "]", "<", "/>", "&x;", "\\", "1e400", "\0"])
        text = text[:start] + data.draw(piece | st.text(max_size=5)) + text[end:]
    return text


@pytest.mark.fuzz
@settings(max_examples=sized(150, full=2_000))
@given(document=st.sampled_from(SEEDS), data=st.data())
def test_whatever_happens_to_a_json_its_entries_are_rows_or_counted(document, data) -> None:
    text = json.dumps(_mutated(document, data), ensure_ascii=data.draw(st.booleans()))
    text = _cut(text, data) if data.draw(st.integers(0, 3)) == 3 else text
    try:
        found = read(text)
    except LabFileError:
        return
    assert len(found.rows) + sum(found.ignored.values()) == _entries(json.loads(text))


def _xml_entries(element: ET.Element) -> int:
    """Return how many resources, but Bundles, and components of Observations an XML holds."""
    kind = element.tag.removeprefix(f"{{{FHIR}}}")
    own = int(KIND.fullmatch(kind) is not None and kind != "Bundle")
    inside = [one for one in element if one.tag.startswith(f"{{{FHIR}}}")]
    components = sum(one.tag.endswith("}component") for one in inside)
    return own + (components if kind == "Observation" else 0) + sum(map(_xml_entries, inside))


@pytest.mark.fuzz
@settings(max_examples=sized(150, full=2_000))
@given(document=st.sampled_from(SEEDS), data=st.data())
def test_whatever_happens_to_an_xml_its_entries_are_rows_or_counted(document, data) -> None:
    root = ET.fromstring(as_xml(document))
    elements = list(root.iter())
    for _ in range(data.draw(st.integers(0, 3))):
        one, other = (data.draw(st.sampled_from(elements)) for _ in range(2))
        match data.draw(st.sampled_from(["drop", "copy", "value", "name"])):
            case "drop":
                one[:] = []
            case "copy":
                one.append(copy.deepcopy(other))
            case "value":
                one.set("value", data.draw(st.sampled_from(["", "x", "#o", "Patient/1", "1e400"])))
            case "name":
                one.tag = other.tag
    text = ET.tostring(root, encoding="unicode")
    text = _cut(text, data) if data.draw(st.integers(0, 3)) == 3 else text
    try:
        found = read_fhir_xml(text, name="f", known=known)
    except LabFileError:
        return
    assert len(found.rows) + sum(found.ignored.values()) == _xml_entries(ET.fromstring(text))
