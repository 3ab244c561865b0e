"""Middle floor. Gives the rows of a table as plain dictionaries."""

from typing import Any

import pandas as pd


def records_of(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each row by the names of its columns.

    pandas' own ``to_dict("records")`` takes three times as long for the few rows of one case.
    """
    names = [str(name) for name in rows.columns]
    columns = (rows[name].tolist() for name in rows.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
