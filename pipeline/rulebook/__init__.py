"""Order floor. Whether the rules agree with themselves, and what is known of one of them in words.

``check_rules`` returns each fault as a sentence; ``explain`` prints a fact with its source, for a
clinician to read.
"""

from pipeline.rulebook.bands import BAND_CHECKS
from pipeline.rulebook.explain import explain, list_rules
from pipeline.rulebook.facts import FACT_CHECKS
from pipeline.rulebook.told import TEXT_CHECKS
from pipeline.rules import Rules, load_rules

__all__ = ["check_rules", "explain", "list_rules"]


def check_rules(rules: Rules | None = None) -> list[str]:
    """Return every fault of the rules as a sentence; none where they agree with themselves."""
    rules = rules or load_rules()
    checks = (*FACT_CHECKS, *BAND_CHECKS, *TEXT_CHECKS)
    return [fault for check in checks for fault in check(rules)]
