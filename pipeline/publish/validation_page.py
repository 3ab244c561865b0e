"""Publishing floor. Writes what became of the rows: quarantine.csv, and the page about it."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline import __version__
from pipeline.intake import Intake, quarantine_of, reason_text
from pipeline.language import Language
from pipeline.publish.files import publish, work_folder
from pipeline.publish.last_run import PAGE, QUARANTINE, Kept, few_lines, kept_of
from pipeline.publish.style import page_style
from pipeline.resources import resource_path
from pipeline.rules import load_rules
from pipeline.show import show, show_title
from pipeline.story import (
    Block,
    Column,
    Facts,
    Paragraph,
    Row,
    RowGroup,
    Section,
    Sentence,
    Story,
    Table,
)
from pipeline.validate import kinds_of_reasons, reasons_by_severity


def write_validation(intake: Intake, out: Path, *, language: str) -> None:
    """Write ``validation.html`` and ``quarantine.csv`` into ``out``, each whole or not at all.

    Raises OutputError where the folder cannot be written to.
    """
    texts = Language.load(language)
    page = render_validation(intake, texts, kept=kept_of(intake, out))
    with work_folder(out, "validation") as work:
        publish(page.encode("utf-8"), out / PAGE, work=work)  # first: see ``kept_of``
        publish(quarantine_of(intake, texts), out / QUARANTINE, work=work)


def render_validation(intake: Intake, texts: Language, *, kept: Kept | None = None) -> str:
    """Return the data-quality page: counts, rules and row numbers, never a value or a file's name.

    Files go by their number, since a file's name may be a person's. ``kept`` is what this run keeps
    for the next, and how it differs from the last; without it there is no run to compare with.
    """
    story = tell_validation(intake, texts, kept)
    shown = show(*story.sections)
    environment = Environment(
        loader=FileSystemLoader(resource_path("templates/validation")),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("page.html.j2").render(
        language=texts.code,
        say=partial(_say, texts),
        style=page_style(),
        masthead=Markup(show_title(story).html),
        content=Markup(shown.html),
        headings=shown.headings,
        version=__version__,
        kept="" if kept is None else kept.as_text(),
    )


def tell_validation(intake: Intake, texts: Language, kept: Kept | None = None) -> Story:
    """Return what became of the rows, told in one language."""
    counts = intake.counts | {"noted": int((intake.accepted["notes"] != "").sum())}
    names = ("read", "accepted", "set_aside", "no_result", "noted")
    pairs = [(name, str(counts[name])) for name in names if counts[name] or name != "no_result"]
    pairs.append(("as_of", texts.date(intake.as_of)))
    parts: dict[str, list[Block]] = {
        "summary": _summary(intake, texts),
        "trend": _trend(texts, kept),
        "columns": _columns_in_doubt(intake, texts),
        "rules": _by_rule(intake, texts),
        "rows": _which_rows(intake, texts),
        "files": [_by_file(intake, texts)],
        "analytes": [_by_analyte(intake, texts)],
        "ignored": _no_results(intake, texts),
    }
    return Story(
        title=_say(texts, "title"),
        language=texts.code,
        facts=Facts(pairs=tuple((_say(texts, f"facts.{name}"), said) for name, said in pairs)),
        sections=tuple(
            Section(id=id, title=_say(texts, f"{id}.title"), blocks=tuple(blocks))
            for id, blocks in parts.items()
            if blocks
        ),
    )


def _say(texts: Language, key: str, **fields: str | int) -> str:
    return texts.text(f"validation.{key}", **fields)


def _summary(intake: Intake, texts: Language) -> list[Block]:
    counts = intake.counts
    counts["results"] = counts["accepted"] + counts["set_aside"]
    if not counts["set_aside"]:
        said = [_say(texts, "summary.all")]
    elif counts["accepted"]:
        said = [_say(texts, "summary.some", **counts), _say(texts, "summary.use")]
    else:
        said = [_say(texts, "summary.none")]
    if counts["no_result"]:
        key = "validation.summary.no_result"
        said.append(texts.count(key, counts["no_result"], read=counts["read"]))
    if intake.cases_without_rows:
        said.append(_say(texts, "summary.cases", count=len(intake.cases_without_rows)))
    return [Paragraph(sentences=tuple(Sentence(text=text) for text in said), style="lead")]


def _trend(texts: Language, kept: Kept | None) -> list[Block]:
    """Return what is new, persisting and resolved since the last run into the same folder."""
    if kept is None or kept.comparison is None:
        why = "unreadable" if kept is not None and kept.unreadable else "first"
        return [Paragraph(sentences=(Sentence(text=_say(texts, f"trend.{why}")),))]
    last = kept.comparison
    named = {"new": last.new, "persisting": last.persisting, "resolved": last.resolved}
    day = texts.date(dt.date.fromisoformat(last.as_of))
    totals = {name: sum(counts.values()) for name, counts in named.items()}
    said = (
        _say(texts, "trend.last", as_of=day, **last.counts),
        _say(texts, f"trend.{'totals' if any(totals.values()) else 'none'}", **totals),
    )
    blocks: list[Block] = [Paragraph(sentences=tuple(Sentence(text=text) for text in said))]
    reasons = sorted(set().union(*named.values()))
    columns = [Column(label=_say(texts, f"trend.{name}"), kind="number") for name in named]
    cells = ((word, *(str(counts.get(word, 0)) for counts in named.values())) for word in reasons)
    reason = Column(label=_say(texts, "rules.reason"))
    if reasons:
        blocks.append(Paragraph(sentences=(Sentence(text=_say(texts, "trend.finding")),)))
        blocks.append(_table(_say(texts, "trend.caption"), (reason, *columns), cells))
    where = Column(label=_say(texts, "rows.where"))
    for name, places in (("new_at", last.new_at), ("resolved_at", last.resolved_at)):
        if places:
            told = ((word, _told_places(files, texts)) for word, files in places.items())
            blocks.append(_table(_say(texts, f"trend.{name}"), (reason, where), told))
    return blocks


def _told_places(files: Mapping[int, Sequence[str]], texts: Language) -> str:
    """Return "File 1: line 3, 7 and 4 more" of each file, and of what is no file of this run."""
    return " · ".join(
        _say(
            texts,
            "places",
            file=_say(texts, "file", number=number) if number else _say(texts, "trend.other_file"),
            lines=", ".join(
                _say(texts, "more", count=int(line)) if line.startswith("+") else line
                for line in lines
            ),
        )
        for number, lines in files.items()
    )


def _columns_in_doubt(intake: Intake, texts: Language) -> list[Block]:
    """Return what is as a whole in another unit than it says, and of what that is not seen."""
    blocks: list[Block] = []
    doubted = intake.columns_in_doubt
    if len(doubted):
        labels = ("files.file", "analytes.analyte", "columns.likely", "columns.evidence")
        columns = [Column(label=_say(texts, label)) for label in labels]
        cells = (
            (
                _say(texts, "file", number=int(one["source"])),
                texts.marker(one["marker"]),
                texts.unit(one["likely_unit"]),
                _say(texts, f"columns.by.{one['evidence']}"),
                str(one["rows"]),
            )
            for one in doubted.to_dict("records")
        )
        count = Column(label=_say(texts, "rules.rows"), kind="number")
        blocks.append(_table(_say(texts, "columns.caption"), (*columns, count), cells))
    used = set(intake.accepted["marker"])
    unseen = [id for id, one in load_rules().typical.items() if one.value is None and id in used]
    if unseen:
        named = texts.listing(map(texts.short, unseen))
        told = Sentence(text=_say(texts, "columns.unseen", markers=named))
        blocks.append(Paragraph(sentences=(told,)))
    return blocks


def _by_rule(intake: Intake, texts: Language) -> list[Block]:
    """Return every rule that was asked, with how many rows broke it; nought is said too."""
    found = {"critical": intake.reasons, "warning": intake.notes}
    columns = (
        Column(label=_say(texts, "rules.reason")),
        Column(label=_say(texts, "rules.means")),
        Column(label=_say(texts, "rules.rows"), kind="number"),
    )
    return [
        Table(
            caption=_say(texts, f"rules.{severity}"),
            columns=columns,
            groups=tuple(
                RowGroup(
                    title=_say(texts, f"kinds.{kind}"),
                    rows=tuple(
                        Row(
                            cells=(
                                reason,
                                reason_text(intake, reason, texts),
                                str(found[severity].get(reason, 0)),
                            )
                        )
                        for reason in own
                    ),
                )
                for kind, own in _by_kind(reasons).items()
            ),
        )
        for severity, reasons in reasons_by_severity(intake.suite).items()
    ]


def _by_kind(reasons: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Return reasons by their kind of data quality, in the order of the first of each."""
    kinds = kinds_of_reasons()
    found: dict[str, list[str]] = {}
    for reason in reasons:
        found.setdefault(kinds.get(reason, "own"), []).append(reason)
    return found


def _which_rows(intake: Intake, texts: Language) -> list[Block]:
    """Return where the rows of each reason stand, by file and line."""
    columns = (
        Column(label=_say(texts, "rules.reason")),
        Column(label=_say(texts, "rows.where")),
    )
    parts = (
        ("rows.caption", _places(intake.set_aside, "reasons")),
        ("rows.noted", _places(intake.accepted, "notes")),
    )
    return [
        _table(
            _say(texts, caption),
            columns,
            (
                (str(word), _told_places(_by_number(own), texts))
                for word, own in places.groupby("word")
            ),
        )
        for caption, places in parts
        if len(places)
    ]


def _places(rows: pd.DataFrame, words: str) -> pd.DataFrame:
    """Return ``word``, ``source`` and ``line`` of each reason of each row, without blank words."""
    lines = rows["row"].str.rpartition(":")[2] if len(rows) else rows["row"]
    places = pd.DataFrame({"word": rows[words].str.split(";"), "source": rows["source"]})
    places = places.assign(line=lines).explode("word")
    return places[places["word"] != ""]


def _by_number(places: pd.DataFrame) -> Mapping[int, Sequence[str]]:
    """Return the first lines of each file, as ``few_lines`` does."""
    return {
        int(str(number)): few_lines(list(own["line"])) for number, own in places.groupby("source")
    }


def _by_file(intake: Intake, texts: Language) -> Table:
    numbers = range(1, len(intake.files) + 1)
    names: dict[object, str] = {n: _say(texts, "file", number=n) for n in numbers}
    label = _say(texts, "files.file")
    return _counted(intake, "source", names=names, label=label, part="files", texts=texts)


def _by_analyte(intake: Intake, texts: Language) -> Table:
    used = [*intake.accepted["marker"].unique(), *intake.set_aside["marker"].dropna().unique()]
    names: dict[object, str] = {marker: texts.marker(marker) for marker in dict.fromkeys(used)}
    names = dict(sorted(names.items(), key=lambda pair: pair[1].casefold()))
    names[""] = _say(texts, "unknown_analyte")
    label = _say(texts, "analytes.analyte")
    return _counted(intake, "marker", names=names, label=label, part="analytes", texts=texts)


def _no_results(intake: Intake, texts: Language) -> list[Block]:
    """Return what was in the files beside results, counted by kind."""
    counted = Counter[str]()
    for word, count in intake.ignored.items():
        known = texts.has(f"validation.ignored.kinds.{word}")
        counted[_say(texts, f"ignored.kinds.{word}" if known else "ignored.other")] += count
    columns = (
        Column(label=_say(texts, "ignored.kind")),
        Column(label=_say(texts, "ignored.count"), kind="number"),
    )
    cells = ((kind, str(count)) for kind, count in counted.most_common())
    return [_table(_say(texts, "ignored.caption"), columns, cells)] if counted else []


def _counted(
    intake: Intake,
    column: str,
    *,
    names: Mapping[object, str],
    label: str,
    part: str,
    texts: Language,
) -> Table:
    """Return what was read, accepted and set aside, and why: a row each value of ``column``."""
    accepted = intake.accepted[column].value_counts()
    keys = intake.set_aside[column].fillna("")
    aside, why = keys.value_counts(), _why(keys, intake.set_aside["reasons"])
    kinds = ("read", "accepted", "set_aside")
    columns = [Column(label=_say(texts, f"facts.{kind}"), kind="number") for kind in kinds]
    cells = []
    for value, name in names.items():
        counts = int(accepted.get(value, 0)), int(aside.get(value, 0))
        if sum(counts) or column == "source":  # a file of which no row is a result came in too
            cells.append((name, str(sum(counts)), *map(str, counts), why.get(value, "–")))
    heads = (Column(label=label), *columns, Column(label=_say(texts, "why")))
    return _table(_say(texts, f"{part}.caption"), heads, cells)


def _why(keys: pd.Series, reasons: pd.Series) -> Mapping[object, str]:
    """Return the reasons of each key, most first: "implausible 3 · unit-unknown 1"."""
    pairs = pd.DataFrame({"key": keys, "word": reasons.str.split(";")}).explode("word")
    return {
        key: " · ".join(f"{word} {count}" for word, count in _most_first(own["word"]))
        for key, own in pairs.groupby("key")
    }


def _most_first(words: pd.Series) -> list[tuple[str, int]]:
    """Return how often each word occurs; of those that occur as often, the first by name first."""
    return sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0]))


def _table(caption: str, columns: tuple[Column, ...], cells: Iterable[tuple[str, ...]]) -> Table:
    rows = tuple(Row(cells=row) for row in cells)
    return Table(caption=caption, columns=columns, groups=(RowGroup(title="", rows=rows),))
