"""Middle floor. The words by which laboratories answer where they give no number."""

import re

_WORDS = frozenset(
    {
        *("negative", "negatief", "negatieve", "neg", "absent", "afwezig"),
        *("not detected", "undetected", "niet aantoonbaar", "niet aangetoond"),
        *("nonreactive", "non-reactive", "non reactive", "niet-reactief", "niet reactief"),
        *("positive", "positief", "positieve", "pos", "present", "aanwezig"),
        *("detected", "aantoonbaar", "aangetoond", "reactive", "reactief"),
        *("weakly positive", "zwak positief", "trace", "spoor", "sporen"),
        *("normal", "normaal", "abnormal", "afwijkend"),
        *("equivocal", "indeterminate", "inconclusive", "borderline", "dubieus"),
    }
)
_SIGNS = re.compile(r"\(?[0-9]?\s?\+{1,4}\)?|[+-]{1,4}|\+/-|±")
_REMARK = re.compile(r"\s*\([^()+]*\)\Z")  # SNOMED's "Positive (qualifier value)"


def is_qualitative(text: str) -> bool:
    """Return whether a text is a laboratory's yes or no: "neg", "aangetoond", "2+"."""
    word = _REMARK.sub("", " ".join(text.split())).casefold().removesuffix(".")
    return word in _WORDS or _SIGNS.fullmatch(word) is not None
