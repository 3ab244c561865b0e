"""Publishing floor. The table of the run page: a line a case, and what lines can be chosen by."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from pipeline.language import Language
from pipeline.model import Urgency
from pipeline.publish.in_short import CaseInShort, FlagInShort
from pipeline.publish.ledger import Ledger, Made

# What can have become of a case, in the order in which the page lists them.
STATES = ("not_made", "refused", "unfinished", "made")
_URGENCIES = tuple(Urgency)
_UNKNOWN = CaseInShort()  # of a case without a result
_KINDS_OF_FILE = {"html": "HTML", "pdf": "PDF", "ipynb": "notebook", "json": "JSON"}

Link = tuple[str, str]  # what it is called, and where it is
Choice = tuple[str, str, int]  # the value of an option, its words, how many lines it leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFlag:
    """An open flag as the page prints it."""

    id: str
    title: str
    urgency: str  # "emergency", "urgent", "routine", "banner"
    when: str  # the same in words
    if_correct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A line of the table: what is printed of a case, and the words its filters compare."""

    case_id: str
    state: str  # one of STATES
    not_made: tuple[str, ...]  # the languages of the reports that failed
    files: tuple[tuple[str, tuple[Link, ...]], ...]  # by language; "" is of all of them
    phase: str  # its id; "" is unknown
    phase_name: str
    phase_notes: str  # when, and what is particular about it
    flags: tuple[ShownFlag, ...]
    urgencies: tuple[str, ...]  # of the open flags; "none": it is known that no flag is open
    visits: int
    set_aside: int


def case_lines(ledger: Ledger, texts: Language) -> list[CaseLine]:
    """Return a line for each case of a run.

    What was not made comes first, then what was refused or not reached; of each the cases with an
    open flag that needs a doctor the same day, then within days; then by case id.
    """
    told = _Told(ledger, texts)
    return sorted(map(told.line, (*ledger.cases, *ledger.without_rows)), key=_place)


def choices_of(lines: Sequence[CaseLine], texts: Language) -> dict[str, list[Choice]]:
    """Return the options of each filter that occur in these lines, with how many have them."""
    states = Counter(line.state for line in lines)
    phases = Counter(line.phase for line in lines if line.phase)
    urgencies = Counter(word for line in lines for word in line.urgencies)
    return {
        "state": [(id, texts.text(f"run.states.{id}"), states[id]) for id in STATES if states[id]],
        "phase": [(id, _phase_name(texts, id), phases[id]) for id in _in_order(phases, texts)],
        "urgency": [
            (word, _when(texts, word), urgencies[word])
            for word in (*map(_word, _URGENCIES), "none")
            if urgencies[word]
        ],
    }


@dataclass(frozen=True)
class _Told:
    """What became of each case of a run, found once."""

    ledger: Ledger
    texts: Language

    @cached_property
    def made(self) -> Mapping[str, Sequence[Made]]:
        found: defaultdict[str, list[Made]] = defaultdict(list)
        for one in self.ledger.made:
            found[one.case_id].append(one)
        return found

    @cached_property
    def not_made(self) -> Mapping[str, Sequence[str]]:
        """Return the languages of the reports that failed."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for failure in self.ledger.failures:
            found[failure.case_id].append(failure.language)
        return found

    @cached_property
    def refused(self) -> frozenset[str]:
        return frozenset(self.ledger.without_rows)

    def line(self, case_id: str) -> CaseLine:
        """Return the line of one case."""
        known = self.ledger.in_short.get(case_id, _UNKNOWN)
        flags = tuple(_shown(self.texts, flag) for flag in known.flags)
        urgencies = tuple(dict.fromkeys(flag.urgency for flag in flags))
        return CaseLine(
            case_id=case_id,
            state=self._state(case_id),
            not_made=tuple(self.not_made.get(case_id, ())),
            files=tuple(files_by_language(self.made.get(case_id, ()))),
            phase=known.phase,
            phase_name=_phase_name(self.texts, known.phase),
            phase_notes=" · ".join(_phase_notes(self.texts, known)),
            flags=flags,
            urgencies=urgencies or ("none",) * (case_id in self.ledger.in_short),
            visits=known.visits,
            set_aside=self.ledger.set_aside.get(case_id, 0),
        )

    def _state(self, case_id: str) -> str:
        """Return what became of a case: one report that failed is enough to come first."""
        if case_id in self.not_made:
            return "not_made"
        if case_id in self.refused:
            return "refused"
        whole = len(self.made.get(case_id, ())) == len(self.ledger.order.languages)
        return "made" if whole else "unfinished"


def files_by_language(made: Sequence[Made]) -> Iterator[tuple[str, tuple[Link, ...]]]:
    """Yield each language with links to its files; last "" with the result, which has none."""
    results = sorted({name for one in made for name in one.files if name.endswith(".json")})
    for one in made:
        if own := [name for name in one.files if name not in results]:
            yield one.language, _links(own)
    if results:
        yield "", _links(results)


def _in_order(phases: Iterable[str], texts: Language) -> list[str]:
    """Return phases from healthy to diabetes; behind them what we do not know."""
    known = texts.keys("review.phases")
    return sorted(phases, key=lambda id: (known.index(id) if id in known else len(known), id))


def _place(line: CaseLine) -> tuple[int, int, str]:
    """Return where a line stands: flags that need no acknowledgement do not move it."""
    urgency = line.flags[0].urgency if line.flags else ""
    pressing = {"emergency": 0, "urgent": 1}.get(urgency, 2)
    return STATES.index(line.state), pressing, line.case_id


def _links(files: Sequence[str]) -> tuple[Link, ...]:
    """Return what each file is called, and its address beside the page."""
    return tuple((_kind_of_file(name), quote(name)) for name in files)


def _kind_of_file(name: str) -> str:
    ending = name.rpartition(".")[2]
    return _KINDS_OF_FILE.get(ending, ending)


# -- words


def _shown(texts: Language, flag: FlagInShort) -> ShownFlag:
    title = f"flags.{flag.id}.title"
    return ShownFlag(
        id=flag.id,
        title=texts.text(title) if texts.has(title) else "",
        urgency=_word(flag.urgency),
        when=_when(texts, _word(flag.urgency)),
        if_correct=flag.if_correct,
    )


def _phase_name(texts: Language, id: str) -> str:
    """Return the name of a phase; that of one that we do not know is its id."""
    key = f"review.phases.{id}"
    return texts.text(key) if texts.has(key) else id


def _phase_notes(texts: Language, known: CaseInShort) -> Iterator[str]:
    """Yield the date of the last visit, and the qualifiers of the phase there."""
    if known.last_visit:
        yield texts.short_date(dt.date.fromisoformat(known.last_visit))
    yield from (_qualifier(texts, word) for word in known.qualifiers)


def _qualifier(texts: Language, word: str) -> str:
    key = f"phases.qualifiers.{word}.label"
    return texts.text(key) if texts.has(key) else word


def _word(urgency: Urgency) -> str:
    return urgency.name.lower()


def _when(texts: Language, word: str) -> str:
    """Return an urgency in words: "same day", "no open flag"."""
    return texts.text("run.flags.none" if word == "none" else f"report.urgency.{word}")
