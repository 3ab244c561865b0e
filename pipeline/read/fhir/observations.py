"""Middle floor. Makes a row, or a word for what is no result, of each Observation and component."""

import re
from collections.abc import Iterator

from pipeline.read.fhir.context import context_of
from pipeline.read.fhir.document import is_resource
from pipeline.read.fhir.node import Node
from pipeline.read.fhir.quantities import coded_text, interval_of
from pipeline.read.fhir.resources import Document, Resource, members_of
from pipeline.read.fhir.values import Value, value_of
from pipeline.read.reading import Known, analyte_of

Outcome = dict[str, str] | str  # a row, or the word by which an entry is counted

_LOINC = ("http://loinc.org", "urn:oid:2.16.840.1.113883.6.1")
_NHG = re.compile(
    r"https?://referentiemodel\.nhg\.org/tabellen/nhg-tabel-45\b.*"
    r"|urn:oid:2\.16\.840\.1\.113883\.2\.4\.4\.30\.45"
)
_NOT_LABORATORY = frozenset(
    {"vital-signs", "social-history", "survey", "imaging", "exam", "procedure", "activity"}
)


def outcomes_of(document: Document, *, known: Known) -> Iterator[Outcome]:
    """Yield what becomes of every resource in its order, an Observation's components behind it.

    A Bundle holds entries and is none.

    Raises MalformedError where an element that is read is not of FHIR's shape.
    """
    for resource in document.resources:
        if resource.kind == "Observation":
            yield from _of_observation(resource, document, known)
        elif resource.kind != "Bundle":
            yield resource.kind.casefold()


def _of_observation(resource: Resource, document: Document, known: Known) -> Iterator[Outcome]:
    node = resource.node
    components = [one for one in node.all("component") if not is_resource(one.content)]
    context = context_of(resource, document)
    value = value_of(node)
    is_panel = not value.is_stated and bool(components or members_of(node))
    yield "panel" if is_panel else _of_result(node, node, context, known)
    for component in components:
        yield _of_result(component, node, context, known)


def _of_result(result: Node, observation: Node, context: dict[str, str], known: Known) -> Outcome:
    """Return what becomes of an Observation itself, or of one of its components."""
    value, names = _usable(value_of(result), result, observation), _names(result.one("code"))
    is_known = any(known(name) for name in names)
    category = "" if is_known else _other_category(observation)
    if word := category or value.ignored:
        return word
    own = {
        "line": result.path,
        "analyte": analyte_of(names, known=known),
        "value": value.text,
        "mark": value.mark,
        "unit": value.unit,
        "flag": _flag(result),
        "comment": " ".join(filter(None, (value.note, context["comment"]))),
    }
    return {**context, **own, **interval_of(result, unit=value.unit)}


def _usable(value: Value, result: Node, observation: Node) -> Value:
    """Return the value, without its text where an extension may turn its meaning round."""
    is_modified = any("modifierExtension" in node.content for node in (result, observation))
    return Value(unit=value.unit, note="modifier-extension") if is_modified else value


def _names(code: Node) -> list[str]:
    """Return the codes of LOINC where there are such, else names, NHG's codes and other codes.

    A LOINC code says the specimen; the words beside it need not, and stand for no other code.
    """
    codings = code.all("coding")
    loinc, nhg, local = [], [], []
    for one in codings:
        system, written = one.text("system").rstrip("/"), one.text("code")
        if system in _LOINC:
            loinc += [written] if written else []
        elif written and _NHG.fullmatch(system):
            nhg.append(f"nhg:{written}")
        else:
            local.append(written)
    words = [code.text("text"), *(one.text("display") for one in codings)]
    return loinc or [name for name in (*words, *nhg, *local) if name]


def _other_category(observation: Node) -> str:
    """Return the category where each that is stated is another than the laboratory's, else ""."""
    words = [
        next((word for word in codes if word in _NOT_LABORATORY), "")
        for codes in map(_codes, observation.all("category"))
    ]
    return words[0] if words and all(words) else ""


def _codes(concept: Node) -> list[str]:
    return [code for one in concept.all("coding") if (code := one.text("code"))]


def _flag(result: Node) -> str:
    flags = result.all("interpretation")
    told = [text for one in flags for text in _codes(one) or [coded_text(one)] if text]
    return " ".join(dict.fromkeys(told))
