"""Middle floor. The hard words of a client's report, explained where the report uses them."""

import re
from collections.abc import Callable, Iterator

from pipeline.language import capitalised
from pipeline.narrate.client.around import unknown
from pipeline.narrate.client.changes import changes
from pipeline.narrate.client.load_test import load_test
from pipeline.narrate.client.plan import plan
from pipeline.narrate.client.results import results
from pipeline.narrate.client.sources import sources
from pipeline.narrate.client.summary import summary
from pipeline.narrate.genotype import client_genotypes
from pipeline.narrate.provenance import sentences_of
from pipeline.narrate.telling import Telling
from pipeline.story import Bullets, Section, Sentence

_READ: tuple[Callable[[Telling], Section], ...] = (
    summary,
    changes,
    results,
    load_test,
    plan,
    client_genotypes,
    unknown,
    sources,
)


def glossary(telling: Telling) -> Section:
    """Return each word that the other sections use and that needs explaining."""
    read = " ".join(one.text for tell in _READ for one in sentences_of(telling.section(tell)))
    items = tuple(_explained(telling, read))
    title = telling.language.text("client.sections.glossary")
    return Section(id="glossary", title=title, blocks=(Bullets(items=items),) if items else ())


def _explained(telling: Telling, read: str) -> Iterator[Sentence]:
    """Yield the words that stand in a text; an abbreviation only in its own capitals."""
    for word in telling.language.keys("client.glossary"):
        term = telling.language.text(f"client.glossary.{word}.term")
        if _stands_in(term, read):
            meaning = telling.language.text(f"client.glossary.{word}.meaning")
            yield telling.say("client.term", term=capitalised(term), meaning=meaning)


def _stands_in(term: str, read: str) -> bool:
    """Return whether a word of a text begins with a term: not "diabetes" in "prediabetes"."""
    text = read if term.isupper() else read.casefold()
    return re.search(rf"(?<!\w){re.escape(term)}", text) is not None
