"""Middle floor. Stated genotypes in words: what was reported, and what may be said of it."""

from pipeline.model import Genotype
from pipeline.narrate.telling import Telling
from pipeline.story import (
    Block,
    Bullets,
    Column,
    Paragraph,
    Row,
    RowGroup,
    Section,
    Sentence,
    Table,
)

_COLUMNS = ("gene", "variant", "reported", "plus", "copies", "evidence")
_NOTHING = "–"


def genotypes(telling: Telling) -> Section:
    """Return the genotypes as a table, then what each means and what must be said beside it."""
    stated = telling.interpretation.genotypes
    blocks: tuple[Block, ...] = ()
    if stated:
        blocks = (
            Paragraph(sentences=(telling.say("genotypes.lead"),)),
            _table(telling, stated),
            Bullets(items=(*(_meaning(telling, one) for one in stated), *_notes(telling, stated))),
            Paragraph(sentences=(telling.say("genotypes.assays"),), style="note"),
        )
    title = telling.language.text("report.sections.genotypes")
    return Section(id="genotypes", title=title, blocks=blocks)


def client_genotypes(telling: Telling) -> Section:
    """Return the genotypes of the panel for the client, one short sentence each."""
    stated = [one for one in telling.interpretation.genotypes if one.gene]
    blocks: tuple[Block, ...] = ()
    if stated:
        blocks = (
            Paragraph(sentences=(telling.say("genotypes.client.lead"),)),
            Bullets(items=tuple(_to_client(telling, one) for one in stated)),
            Paragraph(sentences=(telling.say("genotypes.client.assays"),), style="note"),
        )
    title = telling.language.text("genotypes.client.title")
    return Section(id="genotypes", title=title, blocks=blocks)


def _table(telling: Telling, stated: tuple[Genotype, ...]) -> Table:
    language = telling.language
    return Table(
        caption=language.text("genotypes.caption"),
        columns=tuple(Column(label=language.text(f"genotypes.columns.{one}")) for one in _COLUMNS),
        groups=(RowGroup(title="", rows=tuple(_row(telling, one) for one in stated)),),
    )


def _row(telling: Telling, one: Genotype) -> Row:
    language, stated = telling.language, one.stated
    reported = language.text(f"genotypes.strands.{stated.strand or 'unknown'}", call=stated.call)
    evidence = language.text(f"genotypes.evidence.{one.evidence}") if one.evidence else _NOTHING
    return Row(
        cells=(
            one.gene or stated.rsid,
            f"{one.variant}, {stated.rsid}" if one.variant else _NOTHING,
            f"{reported}, {stated.assay}" if stated.assay else reported,
            _plus(telling, one),
            _NOTHING if one.copies is None else language.number(one.copies, 0),
            evidence,
        )
    )


def _plus(telling: Telling, one: Genotype) -> str:
    """Return the letters of the plus strand, beside them those of papers where they differ."""
    if one.plus is None:
        return _NOTHING
    papers = telling.rules.genotypes[one.stated.rsid].in_papers(one.plus)
    if papers == one.plus:
        return one.plus
    return telling.language.text("genotypes.papers", plus=one.plus, papers=papers)


def _meaning(telling: Telling, one: Genotype) -> Sentence:
    if not one.gene:
        return telling.say("genotypes.not_in_panel", rsid=one.stated.rsid)
    return _said(telling, one, "genotypes")


def _to_client(telling: Telling, one: Genotype) -> Sentence:
    return _said(telling, one, "genotypes.client")


def _said(telling: Telling, one: Genotype, owner: str) -> Sentence:
    """Return how many copies there are and what they do, or why that cannot be said."""
    rsid, language = one.stated.rsid, telling.language
    if one.copies is None or one.plus is None:
        return telling.say(
            f"{owner}.not_counted",
            by=(rsid,),
            gene=one.gene,
            variant=one.variant,
            rsid=rsid,
            reason=language.text(f"genotypes.reasons.{one.reason}"),
        )
    return telling.say(
        f"{owner}.counted",
        by=(rsid,),
        gene=one.gene,
        variant=one.variant,
        rsid=rsid,
        copies=one.copies,
        of=len(one.plus),
        allele=one.effect_allele,
        effect=language.text(f"{owner}.effects.{rsid}"),
    )


def _notes(telling: Telling, stated: tuple[Genotype, ...]) -> tuple[Sentence, ...]:
    """Return what must be said beside the variants, once each."""
    owners: dict[str, list[str]] = {}
    for one in stated:
        for note in one.notes:
            owners.setdefault(note, []).append(one.stated.rsid)
    notes = owners.items()
    return tuple(telling.say(f"genotypes.notes.{note}", by=tuple(rsids)) for note, rsids in notes)
