"""Middle floor. Where each result came from: sample, code, laboratory, method, file and row."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.model import Finding
from pipeline.narrate.provenance import rows_in_words
from pipeline.narrate.telling import Telling
from pipeline.story import Column, Row, RowGroup, Table

_COLUMNS = ("marker", "specimen", "loinc", "laboratory", "method", "row")
_UNSAID = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """What results of one marker have in common; its visits share a row where this is the same."""

    marker: str
    lab: str
    method: str


def origin_table(telling: Telling) -> Table | None:
    """Return the origin of every result that was reported, a row where several share it.

    What the laboratory did not say is a dash; the code is that of the catalogue, where it has one.
    """
    rows = _rows_by_origin(telling)
    if not rows:
        return None
    domains: dict[str, list[Row]] = {}
    for origin in sorted(rows, key=lambda one: [*telling.rules.markers].index(one.marker)):
        domain = telling.rules.markers[origin.marker].domain
        domains.setdefault(domain, []).append(_row(telling, origin, rows[origin]))
    language = telling.language
    return Table(
        caption=language.text("methods.captions.origin"),
        columns=tuple(Column(label=language.text(f"methods.origin.{name}")) for name in _COLUMNS),
        groups=tuple(
            RowGroup(title=language.text(f"report.domains.{domain}"), rows=tuple(own))
            for domain, own in domains.items()
        ),
        note=language.text("methods.captions.origin_note"),
        dense=True,
    )


def _rows_by_origin(telling: Telling) -> dict[_Origin, list[str]]:
    found: dict[_Origin, list[str]] = {}
    for finding in _reported(telling):
        origin = _Origin(marker=finding.marker, lab=finding.lab, method=finding.method)
        found.setdefault(origin, []).extend(finding.rows)
    return found


def _reported(telling: Telling) -> Iterable[Finding]:
    findings = (one for visit in telling.interpretation.visits for one in visit.findings)
    return (one for one in findings if one.reported is not None)


def _row(telling: Telling, origin: _Origin, rows: list[str]) -> Row:
    language, marker = telling.language, telling.rules.markers[origin.marker]
    cells = (
        language.marker(origin.marker),
        language.text(f"methods.specimens.{marker.specimen}"),
        marker.loinc or _UNSAID,
        origin.lab or _UNSAID,
        origin.method or _UNSAID,
        rows_in_words(telling, tuple(rows)),
    )
    return Row(cells=cells, markers=(origin.marker,), rows=tuple(dict.fromkeys(rows)))
