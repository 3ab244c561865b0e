"""Another reading of lab files, that knows no more than the formats: what the mutants must give."""

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from clinic import RULES
from mutants import Book, Entry
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

OWN = ("case_id", "sample_id", "collected_at", "analyte", "value", "unit")
FHIR = "{http://hl7.org/fhir}"
Records = list[tuple[int, list[str]]]


def decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


# Tables.


def records_of(text: str, mark: str) -> Records | None:
    """Return the records of a text, each with its line, by a machine of three states.

    None where text follows a closed quote, or a quote is not closed: by this mark it is no table.
    """
    records: Records = []
    cells, cell, state = [], "", "start"
    line = first = 1
    for place, sign in enumerate([*text, ""]):
        is_end = sign in ("\r", "\n", "")
        second_half = sign == "\n" and text[place - 1 : place] == "\r"
        if state == "quoted":
            if not sign:
                return None
            line += sign in "\r\n" and not second_half
            state, cell = ("closing", cell) if sign == '"' else (state, cell + sign)
        elif state == "closing" and sign == '"':
            state, cell = "quoted", cell + sign
        elif is_end and second_half and state == "start" and not cells:
            first = line  # of one line end
        elif is_end or sign == mark:
            cells, cell, state = [*cells, cell], "", "start"
            if is_end:
                if any(cells):
                    records.append((first, cells))
                line += 1
                cells, first = [], line
        elif state == "closing":
            return None
        elif state == "start" and sign == '"':
            state = "quoted"
        else:
            state, cell = "open", cell + sign
    return records


def folded(name: str) -> str:
    return re.sub(r"[\s_.\-]+", " ", name.casefold().strip(" :*"))


def column_of(name: str) -> str | None:
    return RULES.column_names.get(folded(name))


def is_analyte(name: str) -> bool:
    return RULES.marker_of(" ".join(name.split())) is not None


def is_unit(text: str) -> bool:
    return RULES.fold_unit(text) in set(RULES.units["folded"])


def book_of_csv(content: bytes) -> Book:
    """Return what a delimited text holds: the project's own table, else anybody's."""
    text = decoded(content)
    parted = {mark: found for mark in ",;\t|" if (found := records_of(text, mark))}
    for records in parted.values():
        header = [" ".join(cell.split()).casefold() for cell in records[0][1]]
        if set(OWN) <= set(header):
            return _own_table(records[1:], header)
    best = max(parted.values(), key=_known)
    return book_of_records(best, is_even=False)


def _own_table(records: Records, header: list[str]) -> Book:
    book = Book(total=len(records))
    for line, cells in records:
        told = dict(zip(header, cells, strict=False))
        book.entries[str(line)] = _entry(told) if len(cells) == len(header) else None
    return book


def _entry(told: Mapping[str, str]) -> Entry:
    values, units, names = ((told.get(name, ""),) for name in ("value", "unit", "analyte"))
    return Entry(values=values, units=units, names=names, case=told.get("case_id", "").strip())


def _named(cells: list[str]) -> int:
    return sum(bool(column_of(cell) or is_analyte(cell)) for cell in cells if cell)


def _known(records: Records) -> int:
    """Return how many columns are known in the record that names most of them."""
    header = _header(records)[1]
    columns = [column for cell in header if (column := column_of(cell))]
    analytes = [cell for cell in header if not column_of(cell) and is_analyte(cell)]
    return len(set(columns)) + (0 if {"analyte", "value"} <= set(columns) else len(analytes))


def _header(records: Records) -> tuple[int, list[str]]:
    place = max(range(min(len(records), 40)), key=lambda place: _named(records[place][1]))
    names = list(records[place][1])
    while names and not names[-1].strip():
        names.pop()
    return place, names


def book_of_records(records: Records, *, is_even: bool) -> Book:
    """Return what a table of anybody holds: a row, or a cell, a result."""
    place, header = _header(records)
    columns: dict[int, str] = {}
    for number, name in enumerate(header):
        column = column_of(name)
        if column and (column in ("ignored", "personal") or column not in columns.values()):
            columns[number] = column
    is_wide = not {"analyte", "value"} <= set(columns.values())
    analytes = [n for n, x in enumerate(header) if n not in columns and is_analyte(x)]
    units: dict[int, str] = {}
    if is_wide and place + 1 < len(records):
        below = records[place + 1][1]
        filled = {
            n: x for n in analytes if n < len(below) and (x := below[n].strip().strip(" ()[]"))
        }
        units = filled if filled and all(map(is_unit, filled.values())) else {}
    body = records[place + 1 + bool(units) :]
    book = Book(total=place)
    for line, cells in body:
        while len(cells) > len(header) and not cells[-1].strip():
            cells = cells[:-1]
        if is_even:
            cells = [*cells, *[""] * (len(header) - len(cells))]
        if len(cells) != len(header):
            book.entries[str(line)], book.total = None, book.total + 1
            continue
        told = {column: cells[number] for number, column in columns.items()}
        if not is_wide:
            if told["analyte"].strip() or told["value"].strip():
                book.entries[str(line)] = _entry(told)
            book.total += 1
            continue
        results = {
            number: {
                "analyte": header[number],
                "value": cells[number],
                "unit": units.get(number, ""),
            }
            for number in analytes
            if cells[number].strip()
        }
        others = [
            number
            for number, name in enumerate(header)
            if name.strip() and number not in {*columns, *analytes} and cells[number].strip()
        ]
        results |= {
            number: {"analyte": header[number], "value": cells[number]}
            for number in others
            if re.search("[0-9]", cells[number])
        }
        for number, result in results.items():
            address = f"{get_column_letter(number + 1)}{line}"
            book.entries[address] = _entry({**told, **result})
        book.total += len(set(others) | set(results)) + (not results)
    return book


def book_of_workbook(content: bytes) -> Book:
    """Return what the sheet of a workbook holds, each cell as the text it shows."""
    stored, written = (
        load_workbook(io.BytesIO(content), data_only=only).worksheets[0] for only in (True, False)
    )
    records: Records = []
    for row, formulas in zip(stored.iter_rows(), written.iter_rows(), strict=True):
        cells = [
            as_text(formula.value if cell.value is None else cell.value)
            for cell, formula in zip(row, formulas, strict=True)
        ]
        if any(cell.value is not None for cell in formulas):
            while cells and not cells[-1]:
                cells.pop()
            records.append((row[0].row, cells))
    return book_of_records(records, is_even=True)


def as_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return f"{Decimal(repr(cell)).normalize():f}"
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat()).removesuffix("T00:00:00")
    return str(cell)


# Messages.


def book_of_hl7(content: bytes) -> Book:
    """Return what a file of messages holds: a repetition of OBX-5 an entry."""
    book, case, field, component, repetition = Book(is_exact=False), "", "|", "^", "~"
    for line, segment in _segments(decoded(content)):
        if segment[:3] == "MSH":
            field, component, repetition = segment[3], segment[4:5], segment[5:6]
            case = ""
        cells = segment.split(field)
        if segment[:3].upper() == "PID":
            case = _case_of(cells[3]) if len(cells) > 3 else None
        if segment[:3].upper() != "OBX":
            continue
        cells += [""] * (7 - len(cells))
        for number, part in enumerate(cells[5].split(repetition), start=1):
            book.entries[f"{line}.{number}" if number > 1 else str(line)] = Entry(
                values=_values(cells[2], part, component),
                units=tuple(x.strip() for x in cells[6].split(component)),
                names=tuple(cells[3].split(component)),
                case=case,
            )
            book.total += 1
    return book


def _segments(text: str) -> Iterator[tuple[int, str]]:
    """Yield the segments of a text: a line that begins none goes on with the one before it."""
    begun: list[str] = []
    first, field = 0, "|"
    for line, written in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        told = written.strip(" \t\x0b\x1c\ufeff")
        is_header = re.match(r"MSH(?![A-Za-z0-9_ ]).", told) is not None
        field = told[3] if is_header else field
        if is_header or re.match(rf"[A-Za-z][A-Za-z0-9]{{2}}({re.escape(field)}|\Z)", told):
            if begun:
                yield first, "\n".join(begun)
            begun, first = [told], line
        elif re.search(r"[^\W_]", told):
            begun.append(told)
    if begun:
        yield first, "\n".join(begun)


def _case_of(identifiers: str) -> str | None:
    found = re.fullmatch(r"([A-Za-z0-9_-]{1,64})\^\^\^casereport", identifiers)
    return found[1] if found else None


def _values(kind: str, part: str, component: str) -> tuple[str, ...]:
    pieces = part.split(component)
    if kind.strip().upper() == "SN" and len(pieces) > 1:
        return ("".join(pieces).removeprefix("="), part)
    return (part.strip(),) if kind.strip().upper() == "NM" else (part, part.strip(), *pieces)


# Documents.


def book_of_json(content: bytes) -> Book:
    """Return what a FHIR document in JSON holds."""
    document = json.loads(decoded(content), parse_float=str, parse_int=str)
    return _book_of_document(document)


def book_of_xml(content: bytes) -> Book:
    """Return what a FHIR document in XML holds."""
    root = ET.fromstring(decoded(content))
    return _book_of_document(_object(root) | {"resourceType": root.tag.removeprefix(FHIR)})


_LISTS = ("entry", "coding", "identifier", "component", "contained")


def _object(element: ET.Element) -> dict[str, Any]:
    """Return an element as JSON has it; of a name that stands again, and of some, a list."""
    found: dict[str, Any] = {}
    for child in element:
        name = child.tag.removeprefix(FHIR)
        if name[:1].isupper():
            return {"resourceType": name, **_object(child)}
        content: Any = child.get("value", _object(child)) if not len(child) else _object(child)
        if name in _LISTS or name in found:
            before = found.get(name, [])
            found[name] = [*(before if isinstance(before, list) else [before]), content]
        else:
            found[name] = content
    return found


def _book_of_document(document: dict[str, Any]) -> Book:
    book = Book(is_exact=False)
    resources = dict(_resources(document, ""))
    patients = [one for one in resources.values() if one["resourceType"] == "Patient"]
    for path, one in resources.items():
        kind = one["resourceType"]
        book.total += kind != "Bundle"
        if kind == "Observation":
            case = _patient(one, patients)
            book.entries[path] = _of_quantity(one, case)
            for number, component in enumerate(_listed(one.get("component", []))):
                if component.get("resourceType"):
                    continue
                book.total += 1
                book.entries[f"{path}.component[{number}]"] = _of_quantity(component, case)
    return book


def _resources(found: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(found, dict):
        kind = found.get("resourceType")
        if isinstance(kind, str) and re.fullmatch("[A-Z][A-Za-z]*", kind):
            yield path, found
        for place, (key, value) in enumerate(found.items()):
            step = key if re.fullmatch("_?[A-Za-z][A-Za-z0-9]*", key) else f"#{place}"
            yield from _resources(value, f"{path}.{step}".lstrip("."))
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from _resources(value, f"{path}[{number}]")


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _of_quantity(one: dict[str, Any], case: str | None) -> Entry:
    quantity = one.get("valueQuantity", {})
    number, sign = quantity.get("value", "").strip(), quantity.get("comparator", "").strip()
    units = tuple(quantity.get(name, "").strip() for name in ("code", "unit"))
    code = one.get("code", {})
    names = [x.get(key, "") for x in _listed(code.get("coding", [])) for key in ("code", "display")]
    return Entry(
        values=(sign + number if number else "", ""),
        units=units,
        names=(*names, code.get("text", "")),
        case=case,
    )


def _patient(one: dict[str, Any], patients: list[dict[str, Any]]) -> str | None:
    reference = one.get("subject", {}).get("reference", "")
    found = [x for x in patients if reference == f"Patient/{x.get('id')}"]
    if len(found) != 1 or len(_listed(found[0].get("identifier", []))) != 1:
        return None
    (identifier,) = _listed(found[0]["identifier"])
    is_own = identifier.get("system") == "urn:casereport"
    value = str(identifier.get("value", "")).strip()  # without one the id of the Patient counts
    return value if is_own and value else None
