"""Middle floor. How a review was made, and what it does not tell."""

from pipeline.narrate.review.printed import Printed, section
from pipeline.story import Bullets, Section, Sentence

_POINTS = ("values", "limits", "pairs", "chance", "suppression", "quartiles", "population")
_OF_REFERENCE = "reference"


def methods(printed: Printed) -> Section:
    """Return how each kind of number was made."""
    fields = {
        "limit": printed.review["limit"],
        "twice": 2 * printed.review["limit"],
        "version": printed.review["versions"]["casereport"],
    }
    points = (*_POINTS, *([_OF_REFERENCE] if _OF_REFERENCE in printed.review["how"] else ()))
    items = tuple(
        Sentence(text=printed.language.text(f"review.methods.{point}", **fields))
        for point in points
    )
    return section(printed, "methods", Bullets(items=items))
