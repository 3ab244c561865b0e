"""Twelve people of whom the same results are written in every format that is read."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from openpyxl import Workbook

# marker, LOINC, Dutch name, unit as UCUM, as a Dutch laboratory writes it, decimals
ANALYTES = (
    ("glucose_fasting", "14771-0", "glucose nuchter", "mmol/L", "mmol/l", 1),
    ("insulin_fasting", "27873-9", "insuline nuchter", "m[IU]/L", "mE/l", 1),
    ("hba1c", "59261-8", "hba1c", "mmol/mol{Hb}", "mmol/mol", 0),
    ("alt", "1742-6", "alat", "U/L", "E/l", 0),
    ("hs_crp", "30522-7", "hs-crp", "mg/L", "mg/l", 1),
)
DATE = "2024-02-13"


@dataclass(frozen=True)
class Result:
    """One result: whose, of which analyte, its sign of comparison and its number as text."""

    case_id: str
    sex: str
    birth_year: int
    marker: str
    comparator: str
    number: str

    @property
    def sample(self) -> str:
        return f"s-{self.case_id}"


def results() -> Iterator[Result]:
    """Yield the results of the twelve, a person at a time; a low hs-CRP is below its limit."""
    for n in range(12):
        values = (4.1 + 0.3 * n, 4.3 + 2.9 * n, 31 + n, 14 + 5 * n, 0.2 + 0.4 * n)
        for (marker, *_, decimals), value in zip(ANALYTES, values, strict=True):
            low = marker == "hs_crp" and n == 0
            yield Result(
                case_id=f"p{n + 1:02}",
                sex="FM"[n % 2],
                birth_year=1960 + n,
                marker=marker,
                comparator="<" if low else "",
                number="0.3" if low else f"{value:.{decimals}f}",
            )


def _analyte(marker: str) -> tuple[str, str, str, str, str, int]:
    return next(one for one in ANALYTES if one[0] == marker)


def long_csv() -> bytes:
    """Return the project's own table."""
    names = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year"
    lines = [names]
    for one in results():
        value, unit = one.comparator + one.number, _analyte(one.marker)[3]
        person = f"{one.sex},{one.birth_year}"
        lines.append(f"{one.case_id},{one.sample},{DATE},{one.marker},{value},{unit},{person}")
    return ("\n".join(lines) + "\n").encode()


def dutch_csv() -> bytes:
    """Return a table as a Dutch laboratory exports it: a title, semicolons, decimal commas."""
    lines = ["Uitslagenoverzicht;;;;;;;", ";;;;;;;"]
    lines += ["Casus;Monsternummer;Afnamedatum;Bepaling;Uitslag;Eenheid;Geslacht;Geboortejaar"]
    for one in results():
        _, _, name, _, unit, _ = _analyte(one.marker)
        value = one.comparator + one.number.replace(".", ",")
        person = f"{'V' if one.sex == 'F' else 'M'};{one.birth_year}"
        lines.append(f"{one.case_id};{one.sample};13-02-2024;{name};{value};{unit};{person}")
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def _wide() -> list[list[str]]:
    header = ["Casus", "Monster", "Datum", "Geslacht", "Geboortejaar", *(x[2] for x in ANALYTES)]
    units = ["", "", "", "", "", *(x[4] for x in ANALYTES)]
    people: dict[str, list[str]] = {}
    for one in results():
        start = [one.case_id, one.sample, "13-02-2024", one.sex, str(one.birth_year)]
        people.setdefault(one.case_id, start).append(one.comparator + one.number.replace(".", ","))
    return [header, units, *people.values()]


def wide_csv() -> bytes:
    """Return a column a marker, with the units in a second header row."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=";").writerows(_wide())
    return file.getvalue().encode("utf-8-sig")


def workbook() -> bytes:
    """Return a wide table as a workbook: numbers are numbers, what has a sign is text."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Uitslagen"])
    for row in _wide():
        sheet.append([_cell(text) for text in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(text: str) -> object:
    try:
        return float(text.replace(",", ".")) if "," in text or text.isdigit() else text
    except ValueError:
        return text


def _bundle() -> dict[str, object]:
    entries: list[Mapping[str, object]] = []
    seen: set[str] = set()
    for n, one in enumerate(results()):
        if one.case_id not in seen:
            seen.add(one.case_id)
            patient = {
                "resourceType": "Patient",
                "id": one.case_id,
                "identifier": [{"system": "urn:casereport", "value": one.case_id}],
                "gender": "female" if one.sex == "F" else "male",
                "birthDate": f"{one.birth_year}-05-06",
            }
            specimen = {
                "resourceType": "Specimen",
                "id": one.sample,
                "identifier": [{"value": one.sample}],
            }
            entries += [{"resource": patient}, {"resource": specimen}]
        _, loinc, _, unit, _, _ = _analyte(one.marker)
        quantity = {"value": one.number, "unit": unit, "system": "http://unitsofmeasure.org"}
        quantity |= {"code": unit} | ({"comparator": one.comparator} if one.comparator else {})
        observation = {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
            "subject": {"reference": f"Patient/{one.case_id}"},
            "specimen": {"reference": f"Specimen/{one.sample}"},
            "effectiveDateTime": DATE,
            "valueQuantity": quantity,
        }
        entries.append({"resource": observation})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def fhir_json() -> bytes:
    """Return a Bundle; its numbers are numbers."""
    text = json.dumps(_bundle(), indent=1)
    for one in results():
        text = text.replace(f'"value": "{one.number}"', f'"value": {one.number}')
    return text.encode()


def fhir_xml() -> bytes:
    """Return the same Bundle as XML."""
    return as_xml(_bundle())


def as_xml(bundle: Mapping[str, object]) -> bytes:
    """Return a Bundle as XML."""
    body = "".join(_element(name, value) for name, value in bundle.items())
    return f'<Bundle xmlns="http://hl7.org/fhir">{body}</Bundle>'.encode()


def _element(name: str, value: object) -> str:
    if name == "resourceType":
        return ""
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if isinstance(value, dict):
        body = "".join(_element(key, one) for key, one in value.items())
        kind = value.get("resourceType")
        return f"<{name}>{f'<{kind}>{body}</{kind}>' if kind else body}</{name}>"
    return f"<{name} value={quoteattr(str(value))}/>"


def hl7v2() -> bytes:
    """Return a message a person; a number with a sign is an SN."""
    lines: list[str] = []
    seen: set[str] = set()
    for one in results():
        if one.case_id not in seen:
            seen.add(one.case_id)
            head = "MSH|^~\\&|LAB||EPD||20240214||ORU^R01|1|P|2.5|||||||UNICODE UTF-8"
            person = f"PID|1||{one.case_id}^^^casereport||X||{one.birth_year}0506|{one.sex}"
            lines += [head, person, f"OBR|1||{one.sample}|LAB|||20240213"]
        _, loinc, name, unit, _, _ = _analyte(one.marker)
        kind, value = (
            ("SN", f"{one.comparator}^{one.number}") if one.comparator else ("NM", one.number)
        )
        lines.append(f"OBX|1|{kind}|{loinc}^{name}^LN||{value}|{unit}^^UCUM|||||F")
    return ("\r".join(lines) + "\r").encode()


WRITERS: Mapping[str, Callable[[], bytes]] = {
    "long.csv": long_csv,
    "dutch.csv": dutch_csv,
    "wide.csv": wide_csv,
    "lab.xlsx": workbook,
    "bundle.json": fhir_json,
    "bundle.xml": fhir_xml,
    "oru.hl7": hl7v2,
}


def write(folder: Path, name: str) -> Path:
    """Write the twelve in one format and return the file."""
    path = folder / name
    path.write_bytes(WRITERS[name]())
    return path
