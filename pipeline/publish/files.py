"""Publishing floor. Puts whole files in their place: written aside, forced to disk, renamed."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from stat import S_IMODE, S_ISREG
from tempfile import mkdtemp

from pipeline.errors import OutputError

WORK = ".casereport"  # a name of ours alone: it is emptied without asking
# What the reading of a file of ours raises that somebody changed: no JSON, or not of our shape.
DAMAGED = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
_FOR_ITS_OWNER = 0o700
_SECRET = 0o600


@contextmanager
def work_folder(out: Path, name: str) -> Iterator[Path]:
    """Give a folder that only the user can open, inside ``out`` so that a rename is enough.

    It is gone afterwards, whatever happens, and so is what a run that was killed left in its place:
    one process at a time writes into ``out``. Whoever works in threads makes one of these, and
    folders of its own inside it. Raises OutputError where it cannot be made.
    """
    home = out / WORK
    with told_as_output_error(out):
        rmtree(home, ignore_errors=True)
        make_folder(home)
        # absolute: the kernel works in another folder
        folder = Path(mkdtemp(prefix=f"{name}-", dir=home)).absolute()
    try:
        yield folder
    finally:
        rmtree(home, ignore_errors=True)


def publish(content: bytes, target: Path, *, work: Path) -> str:
    """Write ``content`` at ``target`` at once or not at all, and return its hash (SHA-256).

    What is written only its owner can read; a file that holds just this already stays as it is.
    ``work`` is a folder on the same disk. Raises OutputError where the place cannot be written to.
    """
    with told_as_output_error(target):
        if _holds(target, content):
            return sha256(content).hexdigest()
        make_folder(work)
        make_folder(target.parent)
        draft = work / f"{target.name}.draft"
        _write(content, draft)
        draft.replace(target)
        _sync_folder(target.parent)
    return sha256(content).hexdigest()


def _holds(target: Path, content: bytes) -> bool:
    """Return whether a file holds just this, and is for its owner alone."""
    with suppress(OSError):
        found = target.lstat()
        same = S_ISREG(found.st_mode) and found.st_size == len(content)
        private = S_IMODE(found.st_mode) == _SECRET
        return same and private and target.read_bytes() == content
    return False


def append_line(line: bytes, target: Path) -> None:
    """Add a line at the end of a file that only its owner can read.

    Raises OutputError where it cannot be written.
    """
    with told_as_output_error(target):
        make_folder(target.parent)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _SECRET)
        with os.fdopen(handle, "ab") as file:
            file.write(line)


def withdraw(target: Path) -> None:
    """Remove a file of an earlier run, so that it does not pass for one of this run.

    Raises OutputError where it is there and cannot be removed.
    """
    with told_as_output_error(target), suppress(FileNotFoundError, NotADirectoryError):
        target.unlink()


@contextmanager
def told_as_output_error(path: Path) -> Iterator[None]:
    """Turn the system's refusal into an error that names the place."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"Unable to write to '{path}': {reason}.") from None


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are not there yet, each for its owner alone."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=_FOR_ITS_OWNER, exist_ok=True)


def as_json(content: Mapping[str, object]) -> bytes:
    """Return JSON whose bytes depend on nothing but the content: sorted, UTF-8, no NaN."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
    return f"{text}\n".encode()


def _write(content: bytes, draft: Path) -> None:
    """Write a file that only its owner can read, down to the disk."""
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _SECRET)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Force a rename to disk, where folders can be opened (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
