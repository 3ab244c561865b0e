"""Middle floor. Tells the review of a period to the practice: who, how, change, course, quality."""

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.language import Language
from pipeline.narrate.review.change import change
from pipeline.narrate.review.course import course
from pipeline.narrate.review.how import how
from pipeline.narrate.review.methods import methods
from pipeline.narrate.review.printed import Printed
from pipeline.narrate.review.quality import quality
from pipeline.narrate.review.summary import summary
from pipeline.narrate.review.who import who
from pipeline.rules import load_rules
from pipeline.story import Facts, Section, Story

__all__ = ["narrate_review"]

_SECTIONS: tuple[Callable[[Printed], Section], ...] = (
    summary,
    who,
    how,
    change,
    course,
    quality,
    methods,
)


def narrate_review(review: Mapping[str, Any], language: str) -> Story:
    """Return a review (``cohort.json``) told in a language; sections without data are left out.

    Raises RulesError where the language has no text for something that it needs said.
    """
    printed = Printed(review=review, language=Language.load(language), rules=load_rules())
    sections = (tell(printed) for tell in _SECTIONS)
    say = printed.language.text
    return Story(
        title=say("review.title", period=printed.period),
        language=language,
        facts=Facts(
            pairs=(
                (say("review.facts.period"), printed.dates),
                (say("review.facts.seen"), printed.count(review["who"]["seen"])),
                (say("review.facts.as_of"), printed.day(review["as_of"])),
            )
        ),
        sections=tuple(section for section in sections if not section.is_empty()),
    )
