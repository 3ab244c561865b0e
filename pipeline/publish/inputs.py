"""Publishing floor. What a run was made from: the files that were read, by their hashes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path

from pipeline.errors import LabFileError
from pipeline.intake import Intake
from pipeline.read import CASE_FILE

Hashes = Mapping[Path, str]


def require_inputs(paths: Sequence[Path]) -> None:
    """Raise LabFileError where an input is not there: a slip of the pen is no unknown kind."""
    for path in paths:
        if not path.exists():
            raise LabFileError(f"Unable to read '{path.name}': no such file or directory.")


def hashes_of(paths: Sequence[Path]) -> Hashes:
    """Return the hash (SHA-256) of each file that may be read; of a folder those directly in it.

    Made before the reading: should a file change meanwhile, the record does not hide it. What
    cannot be opened is left out, since reading it is an error that says more.
    """
    hashes = {}
    for path in paths:
        for file in _readable(path) if path.is_dir() else [path]:
            with suppress(OSError):
                hashes[file] = _hash(file)
    return hashes


def read_files(
    intake: Intake, inputs: Sequence[Path], *, besides: Sequence[Path | None]
) -> list[Path]:
    """Return the files that were read, in that order: of a folder its case.toml comes first.

    ``besides``: tables of people and the practice's rules, where they were given.
    """
    folders = {folder.path: folder for folder in intake.folders.values()}
    found: list[Path] = []
    for path in inputs:
        folder = folders.get(path)
        found += [path] if folder is None else [path / CASE_FILE, *folder.files]
    return list(dict.fromkeys([*found, *filter(None, besides)]))


def _readable(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder: any of them may be one that its case.toml names."""
    yield from filter(Path.is_file, folder.iterdir())


def _hash(file: Path) -> str:
    """Return the hash of a regular file; anything else could block."""
    if not file.is_file():
        raise OSError
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()
