"""What published definitions make of a visit: criteria met, known and missing."""

from typing import Any

import pytest
from clinic import case, judged, lab

from pipeline.criteria import apply_criteria


@pytest.mark.parametrize(
    ("values", "context", "met", "known"),
    [
        ({"glucose_fasting": 5.0}, {}, 0, 1),
        ({"glucose_fasting": 5.0}, {"medication": ["A10BA02"]}, 1, 1),
        ({"glucose_fasting": 5.0}, {"glucose_drug": "yes"}, 1, 1),
        ({"sbp": 120}, {}, 0, 0),
        ({"sbp": 135}, {}, 1, 1),
        ({"dbp": 80}, {}, 0, 0),
        ({"sbp": 120, "dbp": 80}, {}, 0, 1),
        ({"sbp": 120}, {"bp_drug": "yes"}, 1, 1),
        ({"sbp": 120}, {"bp_drug": "no"}, 0, 0),
    ],
)
def test_a_criterion_of_the_metabolic_syndrome_counts_only_where_it_is_known(
    values: dict[str, Any], context: dict[str, Any], met: int, known: int
) -> None:
    found = apply_criteria(judged(case(lab(values), context=context)).readings)
    syndrome = found["metabolic_syndrome"]
    assert [int(syndrome.met[0]), int(syndrome.known[0])] == [met, known]
