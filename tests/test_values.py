"""How a value is printed."""

import pytest
from clinic import RULES, case, lab, only_visit

from pipeline.interpret import interpret
from pipeline.language import NO_BREAK_SPACE, Language
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import number_of, value_of


@pytest.mark.parametrize(("insulin", "printed"), [("29.9", "399"), ("30", "400"), ("60", "> 400")])
def test_homa_b_is_printed_as_at_most_more_than_400_per_cent(insulin: str, printed: str) -> None:
    """At a glucose of 5.0 HOMA-%B is 13.33 times insulin."""
    interpretation = interpret(
        case(lab({"glucose_fasting": "5.0", "insulin_fasting": insulin})), RULES
    )
    telling = Telling(interpretation=interpretation, language=Language.load("en"), rules=RULES)
    visit = only_visit(interpretation)
    finding = finding_of(visit, "homa_b")
    assert finding is not None
    assert number_of(telling, finding).replace(NO_BREAK_SPACE, " ") == printed
    assert value_of(telling, visit, finding).replace(NO_BREAK_SPACE, " ") == f"{printed} %"
