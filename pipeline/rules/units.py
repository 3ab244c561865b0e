"""Rules floor. Folds the many ways of writing one unit into one key."""

import re

_SAME = (
    ("µ", "u"),  # micro sign
    ("μ", "u"),  # Greek mu
    ("mc", "u"),  # mcg, mcmol
    ("[iu]", "u"),  # UCUM's international unit
    ("iu", "u"),
    ("ie", "u"),
    ("²", "2"),
    ("³", "3"),
    ("⁹", "^9"),
)
_ANNOTATION = re.compile(r"\{[^}]*\}")
_ENZYME_UNIT = re.compile(r"(?<![a-z])([kmu]?)e(?=/)")  # E/L, mE/L, kE/L: the Dutch "eenheid"


def fold_unit(text: str) -> str:
    """Return the key by which a unit is looked up: ``"mIE/L"``, ``"m[IU]/L"`` → ``"mu/l"``.

    Two units with one key are one unit; for which marker it counts, ``units.csv`` says.
    """
    folded = _ANNOTATION.sub("", "".join(text.split()).casefold())
    for written, same in _SAME:
        folded = folded.replace(written, same)
    return _ENZYME_UNIT.sub(r"\1u", folded).replace("[", "").replace("]", "")
