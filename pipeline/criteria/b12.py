"""Middle floor. Vitamin B12 by the NHG-LESA (2018), with holotranscobalamin and MMA."""

from collections.abc import Sequence

import numpy as np

from pipeline.columns import Visits, certain, ruled_out
from pipeline.criteria.classified import Classified, Definition, Where, first_that_holds

B12 = Definition(
    id="b12",
    source="S49;S50",
    results=("deficient", "grey", "sufficient"),
    inputs={"": ("b12", "holotc", "mma_serum")},
    beside=("egfr", "biotin_last_72h"),
    notes=("ask-mma", "mma-settles", "mma-kidney", "medlon", "medlon-possible", "biotin"),
    limits=(
        "sf-18-b12",
        "b12-grey",
        "sf-18-holotc",
        "holotc-grey",
        "holotc-medlon",
        "holotc-sufficient",
        "sf-14-egfr-60",
    ),
    in_pregnancy=True,
)


def b12(readings: Sequence[Visits]) -> Classified:
    """Return whether vitamin B12 is deficient, in the grey zone or sufficient.

    Total B12 under 150 pmol/L, or active B12 (holotranscobalamin) under 20, is deficient; up to 250
    and to 45 is grey, which asks for methylmalonic acid. Raised, that makes it deficient; normal,
    it makes a grey zone sufficient. With an eGFR under 60 it rises by itself and settles nothing.
    A total B12 that biotin may have raised does not make it sufficient.
    """
    visits = readings[0]
    low, grey = _low(visits), _grey(visits)
    mma, kidney = visits.column("mma_serum"), _kidney(visits)
    raised = certain(mma.raised()) & ~kidney
    normal = ruled_out(mma.raised()) & mma.has_interval & ~kidney
    settled = grey & ~low & normal
    biotin = certain(visits.yes("biotin_last_72h")) & visits.column("b12").known
    enough = (_enough(visits, but=biotin) & ~grey) | settled
    result = first_that_holds(("deficient", low | raised), ("sufficient", enough), ("grey", grey))
    return Classified(
        definition=B12,
        result=result,
        notes={
            "ask-mma": (result == "grey") & ~mma.known,
            "mma-settles": (raised & ~low) | settled,
            "mma-kidney": mma.known & kidney,
            **_between_laboratories(visits, result == "grey"),
            "biotin": biotin,
        },
    )


def _low(visits: Visits) -> Where:
    total, active = visits.column("b12"), visits.column("holotc")
    return certain(total.beyond("sf-18-b12")) | certain(active.beyond("sf-18-holotc"))


def _grey(visits: Visits) -> Where:
    """Return where one of both is neither surely low nor surely enough."""
    total, active = visits.column("b12"), visits.column("holotc")
    unsure = total.known & ~ruled_out(total.beyond("b12-grey"))
    return unsure | (active.known & ~certain(active.beyond("holotc-sufficient")))


def _enough(visits: Visits, *, but: Where) -> Where:
    """Return where one of both is surely enough; total B12 not where ``but`` holds."""
    total, active = visits.column("b12"), visits.column("holotc")
    by_total = ruled_out(total.beyond("b12-grey")) & ~but
    return np.asarray(by_total | certain(active.beyond("holotc-sufficient")))


def _between_laboratories(visits: Visits, grey: Where) -> dict[str, Where]:
    """Return where the NHG and Medlon place the active B12 of a grey zone apart."""
    active = visits.column("holotc")
    above = ruled_out(active.beyond("holotc-grey")) & ~certain(active.beyond("holotc-sufficient"))
    return {
        "medlon": grey & certain(active.beyond("holotc-medlon")),
        "medlon-possible": grey & above,
    }


def _kidney(visits: Visits) -> Where:
    return certain(visits.column("egfr").beyond("sf-14-egfr-60"))
