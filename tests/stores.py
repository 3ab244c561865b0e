"""The store of a practice that is made up."""

from pathlib import Path

from made_practice import EFFECT, LAST_DAY, draw_practice, write_practice

from pipeline.intake import take_in
from pipeline.intake.stored import keep
from pipeline.publish.inputs import hashes_of
from pipeline.rules import load_rules
from pipeline.store import open_to_write

AS_OF = LAST_DAY.astype(object)


def store_of(folder: Path, *, people: int, seed: int = 7, effect: float = EFFECT) -> Path:
    """Return the store of a practice that is made up."""
    write_practice(draw_practice(people, seed=seed, effect=effect), folder)
    return stored(folder, sorted(folder.glob("lab_*.csv")), people=folder / "people.csv")


def stored(folder: Path, files: list[Path], *, people: Path | None = None) -> Path:
    """Add files to the store of a folder, and return where it is."""
    store, rules = folder / "practice.duckdb", load_rules()
    intake = take_in(files, as_of=AS_OF, rules=rules, people=people)
    with open_to_write(store) as opened:
        keep(intake, opened, hashes=hashes_of(files), rules=rules)
    return store
