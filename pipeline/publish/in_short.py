"""Publishing floor. What a run remembers of a case: ids, codes and counts, never a value or a name.

With thousands of cases this is all that stays of each result until the run page is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model import Urgency

_SUICIDAL = ("SF-25", "suicidal")  # goes before every other flag of its urgency, as in a report
_BY_URGENCY = tuple(Urgency)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagInShort:
    """A flag that is open: which, how urgent, and whether it rests on a value in doubt."""

    id: str
    urgency: Urgency
    if_correct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInShort:
    """A case as of its last visit: the phase there, the flags that are open, how many visits."""

    phase: str = ""  # its id; "" where there was no visit
    qualifiers: tuple[str, ...] = ()
    flags: tuple[FlagInShort, ...] = ()  # the most urgent first
    visits: int = 0
    last_visit: str = ""  # its date, ISO 8601

    @classmethod
    def from_record(cls, told: Mapping[str, Any]) -> "CaseInShort":
        """Return what ``dataclasses.asdict`` made of one. Raises ValueError where it is none."""
        flags = (FlagInShort(**one | {"urgency": Urgency(one["urgency"])}) for one in told["flags"])
        return cls(**{**told, "qualifiers": tuple(told["qualifiers"]), "flags": tuple(flags)})


def case_in_short(case: Mapping[str, Any]) -> CaseInShort:
    """Return what there is to remember of a ``case.json``; what it does not tell stays unknown."""
    visits = case["visits"]
    last = visits[-1] if visits else {}
    phase = last.get("phase", {})
    return CaseInShort(
        phase=phase.get("id", ""),
        qualifiers=tuple(phase.get("qualifiers", ())),
        flags=tuple(map(_flag, sorted(case.get("open_flags", ()), key=_place))),
        visits=len(visits),
        last_visit=last.get("date", ""),
    )


def _place(flag: Mapping[str, Any]) -> tuple[int, bool, str, bool]:
    """Return where an open flag stands among the others: in the order of the reports."""
    urgency = _BY_URGENCY.index(Urgency(flag["urgency"]))
    return urgency, not _is_suicidal(flag), flag["id"], flag["if_correct"]


def _is_suicidal(flag: Mapping[str, Any]) -> bool:
    """Return whether thoughts of suicide are what a flag rests on."""
    id, branch = _SUICIDAL
    return flag["id"] == id and any(branch in base["branches"] for base in flag["bases"])


def _flag(told: Mapping[str, Any]) -> FlagInShort:
    return FlagInShort(
        id=told["id"], urgency=Urgency(told["urgency"]), if_correct=told["if_correct"]
    )
