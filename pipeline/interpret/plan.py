"""Order floor. The plan as of the last visit of one case, from what every room found of it."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import tristate
from pipeline.criteria import Classified
from pipeline.interpret.columns import Judged
from pipeline.interpret.findings import rows_of
from pipeline.interpret.safety import Pair
from pipeline.model import Genotype, PlanItem
from pipeline.plan import Found, Planned, make_plan

_LEVELS = ("reactive_hypoglycaemia", "nonreactive_hypoglycaemia")
_MTHFR = "rs1801133"
_BOTH_ALLELES = 2
_MEASURED = {"N6": ("weight", "height", "egfr", "urine_acr"), "D2-weight": ("weight",)}


def plan_items(
    pair: Pair, criteria: Mapping[str, Classified], genotypes: Sequence[Genotype]
) -> tuple[PlanItem, ...]:
    """Return the advice that is called for at the last visit, what is withheld included.

    A flag that rests on a doubtful value withholds as one that does not.
    """
    if not len(pair.judged.visits):
        return ()
    planned = plan_columns(pair, criteria, genotypes)
    return tuple(_item(pair.judged, one) for one in planned if one.called[-1])


def plan_columns(
    pair: Pair, criteria: Mapping[str, Classified], genotypes: Sequence[Genotype] = ()
) -> tuple[Planned, ...]:
    """Return every piece of advice at every visit, of one person or of many.

    ``genotypes`` are of one person.
    """
    judged = pair.judged
    phases = judged.phases
    phase_of = {row.rule: row.phase for row in judged.visits.rules.phases}
    found = Found(
        phase=np.array([phase_of.get(rule, "") for rule in phases.rule], dtype=object),
        rule=phases.rule,
        i_class=phases.classes.i,
        open_flags=_open_flags(pair),
        levels={name: criteria[name].result for name in _LEVELS if name in criteria},
        mthfr_aa=_mthfr_aa(genotypes, len(judged.visits)),
    )
    return make_plan(judged.visits, found)


def _open_flags(pair: Pair) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return where each flag is open, by one of its branches."""
    found: dict[str, np.ndarray[Any, np.dtype[np.bool_]]] = {}
    branches = (judged.flags.open.items() for judged in (pair.judged, pair.doubtful))
    for (flag, _), where in chain.from_iterable(branches):
        found[flag] = found.get(flag, np.False_) | where
    return found


def _mthfr_aa(genotypes: Sequence[Genotype], count: int) -> BooleanArray:
    copies = [one.copies for one in genotypes if one.stated.rsid == _MTHFR]
    known = [number for number in copies if number is not None]
    yes = np.full(count, _BOTH_ALLELES in known)
    return tristate(yes, np.full(count, bool(known)))


def _item(judged: Judged, one: Planned) -> PlanItem:
    because = _words(one.because)
    names = (*because, *_MEASURED.get(one.advice.id, ()))
    markers = (name for name in names if name in judged.visits.rules.markers)
    rows = (row for name in markers for row in rows_of(judged.visits, name, -1))
    return PlanItem(
        id=one.advice.id,
        grade=one.advice.grade,
        because=because,
        changed_by=_words(one.changed),
        withheld_by=_words(one.withheld),
        ask_first=_words(one.ask_first),
        amounts={name: float(x[-1]) for name, x in one.amounts.items() if not np.isnan(x[-1])},
        rows=tuple(dict.fromkeys(rows)),
    )


def _words(found: Mapping[str, np.ndarray[Any, Any]]) -> tuple[str, ...]:
    """Return the words that hold at the last visit."""
    return tuple(str(word) for word, where in found.items() if where[-1])
