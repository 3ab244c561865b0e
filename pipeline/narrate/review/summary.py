"""Middle floor. Page one of a review: how many people, how they are, and what moved."""

from collections.abc import Iterator

from pipeline.narrate.review.printed import Printed, section
from pipeline.story import Bullets, Paragraph, Section, Sentence

_FEW = 6  # markers named in one sentence


def summary(printed: Printed) -> Section:
    """Return what a reader must know who reads nothing else."""
    who = printed.review["who"]
    lead = printed.language.text(
        "review.summary.seen",
        period=printed.period,
        seen=printed.count(who["seen"]),
        first=printed.count(who["flow"]["first"]),
        again=printed.count(who["flow"]["again"]),
    )
    items = tuple(Sentence(text=text) for text in _items(printed))
    return section(
        printed,
        "summary",
        Paragraph(sentences=(Sentence(text=lead),), style="lead"),
        Bullets(items=items) if items else None,
        printed.note("summary.limit", limit=printed.review["limit"]),
    )


def _items(printed: Printed) -> Iterator[str]:
    say, short = printed.language.text, printed.language.short
    for phase in printed.review["how"]["phases"]:
        if phase["share"] is not None and phase["phase"] != "indeterminate":
            yield say(
                "review.summary.phase",
                phase=say(f"review.phases.{phase['phase']}"),
                people=printed.count(phase["n"]),
                share=printed.share(phase["share"]),
            )
    moved = printed.review["course"]["markers"]
    for way in ("up", "down"):
        names = [short(one["marker"]) for one in moved if one["moved"] == way][:_FEW]
        if names:
            yield say(f"review.summary.{way}", markers=names)
    if not any(one["moved"] in ("up", "down") for one in moved):
        key = "none_moved" if any(one["moved"] for one in moved) else "not_known_whether_moved"
        yield say(f"review.summary.{key}")
    aside = sum(one["set_aside"] for one in printed.review["quality"]["laboratories"])
    rows = sum(one["rows"] for one in printed.review["quality"]["laboratories"])
    if rows:
        yield say("review.summary.rows", rows=rows, aside=aside)
