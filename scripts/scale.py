"""Judges many made people once, or only pivots their rows; prints what it took, as JSON.

One size a process, so that the peak of memory is that size's own: ``scale.py judge 1000``.
"""

import datetime as dt
import json
import resource
import sys
import time
from collections.abc import Callable

from made_cohort import Cohort, draw_cohort

from pipeline.interpret import interpret_columns
from pipeline.rules import load_rules

AS_OF = dt.date(2025, 10, 1)
KIB = 1024


def judge(cohort: Cohort) -> object:
    """Return all that is judged of the cohort, as columns."""
    return interpret_columns(
        cohort.rows, cohort.people, cohort.stated, as_of=AS_OF, rules=load_rules()
    )


def pivot(cohort: Cohort) -> object:
    """Return the least one could do: a table a visit, HOMA-IR, and five comparisons."""
    wide = cohort.rows.pivot_table(
        index=["case_id", "collected_at"],
        columns="marker",
        values="low",
        aggfunc="last",
        observed=True,
    )
    wide["homa_ir"] = wide["glucose_fasting"] * wide["insulin_fasting"] / 22.5
    wide["tg_hdl_molar"] = wide["triglycerides"] / wide["hdl"]
    names = ("g3-fpg", "g3-hba1c", "i1-homa", "i2-homa", "tg-hdl-raised")
    limits = (limit for name in names for limit in load_rules().limits_named(name))
    return {limit.id: wide[limit.marker] >= limit.value for limit in limits}


WORK: dict[str, Callable[[Cohort], object]] = {"judge": judge, "pivot": pivot}


def main(what: str, people: str) -> None:
    """Do it once, and print the seconds and the peak of memory [bytes], the cohort's own too."""
    cohort = draw_cohort(int(people))
    load_rules()
    start = time.perf_counter()
    kept = WORK[what](cohort)
    seconds = time.perf_counter() - start
    del kept
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    print(json.dumps({"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
