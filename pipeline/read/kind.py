"""Middle floor. Tells by its content what kind of file somebody sent; its name says nothing."""

from enum import StrEnum

from pipeline.read.fhir import is_fhir_json, is_fhir_xml
from pipeline.read.hl7v2 import is_hl7v2

_ZIP = b"PK\x03\x04"
_TRANSPORT = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"


class Kind(StrEnum):
    """A kind of file that is read."""

    TABLE = "table"  # delimited text
    HL7_V2 = "hl7v2"
    FHIR_JSON = "fhir-json"
    FHIR_XML = "fhir-xml"


def is_workbook(content: bytes) -> bool:
    """Return whether bytes begin as a zip archive, which of lab files only a workbook does."""
    return content.startswith(_ZIP)


def is_transport(content: bytes) -> bool:
    """Return whether bytes begin as a SAS transport file."""
    return content.startswith(_TRANSPORT)


def kind_of(text: str) -> Kind:
    """Return the kind of a text; what is of no other kind may be a table."""
    kinds = {
        Kind.HL7_V2: is_hl7v2,
        Kind.FHIR_JSON: is_fhir_json,
        Kind.FHIR_XML: is_fhir_xml,
    }
    return next((kind for kind, is_so in kinds.items() if is_so(text)), Kind.TABLE)
