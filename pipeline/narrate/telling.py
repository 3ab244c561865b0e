"""Middle floor. What every section is told from, and how it says something."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.language import Field, Language
from pipeline.model import Change, Finding, Interpretation, Limit, Visit
from pipeline.rules import Rules
from pipeline.story import Section, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One case, the language it is told in, and the facts it rests on."""

    interpretation: Interpretation
    language: Language
    rules: Rules
    _limits: dict[str, Limit] = field(default_factory=dict, init=False, repr=False, compare=False)
    _changes: dict[Any, Change] = field(default_factory=dict, init=False, repr=False, compare=False)
    _sections: dict[Any, Section] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def limits(self) -> Mapping[str, Limit]:
        """Return the limits by id: the rules' own, then those that laboratories printed."""
        if not self._limits:  # found once, and every sentence asks
            self._limits.update({limit.id: limit for limit in self.rules.limits})
            for visit in self.interpretation.visits:
                for finding in visit.findings:
                    found = (limit for few in finding.limits.values() for limit in few)
                    self._limits.update({limit.id: limit for limit in found})
        return self._limits

    @property
    def changes(self) -> Mapping[tuple[str, dt.date, str], Change]:
        """Return the changes by marker, date of the later visit, and what it is compared with."""
        if not self._changes:  # as the limits
            found = {(one.marker, one.end, one.against): one for one in self.interpretation.changes}
            self._changes.update(found)
        return self._changes

    def section(self, tell: Callable[["Telling"], Section]) -> Section:
        """Return a section; it is told once, for the report and for its glossary."""
        if tell not in self._sections:
            self._sections[tell] = tell(self)
        return self._sections[tell]

    @property
    def last(self) -> Visit:
        """Return the visit that page one is about."""
        return self.interpretation.visits[-1]

    def visit(self, date: dt.date) -> Visit:
        """Return the visit of a date; a flag or a change always names one."""
        return next(visit for visit in self.interpretation.visits if visit.date == date)

    def say(
        self,
        key: str,
        *,
        by: tuple[str, ...] = (),
        markers: tuple[str, ...] = (),
        rows: tuple[str, ...] = (),
        **fields: Field,
    ) -> Sentence:
        """Return the text of ``key`` as a sentence with the rules, markers and rows behind it."""
        text = self.language.text(key, **fields)
        return Sentence(text=text, key=key, rules=by, markers=markers, rows=rows)

    def say_of(
        self,
        key: str,
        markers: Iterable[str],
        *,
        by: tuple[str, ...] = (),
        rows: tuple[str, ...] = (),
    ) -> Sentence:
        """Return the text of ``key`` as a sentence that names these markers, its ``items``."""
        names = tuple(markers)
        items = [self.language.short(marker) for marker in names]
        return self.say(key, by=by, markers=names, rows=rows, items=items)

    def told(self, part: str) -> str:
        """Return what the case itself tells under ``part`` in this language; mostly nothing."""
        return self.interpretation.case.told.get(part, {}).get(self.language.code, "")

    def by_domain(self, findings: tuple[Finding, ...]) -> Iterator[tuple[str, list[Finding]]]:
        """Yield each domain that has findings, in the order of the markers, with its findings."""
        found = {finding.marker: finding for finding in findings}
        domains: dict[str, list[Finding]] = {}
        for marker in self.rules.markers.values():
            if marker.id in found:
                domains.setdefault(marker.domain, []).append(found[marker.id])
        yield from domains.items()


def finding_of(visit: Visit, marker: str) -> Finding | None:
    """Return the finding of ``marker`` at a visit, or None where it was not measured."""
    return next((finding for finding in visit.findings if finding.marker == marker), None)
