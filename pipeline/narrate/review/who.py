"""Middle floor. Who was seen: the flow of people, age and sex, groups, and what is missing."""

from collections.abc import Iterator

from pipeline.narrate.review.printed import Printed, one_group, section, table
from pipeline.story import Paragraph, Row, Section

_STEPS = ("in_store", "not_seen", "without_result", "seen", "first", "again")
_TOTAL, _SEXES = "total", ("F", "M")


def who(printed: Printed) -> Section:
    """Return the people of the period; the picture of their flow is added by the notebook."""
    return section(
        printed,
        "who",
        table(printed, "flow", ("step", "people"), one_group(_flow(printed))),
        table(printed, "ages", ("age", "women", "men"), one_group(_ages(printed))),
        _age_note(printed),
        table(printed, "labels", ("label", "people"), one_group(_labels(printed))),
        printed.note("who.suppressed", limit=printed.review["limit"]),
    )


def _flow(printed: Printed) -> Iterator[Row]:
    flow = printed.review["who"]["flow"]
    for step in _STEPS:
        name = printed.language.text(f"review.steps.{step}")
        yield Row(cells=(name, printed.count(flow[step])))


def _ages(printed: Printed) -> Iterator[Row]:
    counts = printed.review["who"]["by_age_and_sex"]
    bands = dict.fromkeys(key.partition("/")[0] for key in counts)
    for band in [*(one for one in bands if one != _TOTAL), _TOTAL]:
        cells = [printed.count(counts[f"{band}/{sex}"]) for sex in _SEXES]
        yield Row(cells=(_band(printed, band), *cells))


def _band(printed: Printed, band: str) -> str:
    if band in (_TOTAL, "unknown"):
        return printed.language.text(f"review.bands.{band}")
    return band.replace("-", "–")


def _age_note(printed: Printed) -> Paragraph | None:
    if (ages := printed.review["who"]["age"]) is None:
        return None
    low, middle, high = (printed.language.number(one, 0) for one in ages)
    return printed.note("who.age", low=low, middle=middle, high=high)


def _labels(printed: Printed) -> Iterator[Row]:
    for label, count in printed.review["who"]["labels"].items():
        if label != _TOTAL:
            name = printed.language.text("review.bands.unknown") if label == "unknown" else label
            yield Row(cells=(name, printed.count(count)))
