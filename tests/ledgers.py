"""Made-up runs of any size, as a run tells them: what was made, what was not, and of whom."""

import datetime as dt
from pathlib import Path

from pipeline.model import Urgency
from pipeline.publish.in_short import CaseInShort, FlagInShort
from pipeline.publish.ledger import Failure, Ledger, Made, Order

PHASES = (
    ("insulin_sensitive", ()),
    ("compensation", ("established",)),
    ("compensation", ("early_signal", "confidence_low")),
    ("decompensation_prediabetes", ("provisional",)),
    ("decompensation_t2d", ("confirmed_ada", "steroid")),
    ("indeterminate", ("missing_insulin", "ada_only")),
)
FLAGS = (
    (),
    (FlagInShort(id="SF-12", urgency=Urgency.ROUTINE),),
    (FlagInShort(id="SF-23", urgency=Urgency.BANNER),),
    (
        FlagInShort(id="SF-06", urgency=Urgency.URGENT),
        FlagInShort(id="SF-22", urgency=Urgency.ROUTINE),
    ),
    (
        FlagInShort(id="SF-13", urgency=Urgency.EMERGENCY, if_correct=True),
        FlagInShort(id="SF-08", urgency=Urgency.URGENT),
        FlagInShort(id="SF-18", urgency=Urgency.ROUTINE),
    ),
)


def order_of(**asked: object) -> Order:
    """Return what was asked for; ``asked`` takes the place of what usually is."""
    usual = {"kind": "case_study", "inputs": (Path("lab results.csv"),), "out": Path("out")}
    return Order(**(usual | {"as_of": dt.date(2025, 10, 1)} | asked))  # type: ignore[arg-type]


def ledger_of(
    people: int, *, failed: int = 0, refused: int = 0, order: Order | None = None
) -> Ledger:
    """Return a run of many people, of whom the last few were not made and others were refused."""
    order = order or order_of()
    width = len(str(people))
    cases = tuple(f"case-{number:0{width}}" for number in range(1, people + 1))
    lost = cases[people - failed :]
    return Ledger(
        order=order,
        cases=cases,
        read={},
        rows={"read": 21 * people, "accepted": 20 * people, "set_aside": people},
        made=tuple(
            made(case, language, order)
            for case in cases
            for language in order.languages
            if case not in lost
        ),
        failures=tuple(failure(case, order.languages[-1]) for case in lost),
        without_rows=tuple(f"none-{number}" for number in range(refused)),
        in_short={case: in_short(n) for n, case in enumerate(cases) if case not in lost},
        set_aside={case: n % 4 for n, case in enumerate(cases) if n % 4},
    )


def in_short(number: int) -> CaseInShort:
    """Return what is known of one of many: they take turns in all that may be."""
    phase, qualifiers = PHASES[number % len(PHASES)]
    return CaseInShort(
        phase=phase,
        qualifiers=qualifiers,
        flags=FLAGS[number % 11] if number % 11 < len(FLAGS) else (),
        visits=1 + number % 5,
        last_visit=(dt.date(2025, 1, 1) + dt.timedelta(days=number % 200)).isoformat(),
    )


def made(case_id: str, language: str, order: Order) -> Made:
    """Return the report of a case in one language, in every ordered format."""
    names = [f"{case_id}/{order.kind}.{language}.{x}" for x in order.formats if x != "json"]
    names += [f"{case_id}/case.json"] * ("json" in order.formats)
    return Made(case_id=case_id, language=language, files=dict.fromkeys(names, "0" * 64))


def failure(case_id: str, language: str, **told: object) -> Failure:
    """Return a report that stopped in a cell."""
    usual = {
        "notebook": "case_study.ipynb",
        "cell": "summary",
        "cause": "A cell stopped with KeyError.",
        "partial": f".failed/{case_id}/case_study.{language}.ipynb",
        "exit_code": 4,
    }
    return Failure(case_id=case_id, language=language, **(usual | told))  # type: ignore[arg-type]
