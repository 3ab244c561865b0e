"""Middle floor. Tells by its content what kind of file somebody sent; its name says nothing."""

from enum import StrEnum

_ZIP = b"PK\x03\x04"
_TRANSPORT = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"


class Kind(StrEnum):
    """A kind of file that is read."""

    TABLE = "table"  # delimited text
    WORKBOOK = "workbook"
    TRANSPORT = "transport"  # SAS transport (XPT)


def kind_of(content: bytes) -> Kind:
    """Return the kind of a file's content; what is of no other kind may be a table."""
    if content.startswith(_ZIP):
        return Kind.WORKBOOK
    if content.startswith(_TRANSPORT):
        return Kind.TRANSPORT
    return Kind.TABLE
