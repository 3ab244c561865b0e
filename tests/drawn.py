"""Tables as they are drawn in a test, so that its input can be read at a glance."""

import pandas as pd


def table(drawing: str) -> pd.DataFrame:
    """Return the drawn rows as text: a line a row, cells parted by ``|``, first the columns.

    An empty cell is ``""``; nothing is converted. Blank lines are left out.
    """
    lines = [line for line in drawing.splitlines() if line.strip()]
    columns, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"expected {len(columns)} cells in the drawn row {row}")
    return pd.DataFrame(rows, columns=columns, dtype="str")
