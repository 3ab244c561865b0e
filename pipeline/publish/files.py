"""Floor 8. Puts whole files in their place: written aside, forced to disk, then renamed."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from pipeline.errors import OutputError

WORK = ".work"


@contextmanager
def work_folder(out: Path, name: str) -> Iterator[Path]:
    """Give a folder that only the user can open, inside ``out`` so that a rename is enough.

    It is gone afterwards, whatever happens. Raises OutputError where it cannot be made.
    """
    with _told_as_output_error(out):
        (out / WORK).mkdir(mode=0o700, parents=True, exist_ok=True)
        # absolute: the kernel works in another folder
        folder = Path(mkdtemp(prefix=f"{name}-", dir=out / WORK)).absolute()
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another report is still at work
            (out / WORK).rmdir()


def publish(content: bytes, target: Path, *, work: Path) -> str:
    """Write ``content`` at ``target`` at once or not at all, and return its hash (SHA-256).

    ``work`` is a folder on the same disk. Raises OutputError where the place cannot be written to.
    """
    with _told_as_output_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = work / f"{target.name}.draft"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        _sync_folder(target.parent)
    return sha256(content).hexdigest()


def as_json(content: Mapping[str, object]) -> bytes:
    """Return JSON whose bytes depend on nothing but the content: sorted, UTF-8, no NaN."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
    return f"{text}\n".encode()


def _sync_folder(folder: Path) -> None:
    """Force a rename to disk, where folders can be opened (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told_as_output_error(path: Path) -> Iterator[None]:
    """Turn the system's refusal into an error that names the place."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"Unable to write to '{path}': {reason}.") from None
