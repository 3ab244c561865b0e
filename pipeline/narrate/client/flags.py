"""Middle floor. Open safety flags for the client: what was found, how soon to call whom, and why.

No flag names a diagnosis.
"""

import datetime as dt
from collections.abc import Iterator

from pipeline.model import Band, Flag, OpenFlag
from pipeline.narrate.grounds import limits_of_branch
from pipeline.narrate.reservations import client_reservations
from pipeline.narrate.safety import (
    LEVELS,
    ORDER,
    changes_branch,
    evidence_in_words,
    in_order,
    urgency_of,
)
from pipeline.narrate.telling import Telling
from pipeline.story import Callout, Sentence


def open_flags(telling: Telling) -> tuple[Callout, ...]:
    """Return a box for each open flag, in the order of the clinician's."""
    return tuple(_box(telling, flag) for flag in in_order(telling.interpretation.open_flags))


def _box(telling: Telling, open_flag: OpenFlag) -> Callout:
    language, level = telling.language, LEVELS[open_flag.urgency]
    visits = [telling.visit(date) for date, _ in open_flag.bases]
    return Callout(
        level=level,  # type: ignore[arg-type]
        title=language.text(f"client.flags.{open_flag.id}.title"),
        label=language.text(f"client.labels.{level}"),
        sentences=(
            *_said(telling, open_flag),
            *(_basis(telling, date, flag) for date, flag in open_flag.bases),
            *client_reservations(telling, visits, open_flag.id),
        ),
        id=open_flag.id,
    )


def _said(telling: Telling, open_flag: OpenFlag) -> Iterator[Sentence]:
    """Yield what was found and, right behind it, how soon; then what else, and what it means."""
    found = list(dict.fromkeys(_found(telling, open_flag)))
    means = f"client.flags.{open_flag.id}.means"
    doubt = ["client.if_correct"] if open_flag.if_correct else []
    keys = [*doubt, found[0], _soon(telling, open_flag), *found[1:], means]
    rows = tuple(dict.fromkeys(row for _, flag in open_flag.bases for row in flag.rows))
    told = (key for key in keys if telling.language.has(key))
    return (telling.say(key, by=(open_flag.id,), rows=rows) for key in told)


def _found(telling: Telling, open_flag: OpenFlag) -> Iterator[str]:
    """Yield the keys of what held, the branch that decides the urgency first, then variants."""
    flags, pressing = [flag for _, flag in open_flag.bases], _pressing(telling, open_flag)
    held = [(branch, flag) for flag in flags for branch in flag.branches]
    held.sort(key=lambda one: one[0] not in pressing)
    told = _telling_most(telling, open_flag.id, [branch for branch, _ in held])
    yield from (_held(telling, flag, branch) for branch, flag in held if branch in told)
    for variant in dict.fromkeys(one for flag in flags for one in flag.variants):
        if any(changes_branch(open_flag.id, variant, branch) for branch, _ in held):
            yield f"client.flags.{open_flag.id}.{variant}"


def _telling_most(telling: Telling, flag: str, branches: list[str]) -> set[str]:
    """Return the branches without those that say less of the same marker: "low" beside "very low".

    Less says the one that another one adds to (``below_30_new`` to ``below_30``), that is less
    urgent, or as urgent and nearer to what is usual.
    """
    limits = {
        row.branch: limit
        for row in telling.rules.flags
        if row.flag == flag and row.kind == "branch" and row.branch in branches
        for limit in limits_of_branch(telling, row)
    }

    def weight(branch: str) -> tuple[int, float]:
        limit, urgency = limits[branch], urgency_of(telling, flag, branch)
        return -ORDER.index(urgency), limit.value if limit.side is Band.HIGH else -limit.value

    worst: dict[tuple[str, Band], str] = {}
    for branch, limit in limits.items():
        about = (limit.marker, limit.side)
        worst[about] = max(worst.get(about, branch), branch, key=weight)
    most = {branch for branch in branches if branch not in limits or branch in worst.values()}
    return {one for one in most if not any(of.startswith(f"{one}_") for of in most)}


def _held(telling: Telling, flag: Flag, branch: str) -> str:
    """Return the key of what held: of the branch by a fact (IVF), the branch, or the flag."""
    names = (*(f"{branch}_{fact}" for fact in flag.evidence), branch)
    keys = (_own(telling, flag.id, name) for name in names)
    return next((key for key in keys if key), f"client.flags.{flag.id}.text")


def _soon(telling: Telling, open_flag: OpenFlag) -> str:
    """Return the key of how soon: of the branch that decides it, of the flag, or of all flags."""
    level = LEVELS[open_flag.urgency]
    keys = (
        _own(telling, open_flag.id, f"soon_{name}")
        for name in (*_pressing(telling, open_flag), level)
    )
    return next((key for key in keys if key), f"client.urgency.{level}")


def _pressing(telling: Telling, open_flag: OpenFlag) -> list[str]:
    """Return the branches that held and give the flag its urgency."""
    branches = dict.fromkeys(one for _, flag in open_flag.bases for one in flag.branches)
    urgency = open_flag.urgency
    return [one for one in branches if urgency_of(telling, open_flag.id, one) is urgency]


def _own(telling: Telling, flag: str, name: str) -> str:
    key = f"client.flags.{flag}.{name}"
    return key if telling.language.has(key) else ""


def _basis(telling: Telling, date: dt.date, flag: Flag) -> Sentence:
    """Return the values that a flag rests on, and the date they are of."""
    return telling.say(
        "client.basis" if flag.values else "client.basis_bare",
        by=(flag.id,),
        markers=tuple(dict.fromkeys(one.marker for one in flag.values)),
        rows=flag.rows,
        evidence=[evidence_in_words(telling, one) for one in flag.values],
        date=date,
    )
