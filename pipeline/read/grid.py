"""Middle floor. A sheet as text: the rows of a workbook or delimited file, without blank ones."""

from dataclasses import dataclass


class Number(str):
    """A number that a workbook stores as a number: its decimal mark is a point, certainly."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Records of cells, all text, each with its line in the file."""

    name: str  # of the sheet, "" in a text file
    lines: list[int]
    records: list[list[str]]
    even: bool = False  # whether records end where their last cell does, as in a workbook


def cell_address(column: int, line: int) -> str:
    """Return the address of a cell as spreadsheets write it: column 0 of line 12 is "A12"."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{line}"
