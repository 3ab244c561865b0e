"""Middle floor. What an Observation says of itself but its value: whose, when, of which sample."""

from pipeline.read.fhir.node import Node
from pipeline.read.fhir.quantities import coded_text
from pipeline.read.fhir.resources import HISTORY, Document, Resource
from pipeline.read.pseudonym import pseudonym_of

_SEXES = {"female": "F", "male": "M"}
_WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
_PEOPLE = frozenset({"Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "CareTeam"})
_YEAR = len("1970")
_SEPARATOR = "\x1f"


def context_of(resource: Resource, document: Document) -> dict[str, str]:
    """Return the columns that an Observation shares with its components.

    What it does not say of its person, moment and sample, the panel or report that lists it says,
    where those agree. A report's own moment is none: it need not be the sampling's.
    """
    node = resource.node
    specimen = _Specimens(document)
    person = document.inherited(resource, lambda one: _person(one, document))
    case_id, sex, birth_year = person.split(_SEPARATOR) if person else ("", "", "")
    return {
        "case_id": case_id,
        "sex": sex,
        "birth_year": birth_year,
        "sample_id": document.inherited(resource, specimen.id_of),
        "collected_at": document.inherited(resource, specimen.moment_of),
        "specimen": document.inherited(resource, specimen.type_of),
        "status": _status(resource, document),
        "issued": document.inherited(resource, lambda one: one.node.text("issued")),
        "method": coded_text(node.one("method")),
        "lab": _laboratory(resource, document),
        "comment": _comment(node),
    }


def _person(resource: Resource, document: Document) -> str:
    """Return case id, sex and year of birth as one text, "" where no subject is named."""
    subject = resource.node.one("subject")
    patient = document.resolve(subject, whence=resource)
    if patient is None or patient.kind != "Patient":
        case_id = pseudonym_of(_identifiers_of_reference(subject))
        return _SEPARATOR.join((case_id, "", "")) if case_id else ""
    case_id = pseudonym_of(_identifiers(patient)) or pseudonym_of(
        _identifiers_of_reference(subject)
    )
    sex = _SEXES.get(patient.node.text("gender"), "")
    year = patient.node.text("birthDate")[:_YEAR]
    birth_year = year if len(year) == _YEAR and year.isascii() and year.isdigit() else ""
    return _SEPARATOR.join((case_id, sex, birth_year))


def _identifiers(patient: Resource) -> list[tuple[str, str]]:
    """Return a Patient's identifiers, else its id; the id of a contained one names nobody."""
    found = [(one.text("system"), one.text("value")) for one in patient.node.all("identifier")]
    if any(value for _, value in found) or patient.holder:
        return found
    return [("", patient.node.text("id"))]


def _identifiers_of_reference(subject: Node) -> list[tuple[str, str]]:
    """Return what a Reference itself says; "#p1" is anybody's in another file."""
    identifier, reference = subject.one("identifier"), subject.text("reference")
    if value := identifier.text("value"):
        return [(identifier.text("system"), value)]
    return [] if reference.startswith("#") else [("reference", reference.split(HISTORY)[0])]


class _Specimens:
    """The samples of a document, and what an Observation says through its own."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def id_of(self, resource: Resource) -> str:
        """Return by what a sample is known; one that is contained is known only by its place."""
        if resource.kind != "Observation":
            return ""
        reference = resource.node.one("specimen")
        text = reference.text("reference")
        place = (resource.holder or resource).node.path if text.startswith("#") else ""
        named = _sample_number(self._of(resource)) or reference.one("identifier").text("value")
        return named or place + text

    def type_of(self, resource: Resource) -> str:
        specimen = self._of(resource)
        return coded_text(specimen.node.one("type")) if specimen else ""

    def moment_of(self, resource: Resource) -> str:
        """Return when a sample was taken, as written."""
        if resource.kind != "Observation":
            return ""
        specimen = self._of(resource)
        collection = specimen.node.one("collection") if specimen else Node({}, "")
        return _moment(resource.node, "effective") or _moment(collection, "collected")

    def _of(self, resource: Resource) -> Resource | None:
        if resource.kind != "Observation":
            return None
        found = self._document.resolve(resource.node.one("specimen"), whence=resource)
        return found if found and found.kind == "Specimen" else None


def _sample_number(specimen: Resource | None) -> str:
    if specimen is None:
        return ""
    numbers = [*specimen.node.all("identifier"), specimen.node.one("accessionIdentifier")]
    return next(filter(None, (one.text("value") for one in numbers)), "")


def _moment(node: Node, name: str) -> str:
    at = node.text(f"{name}DateTime") or node.text(f"{name}Instant")
    return at or node.one(f"{name}Period").text("start")


def _status(resource: Resource, document: Document) -> str:
    """Return the status; what a panel or report withdraws, it withdraws with its members."""
    own = resource.node.text("status")
    above = [one.node.text("status") for level in document.above(resource) for one in level]
    return next((word for word in (own, *above) if word in _WITHDRAWN), own)


def _laboratory(resource: Resource, document: Document) -> str:
    """Return the first performer that is not known to be a person."""
    for performer in resource.node.all("performer"):
        found = document.resolve(performer, whence=resource)
        kind = found.kind if found else performer.text("type") or _kind_in(performer)
        name = found.node.text("name") if found and kind == "Organization" else ""
        if kind not in _PEOPLE and (name or performer.text("display")):
            return name or performer.text("display")
    return ""


def _kind_in(reference: Node) -> str:
    """Return the type that a reference names: the last but one part of its address."""
    return (["", *reference.text("reference").split("/")])[-2]


def _comment(node: Node) -> str:
    notes = [one.text("text") for one in node.all("note")]
    return " ".join(filter(None, (*notes, node.text("comment"))))  # comment: STU3's
