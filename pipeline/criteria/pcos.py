"""Middle floor. The criteria of PCOS (Rotterdam 2003): counted, never asserted."""

from collections.abc import Sequence

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Visits, any_of, certain, first_known, ruled_out, tristate
from pipeline.criteria.classified import (
    Classified,
    Definition,
    Where,
    count_known,
    first_that_holds,
)
from pipeline.criteria.questions import on_any

_ANDROGENS = ("testosterone_total", "androstenedione", "dheas")
_STATED = ("cycle", "cycle_length_days", "hirsutism", "polycystic_ovaries")
_EXCLUSIONS = ("tsh", "prolactin", "ohp17")
PCOS = Definition(
    id="pcos",
    source="S44;S45",
    sex="F",
    results=("counted",),
    inputs={
        "cycle": ("cycle", "cycle_length_days"),
        "hyperandrogenism": ("hirsutism", "testosterone_total", "hormonal_contraception_3m"),
        "ovaries": ("polycystic_ovaries",),
    },
    beside=("fai", "androstenedione", "dheas", "amh", "virilisation", "oestrogen_use", "oestrogen",
            "sex_hormone_therapy", "androgen", "lactating"),
    exclusions=_EXCLUSIONS,
    notes=("contraception", "contraception-unknown", "hormone-therapy", "adolescent",
           "menopause-possible", "lactation", "amh-used", "exclusion-outside"),
    limits=("pcos-cycle-short", "pcos-cycle-long", "fai-guideline-high", "pcos-adolescent",
            "pcos-menopause"),
)  # fmt: skip


def pcos(readings: Sequence[Visits]) -> Classified:
    """Return how many of three criteria are met, and which tests for other causes are known.

    A cycle counts where it is called irregular or absent, or is shorter than 21 or longer than 35
    days. Androgens are not read under hormonal contraception in the last three months (nor under
    sex hormones), and normal ones not where that is unknown. AMH above the laboratory's own limit
    stands in for ultrasound; neither counts in adolescents.
    """
    visits = readings[0]
    masked = _masked(visits)
    criteria = {
        "cycle": _cycle(visits, masked),
        "hyperandrogenism": _hyperandrogenism(visits, masked),
        "ovaries": _ovaries(visits),
    }
    exclusions = {name: _outside(visits, name) for name in _EXCLUSIONS}
    notes = {
        "exclusion-outside": np.any([certain(a) for a in exclusions.values()], axis=0),
        **_notes(visits, masked),
    }
    return Classified(
        definition=PCOS,
        result=first_that_holds(("counted", _is_woman(visits) & (count_known(criteria) > 0))),
        criteria=criteria,
        exclusions=exclusions,
        notes={note: where & _is_asked(visits) for note, where in notes.items()},
    )


def _is_asked(visits: Visits) -> Where:
    """Return where something is known of a criterion; the person's age alone asks nothing."""
    stated = [visits.is_stated(key) for key in _STATED]
    return np.any([*stated, visits.column("testosterone_total").known], axis=0) & _is_woman(visits)


def _is_woman(visits: Visits) -> Where:
    return np.asarray(visits.people.sex == "F", dtype=bool)


def _masked(visits: Visits) -> BooleanArray:
    """Return whether hormonal contraception or oestrogen hides cycle and androgens."""
    yes = on_any(visits, ("hormonal_contraception_3m", "oestrogen_use", "oestrogen"))
    return tristate(yes, yes | ~visits.yes("hormonal_contraception_3m").isna())


def _cycle(visits: Visits, masked: BooleanArray) -> BooleanArray:
    """Return whether the cycle is irregular; a regular one says nothing under the pill."""
    word, length = visits.word("cycle"), visits.number_column("cycle_length_days")
    called = tristate(np.isin(word, ("irregular", "absent")), word != "")
    counted = length.beyond("pcos-cycle-short") | length.beyond("pcos-cycle-long")
    yes = certain(called) | certain(counted)
    no = (ruled_out(called) | ruled_out(counted)) & ~certain(masked)
    return tristate(yes, (yes | no) & ~certain(visits.yes("lactating")))


def _hyperandrogenism(visits: Visits, masked: BooleanArray) -> BooleanArray:
    """Return whether there is hirsutism, virilisation, or a raised androgen."""
    hirsutism, virilised = visits.yes("hirsutism"), certain(visits.yes("virilisation"))
    clinical = tristate(certain(hirsutism) | virilised, ~hirsutism.isna() | virilised)
    raised = [visits.column(name).raised() for name in _ANDROGENS]
    raised.append(visits.column("fai").beyond("fai-guideline-high"))
    hidden = certain(masked) | _on_hormones(visits)
    yes = np.any([certain(answer) for answer in raised], axis=0) & ~hidden
    no = ruled_out(raised[0]) & ~yes & ruled_out(masked) & ~hidden
    return clinical | tristate(yes, yes | no)


def _ovaries(visits: Visits) -> BooleanArray:
    """Return what ultrasound, else AMH says; in adolescents nothing."""
    seen, amh = visits.yes("polycystic_ovaries"), visits.column("amh")
    high = amh.raised()
    by_amh = tristate(certain(high), amh.has_own_interval & ~high.isna())
    answer = first_known(seen, by_amh, ~seen.isna())
    return tristate(certain(answer), ~answer.isna() & ~_adolescent(visits))


def _outside(visits: Visits, name: str) -> BooleanArray:
    """Return whether a test for another cause lies outside its interval."""
    column = visits.column(name)
    return any_of([column.raised(), column.lowered()]) if name == "tsh" else column.raised()


def _adolescent(visits: Visits) -> Where:
    return certain(visits.number_column("age").beyond("pcos-adolescent"))


def _on_hormones(visits: Visits) -> Where:
    return on_any(visits, ("sex_hormone_therapy", "androgen"))


def _notes(visits: Visits, masked: BooleanArray) -> dict[str, Where]:
    amh = visits.column("amh")
    unseen = visits.yes("polycystic_ovaries").isna() & ~_adolescent(visits)
    old = certain(visits.number_column("age").beyond("pcos-menopause"))
    irregular = np.isin(visits.word("cycle"), ("irregular", "absent"))
    return {
        "contraception": certain(masked),
        "contraception-unknown": masked.isna() & visits.column("testosterone_total").known,
        "hormone-therapy": _on_hormones(visits),
        "adolescent": _adolescent(visits),
        "menopause-possible": old & irregular,
        "lactation": certain(visits.yes("lactating")),
        "amh-used": unseen & amh.known & amh.has_own_interval,
    }
