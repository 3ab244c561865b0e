"""Middle floor. Whether the mark a laboratory gave a value (H, L) is that of its own limits."""

import numpy as np
import pandas as pd

_HIGH = frozenset(
    ["h", "hh", "hu", ">", ">>", "high", "hoog", "verhoogd", "critical-high", "↑", "↑↑"]
)
_LOW = frozenset(["l", "ll", "lu", "<", "<<", "low", "laag", "verlaagd", "critical-low", "↓", "↓↓"])
_NORMAL = frozenset(["n", "nl", "normal", "normaal"])
_ABNORMAL = frozenset(["a", "aa", "*", "**", "!", "abnormal", "afwijkend"])


def flag_reading(rows: pd.DataFrame) -> np.ndarray:
    """Return "differs" where value and printed limits contradict the laboratory's mark, else "".

    A mark stands in its own column or behind the number. A word that is no mark says nothing, and
    so does a mark without limits beside it. The value is judged anew whatever its mark says.
    """
    text = rows["flag"].where(rows["flag"].str.strip() != "", rows["value_flag"])
    said = text.str.strip().str.casefold()
    high = (rows["low"] > rows["ref_high"]).to_numpy()
    low = (rows["high"] < rows["ref_low"]).to_numpy()
    may_be_high = ~(rows["high"] <= rows["ref_high"]).to_numpy() & rows["ref_high"].notna()
    may_be_low = ~(rows["low"] >= rows["ref_low"]).to_numpy() & rows["ref_low"].notna()
    has_limits = rows[["ref_low", "ref_high"]].notna().any(axis="columns")
    wrong = (
        (said.isin(_HIGH) & ~may_be_high)
        | (said.isin(_LOW) & ~may_be_low)
        | (said.isin(_NORMAL) & (high | low))
        | (said.isin(_ABNORMAL) & ~(may_be_high | may_be_low))
    )
    return np.where(wrong & has_limits & rows["low"].notna(), "differs", "")
