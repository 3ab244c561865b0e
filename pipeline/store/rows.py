"""Middle floor. The columns in which rows go into the store and come out of it."""

from pipeline.model import ACCEPTED_COLUMNS

READ = ("case_id", "sample_id", "collected_at", "analyte", "value", "unit")
# How a row stands by itself, and what others make of it; see migrations/0001_what_came_in.sql.
STANDING = ("reasons", "repetition", "version", "comparable", "likely_unit", "column_evidence")
CANONICAL = tuple(name for name in ACCEPTED_COLUMNS if name != "row")
COLUMNS = (
    *("row", "line", *(f"read_{name}" for name in READ)),
    *("issued", "owner", *STANDING, "day", *CANONICAL),
)
NUMBERED = ("run", "file", "result", "review", "tombstone")  # tables in the order of their ids
# By which two rows of one result are told apart from two results.
RESULT = ("case_id", "sample_id", "marker", "collected_at")
_PLACE = ("row", "line")
_OF_OTHERS = ("repetition",)
# What a row says, wherever it stands: two rows that agree in it are one row, read twice.
SAID = tuple(name for name in COLUMNS if name not in (*_PLACE, *_OF_OTHERS))


def quoted(names: tuple[str, ...], *, of: str = "") -> str:
    """Return column names as SQL wants them, each with the table's name before it."""
    before = f"{of}." if of else ""
    return ", ".join(f'{before}"{name}"' for name in names)


def sql_text(value: object) -> str:
    """Return a value as a text of SQL, where none can be given beside it: the place of a file."""
    return "'" + str(value).replace("'", "''") + "'"


def content_of() -> str:
    """Return the SQL of the hash of what a row says, the same in every version of DuckDB."""
    cells = ", ".join(f'coalesce("{name}"::VARCHAR, chr(30))' for name in SAID)
    return f"md5_number_lower(concat_ws(chr(31), {cells}))"
