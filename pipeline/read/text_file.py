"""Middle floor. Opens a file that people sent: a regular, local file of text, or a refusal."""

import os
import stat
from pathlib import Path

from pipeline.errors import LabFileError, PipelineError

_BINARY = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"BM": "a picture",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive or workbook",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x1f\x8b": "a compressed file",
}
_BYTE_ORDER_MARKS_16 = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path, *, error: type[PipelineError] = LabFileError) -> str:
    """Return the text of a file, without its byte order mark and with its line ends as they are.

    UTF-8 is tried first; what is not UTF-8 is read as Windows-1252, the superset of Latin-1 that
    laboratories' exports use.

    Raises ``error`` where the file is absent, empty, no regular file, a link out of its folder, or
    not text.
    """
    return text_of(read_bytes(path, error=error), name=path.name, error=error)


def text_of(content: bytes, *, name: str, error: type[PipelineError] = LabFileError) -> str:
    """Return the text of a file's bytes, as ``read_text`` does.

    Raises ``error`` where it is empty, or not text.
    """
    if not content.strip():
        raise error(f"Unable to find any row in '{name}': the file is empty.")
    _refuse_binary(content, name, error)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decode_western(content)


def read_bytes(path: Path, *, error: type[PipelineError] = LabFileError) -> bytes:
    """Return the bytes of a regular file; a pipe or a device is refused before it can block.

    Raises ``error`` where the file cannot be opened, is no regular file, or is a link to elsewhere.
    """
    target = Path(os.path.realpath(path))  # unlike resolve, it does not fail on a link to itself
    if path.is_symlink() and target.parent != path.parent.resolve():
        raise error(f"Unable to read '{path.name}': it is a link to another folder.")
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as failure:
        reason = failure.strerror or "it cannot be opened"
        raise error(f"Unable to read '{path.name}': {reason.lower()}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise error(f"Unable to read '{path.name}': it is not a regular file.")
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _refuse_binary(content: bytes, name: str, error: type[PipelineError]) -> None:
    for magic, kind in _BINARY.items():
        if content.startswith(magic) and (len(magic) > len(b"BM") or b"\0" in content):
            raise error(f"Unable to read '{name}' as text: it is {kind}.")
    if content.startswith(_BYTE_ORDER_MARKS_16):
        raise error(f"Unable to read '{name}': it is UTF-16; save it as UTF-8.")
    if b"\0" in content:
        raise error(f"Unable to read '{name}' as text: it holds NUL bytes.")


def _decode_western(content: bytes) -> str:
    """Return Windows-1252 text; the five bytes it leaves undefined fall back to Latin-1."""
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")
