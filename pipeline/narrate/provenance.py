"""Middle floor. Says of every sentence of a told case what it rests on: rules, values and rows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pipeline.narrate.grounds import Ground, grounds_of, is_behind, limit_grounds
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import value_of
from pipeline.story import (
    Block,
    Bullets,
    Callout,
    Column,
    Paragraph,
    Result,
    Results,
    Row,
    RowGroup,
    Section,
    Sentence,
    Steps,
    Story,
    Table,
    Why,
)

_SHORT = 44  # characters of a statement that find it again
_Change = Callable[[Sentence], Sentence]


def with_provenance(telling: Telling, story: Story) -> Story:
    """Return the story with the grounds of each sentence in words, and what is unverified marked.

    The last section lists them: a page in print has nothing that opens. Behind it stands each
    unverified fact that decided something in this story.
    """
    explained = _mapped(story.sections, lambda sentence: _explained(telling, sentence))
    appendix = _appendix(telling, explained)
    return replace(story, sections=(*explained, *([] if appendix.is_empty() else [appendix])))


def sentences_of(section: Section) -> Iterator[Sentence]:
    """Yield every sentence of a section and of the parts below it, in reading order."""
    for block in section.blocks:
        yield from _sentences(block)
    for part in section.subsections:
        yield from sentences_of(part)


# What one sentence rests on.


def _explained(telling: Telling, sentence: Sentence) -> Sentence:
    grounds = grounds_of(telling, sentence)
    lines = (*_by_kind(telling, grounds, "unverified"), *_inputs(telling, sentence))
    if not lines:
        return sentence
    why = Why(label=telling.language.text("provenance.why"), lines=lines)
    return replace(sentence, why=why, unverified=not all(one.verified for one in grounds))


def _by_kind(telling: Telling, grounds: Iterable[Ground], mark: str) -> Iterator[str]:
    """Yield a line for each kind of ground; ``mark``: how what is not verified is marked."""
    kinds: dict[str, list[str]] = {}
    for one in grounds:
        key = "provenance.plain" if one.verified else f"provenance.{mark}"
        kinds.setdefault(one.kind, []).append(telling.language.text(key, text=one.text))
    for kind, told in kinds.items():
        name = telling.language.text(f"provenance.kinds.{kind}")
        yield telling.language.text("provenance.line", kind=name, items="; ".join(told))


def _inputs(telling: Telling, sentence: Sentence) -> Iterator[str]:
    """Yield the formulas, the values and the rows behind a sentence."""
    language = telling.language
    for marker in dict.fromkeys(sentence.markers):
        if language.has(f"methods.formulas.{marker}"):
            formula = language.text(f"methods.formulas.{marker}")
            name = language.short(marker)
            yield language.text("provenance.formula", marker=name, formula=formula)
    values = _values(telling, sentence)
    if values:
        yield language.text("provenance.values", values=values)
    if sentence.rows:
        yield language.text("provenance.rows", rows=rows_in_words(telling, sentence.rows))


def _values(telling: Telling, sentence: Sentence) -> list[str]:
    """Return the values that the sentence's rows gave its markers, each with its date."""
    return [
        telling.language.text(
            "provenance.value",
            marker=telling.language.short(finding.marker),
            value=value_of(telling, visit, finding),
            date=telling.language.short_date(visit.date),
        )
        for visit in telling.interpretation.visits
        for finding in visit.findings
        if is_behind(finding, sentence)
    ]


def rows_in_words(telling: Telling, rows: tuple[str, ...]) -> str:
    """Return row ids as "file 1, row 4–6, 9"; an id of another shape as it is."""
    files: dict[str, list[str]] = {}
    for row in dict.fromkeys(rows):
        file, _, line = row.rpartition(":")
        files.setdefault(file, []).append(line)
    language = telling.language
    return "; ".join(
        language.text("provenance.file", file=file, lines=", ".join(_runs(lines)))
        for file, lines in sorted(files.items())
    )


def _runs(lines: list[str]) -> list[str]:
    """Return numbers in order, those that follow one another as one: "4–6"."""
    words = [line for line in lines if not line.isdecimal()]
    numbers = sorted(int(line) for line in lines if line.isdecimal())
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    told = [f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return told + words


# The appendix, for a page on which nothing opens.


def _appendix(telling: Telling, sections: tuple[Section, ...]) -> Section:
    language = telling.language
    groups = tuple(
        RowGroup(title=section.title, rows=rows)
        for section in sections
        if (rows := tuple(_appendix_rows(telling, section)))
    )
    columns = ("statement", "grounds")
    table = Table(
        caption=language.text("provenance.caption"),
        columns=tuple(Column(label=language.text(f"provenance.{name}")) for name in columns),
        groups=groups,
        dense=True,
    )
    return Section(
        id="provenance",
        title=language.text("provenance.title"),
        blocks=(table,) if groups else (),
        subsections=(_footnotes(telling, sections),),
    )


def _appendix_rows(telling: Telling, section: Section) -> Iterator[Row]:
    """Yield a row for all statements of a section that rest on the same rules and rows."""
    alike: dict[str, list[Sentence]] = {}
    for one in sentences_of(section):
        alike.setdefault(_in_short(telling, one), []).append(one)
    for grounds, statements in alike.items():
        if grounds:
            yield Row(
                cells=(" / ".join(_start(one.about or one.text) for one in statements), grounds),
                markers=tuple(dict.fromkeys(id for one in statements for id in one.markers)),
                rows=statements[0].rows,
            )


def _in_short(telling: Telling, sentence: Sentence) -> str:
    found = grounds_of(telling, sentence)
    grounds = (replace(one, text=one.short or one.text) for one in found)
    lines = [*_by_kind(telling, grounds, "marked")]
    if sentence.rows:
        rows = rows_in_words(telling, sentence.rows)
        lines.append(telling.language.text("provenance.rows", rows=rows))
    return " ".join(lines)


def _start(text: str) -> str:
    return text if len(text) <= _SHORT else text[:_SHORT].rsplit(" ", 1)[0] + " …"


def _footnotes(telling: Telling, sections: tuple[Section, ...]) -> Section:
    """Return what awaits confirmation and decided a sentence or a row of a table, a line a kind."""
    decided = (one for section in sections for one in _decided(telling, section))
    unsure = dict.fromkeys(one for one in decided if not one.verified)
    items = tuple(
        telling.say("provenance.footnote", text=text) for text in _by_kind(telling, unsure, "plain")
    )
    return Section(
        id="footnotes",
        title=telling.language.text("provenance.footnotes"),
        blocks=(Bullets(items=items),) if items else (),
    )


def _decided(telling: Telling, section: Section) -> Iterator[Ground]:
    """Yield what decided the sentences of a section, then the rows of its tables."""
    for sentence in sentences_of(section):
        yield from grounds_of(telling, sentence)
    for id in _rules_of_rows(section):
        yield from limit_grounds(telling, id)


def _rules_of_rows(section: Section) -> Iterator[str]:
    tables = (block for block in section.blocks if isinstance(block, Table))
    yield from (id for x in tables for group in x.groups for row in group.rows for id in row.rules)
    for part in section.subsections:
        yield from _rules_of_rows(part)


# Every sentence of a story, wherever it stands.


def _mapped(sections: tuple[Section, ...], change: _Change) -> tuple[Section, ...]:
    return tuple(
        replace(
            section,
            blocks=tuple(_changed(block, change) for block in section.blocks),
            subsections=_mapped(section.subsections, change),
        )
        for section in sections
    )


def _changed(block: Block, change: _Change) -> Block:
    match block:
        case Paragraph() | Callout():
            return replace(block, sentences=tuple(change(one) for one in block.sentences))
        case Bullets():
            return replace(block, items=tuple(change(one) for one in block.items))
        case Results():
            return replace(block, items=tuple(_changed_result(one, change) for one in block.items))
        case Steps():
            return replace(
                block,
                items=tuple(replace(one, sentence=change(one.sentence)) for one in block.items),
            )
    return block


def _changed_result(result: Result, change: _Change) -> Result:
    marks = (replace(mark, sentence=change(mark.sentence)) for mark in result.marks)
    return replace(
        result, marks=tuple(marks), sentences=tuple(change(one) for one in result.sentences)
    )


def _sentences(block: Block) -> tuple[Sentence, ...]:
    match block:
        case Paragraph() | Callout():
            return block.sentences
        case Bullets():
            return block.items
        case Results():
            return tuple(
                sentence
                for result in block.items
                for sentence in (*(mark.sentence for mark in result.marks), *result.sentences)
            )
        case Steps():
            return tuple(sentence for step in block.items for sentence in step.sentences)
    return ()
