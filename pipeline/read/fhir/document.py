"""Middle floor. Parses FHIR's JSON and XML, strictly, to the same plain objects."""

import json
import re
from collections.abc import Mapping
from io import StringIO
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from pipeline.read.fhir.node import MalformedError, key_in_path, step

DEPTH = 64  # levels of objects and lists, or of elements
_NAMESPACE = "http://hl7.org/fhir"
_TAG = f"{{{_NAMESPACE}}}"
_ATTRIBUTES = frozenset({"id", "url", "value"})
_LISTS = frozenset({"component", "contained", "entry", "parameter", "part"})  # their paths count
_HEAD = 1_000_000  # characters within which a root begins; a longer name takes time as its square
_KIND = re.compile(r"[A-Z][A-Za-z]{0,60}")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # what UTF-8 or a file of text cannot hold


class _Repeated(dict[str, Any]):
    """An object in which one key stood twice."""


def is_fhir_json(text: str) -> bool:
    """Return whether a text looks like a FHIR resource in JSON."""
    return text.lstrip().startswith("{") and '"resourceType"' in text


def is_fhir_xml(text: str) -> bool:
    """Return whether a text is XML whose root is FHIR's; one with a DTD is, where it names FHIR."""
    if not text.lstrip().startswith("<"):
        return False
    try:
        head = StringIO(text[:_HEAD])
        for _, root in ElementTree.iterparse(head, events=("start",), forbid_dtd=True):
            return bool(root.tag.startswith(_TAG))
    except DefusedXmlException:
        return _NAMESPACE in text
    except (ParseError, ValueError):
        return False
    return False


def parse_json(text: str) -> dict[str, Any]:
    """Return the resource of a JSON text: objects, lists, texts and truth values.

    Numbers stay the text they were.

    Raises MalformedError for what is no JSON, a key that stands twice in an object, NaN, more than
    ``DEPTH`` levels, a text that is not Unicode, and an object that is no resource.
    """
    _require_flat(text)
    try:
        found = json.loads(
            text,
            parse_float=str,
            parse_int=str,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as fault:
        raise MalformedError(f"line {fault.lineno} is no JSON") from None
    _check(found, "")
    if not isinstance(found, dict) or not is_resource(found):
        raise MalformedError("Unable to find resourceType")
    return found


def is_resource(found: Mapping[str, Any]) -> bool:
    """Return whether an object says of what type of resource it is."""
    kind = found.get("resourceType")
    return isinstance(kind, str) and _KIND.fullmatch(kind) is not None


def parse_xml(text: str) -> dict[str, Any]:
    """Return the resource of an XML text in the shape of ``parse_json``, without its narratives.

    An element that stands once is no list, but for those in paths.

    Raises MalformedError for any DTD, what is no XML of FHIR, and more than ``DEPTH`` levels.
    """
    try:
        root = ElementTree.fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        raise MalformedError("Expected no DTD and no entity") from None
    except ParseError as fault:
        raise MalformedError(f"line {fault.position[0]} is no XML") from None
    except ValueError:
        raise MalformedError("it is no text in Unicode") from None
    if not root.tag.startswith(_TAG) or not _KIND.fullmatch(_name(root)):
        raise MalformedError("Expected exactly 1 resource of FHIR as the root")
    return _resource(root, 1)


def _require_flat(text: str) -> None:
    """Count levels before anything recurses into them."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEPTH:
            _refuse_depth()


def _refuse_depth() -> NoReturn:
    raise MalformedError(f"Expected at most {DEPTH} levels")


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedError("Expected no NaN and no Infinity")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(found)


def _check(found: Any, path: str) -> None:
    """Refuse, where it stands, what the parser let pass."""
    if isinstance(found, str) and _NO_TEXT.search(found):
        raise MalformedError("Expected a text in Unicode", path)
    if isinstance(found, _Repeated):
        raise MalformedError("Expected each key exactly once", path)
    if isinstance(found, dict):
        for position, (key, value) in enumerate(found.items()):
            _check(value, step(path, key_in_path(key, position)))
    elif isinstance(found, list):
        for at, value in enumerate(found):
            _check(value, f"{path}[{at}]")


def _name(element: Element) -> str:
    return element.tag.removeprefix(_TAG)


def _resource(element: Element, depth: int) -> dict[str, Any]:
    found = _content(element, depth)
    if "resourceType" in found:
        raise MalformedError("Expected exactly 1 resource", _name(element))
    return {"resourceType": _name(element), **found}


def _content(element: Element, depth: int) -> Any:
    """Return an element as JSON has it: its value, its resources, or an object."""
    if depth > DEPTH:
        _refuse_depth()
    _require_no_loose_text(element)
    children = [child for child in element if child.tag.startswith(_TAG)]  # not the narrative's
    resources = [child for child in children if _KIND.fullmatch(_name(child))]
    value = element.get("value")
    if value is None and not resources:
        return _fields(element, children, depth)
    if value is not None and not _holds_more(element, children):
        return value
    if value is not None or len(resources) < len(children) or _KIND.fullmatch(_name(element)):
        raise MalformedError("Expected either a value or content", _name(element))
    found = [_resource(child, depth + 1) for child in resources]
    return found[0] if len(found) == 1 else found


def _holds_more(element: Element, children: list[Element]) -> bool:
    """Return whether an element with a value holds what would be lost with its extensions."""
    inside = (_name(one) for one in element.iter() if one.tag.startswith(_TAG))
    return any(map(_KIND.fullmatch, inside)) or any(_name(one) != "extension" for one in children)


def _require_no_loose_text(element: Element) -> None:
    loose = (element.text, *(child.tail for child in element))
    if any(text and text.strip() for text in loose):
        raise MalformedError("Expected a value only as the attribute value", _name(element))
    if any(not name.startswith("{") and name not in _ATTRIBUTES for name in element.attrib):
        raise MalformedError("Expected no attribute but id, url and value", _name(element))


def _fields(element: Element, children: list[Element], depth: int) -> dict[str, Any]:
    fields: dict[str, list[Any]] = {}
    for child in children:
        found = _content(child, depth + 1)
        fields.setdefault(_name(child), []).extend(found if isinstance(found, list) else [found])
    own = {name: text for name, text in element.attrib.items() if not name.startswith("{")}
    shaped = {
        name: items if len(items) > 1 or name in _LISTS else items[0]
        for name, items in fields.items()
    }
    return {**own, **shaped}
