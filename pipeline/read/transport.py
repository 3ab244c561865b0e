"""Middle floor. Reads a SAS transport file (XPT), in which research puts its tables, as text."""

from io import BytesIO

import numpy as np
import pandas as pd

from pipeline.errors import LabFileError
from pipeline.read.grid import Grid, Number

_TINY = 1e-70  # a zero that SAS stores reads as 5.4e-79


def read_transport(content: bytes, *, name: str) -> Grid:
    """Return the table of a transport file: its names as the first record, then a line each.

    Raises LabFileError where it is damaged, or holds no table.
    """
    try:
        table = pd.read_sas(BytesIO(content), format="xport", encoding="latin-1")
    except Exception as failure:  # whatever pandas' reader meets
        kind = type(failure).__name__
        raise LabFileError(f"Unable to read '{name}': it is damaged ({kind}).") from None
    records = [[_text(cell) for cell in row] for row in table.itertuples(index=False, name=None)]
    header = [str(column) for column in table.columns]
    return Grid(name="", lines=list(range(len(records) + 1)), records=[header, *records], even=True)


def _text(cell: object) -> str:
    if isinstance(cell, float):
        if not np.isfinite(cell):
            return ""
        return Number(np.format_float_positional(0.0 if abs(cell) < _TINY else cell, trim="-"))
    return "" if pd.isna(cell) else str(cell)
