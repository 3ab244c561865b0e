"""Middle floor. Finds the resources of a FHIR document, and what a reference in one points to."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.read.fhir.document import is_resource
from pipeline.read.fhir.node import MalformedError, Node, key_in_path, step

HISTORY = "/_history/"  # before the version in an address
_LEVELS = 16  # of panels in panels; a longer chain is no laboratory's, and takes its square in time
_WITH_RESOURCE = ("entry", "parameter", "part")  # whose "resource" is one; elsewhere it may not be
_MEMBERS = ("hasMember", "result")  # of an Observation, of a DiagnosticReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource, and where it stands."""

    node: Node
    kind: str
    full_url: str = ""
    bundles: tuple[str, ...] = ()  # paths of the Bundles around it, the innermost first
    holder: "Resource | None" = None  # the resource that contains it

    @property
    def version(self) -> str:
        """Return which version of the resource this is, "" where it does not say."""
        return self.node.one("meta").text("versionId")

    @property
    def key(self) -> str:
        """Return "Type/id", by which a relative reference names it, "" without an id."""
        id = self.node.text("id")
        return f"{self.kind}/{id}" if id else ""

    @property
    def url(self) -> str:
        """Return the address without a version, "" where the document gives none."""
        return self.full_url.split(HISTORY)[0]

    @property
    def base(self) -> str:
        """Return the address of the server it is on, "" where its own address names none."""
        is_on_server = self.key and self.url.endswith(f"/{self.key}")
        return self.url.removesuffix(self.key) if is_on_server else ""


@dataclass(frozen=True, slots=True)
class _Around:
    full_url: str = ""
    bundles: tuple[str, ...] = ()
    holder: Resource | None = None


class Document:
    """All resources of a document in their order, found by reference.

    Raises MalformedError where an entry or a contained resource does not say what it is.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self.resources = tuple(_resources(root))
        self._by_name: dict[str, list[Resource]] = defaultdict(list)
        self._contained: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        for one in self.resources:
            self._enter(one)
        self._parents = self._find_parents()

    def resolve(self, reference: Node, *, whence: Resource) -> Resource | None:
        """Return the resource a Reference in ``whence`` points to, None where that is not certain.

        Of several with one address, those in the innermost Bundle around ``whence`` are meant.
        """
        text, _, version = reference.text("reference").partition(HISTORY)
        if not text:
            return None
        outermost = whence.holder or whence
        if text.startswith("#"):
            return _only(self._contained.get((outermost.node.path, text[1:]), []))
        found = self._named(text, base=outermost.base)
        found = [one for one in found if version and one.version == version] or found
        for bundle in whence.bundles:
            if near := [one for one in found if bundle in one.bundles]:
                return _only(near)
        return _only(found)

    def above(self, resource: Resource) -> Iterator[list[Resource]]:
        """Yield, level by level, the panels and reports that ``resource`` is a member of."""
        seen = {resource.node.path}
        level = [resource]
        for _ in range(_LEVELS):
            parents = [up for one in level for up in self._parents.get(one.node.path, [])]
            level = list({up.node.path: up for up in parents if up.node.path not in seen}.values())
            seen.update(up.node.path for up in level)
            if not level:
                return
            yield level

    def inherited(self, resource: Resource, say: Callable[[Resource], str]) -> str:
        """Return what ``say`` finds in a resource, else above it; "" where one level disagrees."""
        for level in ([resource], *self.above(resource)):
            said = {text for one in level if (text := say(one))}
            if said:
                return said.pop() if len(said) == 1 else ""
        return ""

    def _named(self, text: str, *, base: str) -> list[Resource]:
        """Return what an address names; "Patient/23" of one server is not that of another."""
        if ":" in text:
            return self._by_name.get(text, [])
        near = self._by_name.get(base + text, []) if base else []
        anywhere = self._by_name.get(text, [])
        return near or [one for one in anywhere if not base or one.base in ("", base)]

    def _enter(self, one: Resource) -> None:
        if one.holder:
            self._contained[one.holder.node.path, one.node.text("id")].append(one)
            return
        for name in {one.url, one.key} - {""}:
            known = self._by_name[name]
            if not known or not _is_copy(one, known[0]):
                known.append(one)

    def _find_parents(self) -> dict[str, list[Resource]]:
        parents: dict[str, list[Resource]] = defaultdict(list)
        for one in self.resources:
            if one.kind not in ("Observation", "DiagnosticReport"):
                continue
            for reference in members_of(one.node):
                if member := self.resolve(reference, whence=one):
                    parents[member.node.path].append(one)
        for one in self.resources:
            if one.holder and one.holder.kind == "DiagnosticReport":
                parents[one.node.path].append(one.holder)
        return parents


def members_of(node: Node) -> list[Node]:
    """Return the references from a panel or report to its members; R4's, and STU3's related."""
    related = [one.one("target") for one in node.all("related") if one.text("type") == "has-member"]
    return [one for key in _MEMBERS for one in node.all(key)] + related


def _is_copy(one: Resource, other: Resource) -> bool:
    return one.bundles == other.bundles and one.node.content == other.node.content


def _only(found: list[Resource]) -> Resource | None:
    return found[0] if len(found) == 1 else None


def _resources(root: dict[str, Any]) -> Iterator[Resource]:
    path = "" if root["resourceType"] == "Bundle" else root["resourceType"]
    yield from _walk(root, path, _Around())


def _walk(found: Any, path: str, around: _Around) -> Iterator[Resource]:
    if isinstance(found, list):
        for at, item in enumerate(found):
            yield from _walk(item, f"{path}[{at}]", around)
    elif isinstance(found, dict):
        if is_resource(found):
            here = _made(found, path, around)
            yield here
            around = _inside(here)
        for position, (key, value) in enumerate(found.items()):
            url = Node(found, path).text("fullUrl") if key == "resource" else ""
            below = step(path, key_in_path(key, position))
            _require_resources(key, value, below)
            yield from _walk(value, below, replace(around, full_url=url))


def _require_resources(key: str, value: Any, path: str) -> None:
    """Refuse what stands where only a resource may, and would be passed over as none."""
    items = value if isinstance(value, list) else [value]
    if key in _WITH_RESOURCE:
        items = [
            item["resource"] for item in items if isinstance(item, dict) and "resource" in item
        ]
    elif key != "contained":
        return
    if not all(isinstance(item, dict) and is_resource(item) for item in items):
        raise MalformedError("Unable to find resourceType", path)


def _made(found: dict[str, Any], path: str, around: _Around) -> Resource:
    return Resource(
        node=Node(found, path),
        kind=found["resourceType"],
        full_url=around.full_url,
        bundles=around.bundles,
        holder=around.holder,
    )


def _inside(here: Resource) -> _Around:
    """Return what is around the resources in this one; only the outermost holder counts."""
    if here.kind == "Bundle":
        return _Around(bundles=(here.node.path, *here.bundles))
    holder = None if here.kind == "Parameters" else here.holder or here
    return _Around(bundles=here.bundles, holder=holder)
