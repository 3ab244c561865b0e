"""Middle floor. Where each result came from: sample, code, laboratory, method, file and row."""

from collections.abc import Iterable, Iterator

from pipeline.model import Finding
from pipeline.narrate.provenance import rows_in_words
from pipeline.narrate.telling import Telling
from pipeline.story import Column, Row, RowGroup, Table

_COLUMNS = ("marker", "specimen", "loinc", "laboratory", "method", "row")
_UNSAID = "–"


def origin_table(telling: Telling) -> Table | None:
    """Return the origin of every result that was reported, a row where several share it.

    What the laboratory did not say is a dash; the code is that of the catalogue, where it has one.
    """
    language, reported = telling.language, _reported(telling)
    if not reported:
        return None
    return Table(
        caption=language.text("methods.captions.origin"),
        columns=tuple(Column(label=language.text(f"methods.origin.{name}")) for name in _COLUMNS),
        groups=tuple(
            RowGroup(
                title=language.text(f"report.domains.{domain}"),
                rows=tuple(row for one in findings for row in _rows(telling, one.marker, reported)),
            )
            for domain, findings in telling.by_domain(reported)
        ),
        note=language.text("methods.captions.origin_note"),
        dense=True,
    )


def _reported(telling: Telling) -> tuple[Finding, ...]:
    findings = (one for visit in telling.interpretation.visits for one in visit.findings)
    return tuple(one for one in findings if one.reported is not None)


def _rows(telling: Telling, marker: str, reported: Iterable[Finding]) -> Iterator[Row]:
    """Yield a row of a marker for each laboratory and method, with all that came from these."""
    origins: dict[tuple[str, str], list[str]] = {}
    for one in reported:
        if one.marker == marker:
            origins.setdefault((one.lab, one.method), []).extend(one.rows)
    for (lab, method), rows in origins.items():
        yield _row(telling, marker, lab=lab, method=method, rows=tuple(dict.fromkeys(rows)))


def _row(telling: Telling, id: str, *, lab: str, method: str, rows: tuple[str, ...]) -> Row:
    language, marker = telling.language, telling.rules.markers[id]
    cells = (
        language.marker(id),
        language.text(f"methods.specimens.{marker.specimen}"),
        marker.loinc or _UNSAID,
        lab or _UNSAID,
        method or _UNSAID,
        rows_in_words(telling, rows),
    )
    return Row(cells=cells, markers=(id,), rows=rows)
