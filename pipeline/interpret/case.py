"""Order floor. Makes the objects of the one case that is shown."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline import __version__
from pipeline.columns import Visits, certain
from pipeline.criteria import Classified, apply_criteria
from pipeline.genotype import place_genotypes
from pipeline.interpret.classifications import classifications_at
from pipeline.interpret.columns import Judged, interpret_columns
from pipeline.interpret.findings import findings_at, not_computed_at
from pipeline.interpret.plan import plan_items
from pipeline.interpret.reservations import with_reservations
from pipeline.interpret.safety import (
    Pair,
    flag_histories,
    flags_at,
    not_assessable_at,
    open_flags,
)
from pipeline.model import (
    ACCEPTED_COLUMNS,
    IN_DOUBT,
    NOT_SCORED,
    CaseInput,
    CrossCheck,
    Interpretation,
    Phase,
    Visit,
)
from pipeline.phase import reasoning, supporting_signals
from pipeline.read.people import stated_table
from pipeline.rules import Rules, load_rules
from pipeline.rules.formulas import COMPUTED
from pipeline.trend import compare_visits


def interpret(case: CaseInput, rules: Rules | None = None) -> Interpretation:
    """Return everything that is known of ``case``, visit by visit, up to its as-of date.

    Values that were set aside for their size or unit are not scored; safety flags are evaluated a
    second time with them, and what only they raise is marked ``if_correct``. The practice's own
    targets, which the case holds, stand in place of the built-in ones.

    Raises RulesError where one of these targets cannot be.
    """
    rules = (rules or load_rules()).with_targets(case.rules)
    aside = _doubtful_rows(case)
    judged = _judge(case, case.rows, rules)
    every = pd.concat([case.rows, aside], ignore_index=True)
    pair = Pair(judged=judged, doubtful=_judge(case, every, rules) if len(aside) else judged)
    criteria = apply_criteria(judged.readings)
    genotypes = place_genotypes(case.genotypes, case.sex, rules)
    visits = tuple(_visit(pair, criteria, at) for at in range(len(judged.visits)))
    changes = compare_visits(judged.visits)
    return Interpretation(
        case=case,
        visits=with_reservations(pair, visits, changes=changes, as_of=case.as_of),
        changes=changes,
        flags=flag_histories(judged),
        open_flags=open_flags(pair),
        checks=tuple(_cross_checks(case, judged.visits)),
        genotypes=genotypes,
        plan=plan_items(pair, criteria, genotypes),
        versions={"casereport": __version__},
    )


def _judge(case: CaseInput, rows: pd.DataFrame, rules: Rules) -> Judged:
    people = pd.DataFrame(
        {"case_id": [case.case_id], "sex": [case.sex], "birth_year": [case.birth_year]}
    )
    return interpret_columns(
        rows,
        people,
        stated_table([case]),
        as_of=case.as_of,
        rules=rules,
        not_scored=_not_scored(case),
    )


def _not_scored(case: CaseInput) -> pd.DataFrame:
    """Return case_id, date and marker of the values that were set aside for their size or unit."""
    found = [one.measurement for one in case.set_aside if set(one.reasons) & set(NOT_SCORED)]
    told = [one for one in found if one is not None]
    dates = pd.to_datetime([str(one["collected_at"])[:10] for one in told])
    frame = pd.DataFrame({"case_id": case.case_id, "date": dates})
    frame = frame.assign(marker=[str(one["marker"]) for one in told])
    return frame.astype({"case_id": str, "date": "datetime64[ns]", "marker": str})


def _doubtful_rows(case: CaseInput) -> pd.DataFrame:
    """Return, as accepted rows, the values of which only size, unit or uniqueness is in doubt."""
    rows = [
        {**one.measurement, "case_id": case.case_id}
        for one in case.set_aside
        if one.measurement is not None and set(one.reasons) <= IN_DOUBT
    ]
    readable = [row for row in rows if not pd.isna(row["low"])]
    return pd.DataFrame(readable, columns=list(ACCEPTED_COLUMNS)).astype(dict(case.rows.dtypes))


def _visit(pair: Pair, criteria: Mapping[str, Classified], at: int) -> Visit:
    judged = pair.judged
    row = judged.visits.table.iloc[at]
    return Visit(
        date=row["date"].date(),
        month=int(row["month"]),
        age=None if pd.isna(row["age"]) else int(row["age"]),
        findings=findings_at(judged, at),
        not_computed=not_computed_at(judged, at),
        phase=_phase(judged, at),
        flags=flags_at(pair, at),
        not_assessable=not_assessable_at(judged, at),
        classifications=classifications_at(judged, criteria, at),
        reservations=(),
        context=_context(judged.visits, at),
        unknown=tuple(
            key.key
            for key in judged.visits.rules.context.values()
            if key.confidence and not judged.visits.is_stated(key.key)[at]
        ),
    )


def _context(visits: Visits, at: int) -> dict[str, Any]:
    """Return what is stated at one visit; of symptoms and medicines the words that apply.

    A medicine of no known group is its ATC code.
    """
    context: dict[str, Any] = {}
    for key in visits.rules.context.values():
        if not visits.is_stated(key.key)[at]:
            continue
        if key.kind == "yes_no":
            context[key.key] = bool(visits.yes(key.key)[at])
        elif key.kind == "number":
            context[key.key] = float(visits.number(key.key)[at])
        elif key.kind == "word":
            context[key.key] = str(visits.word(key.key)[at])
        elif key.kind == "words":
            context[key.key] = _that_apply(visits, key.words, at)
        else:
            groups = _that_apply(visits, tuple(visits.rules.medication), at)
            context[key.key] = (*groups, *_of_no_group(visits, key.key, at))
    return context


def _that_apply(visits: Visits, words: tuple[str, ...], at: int) -> tuple[str, ...]:
    return tuple(word for word in words if certain(visits.yes(word))[at])


def _of_no_group(visits: Visits, key: str, at: int) -> tuple[str, ...]:
    """Return the stated codes that no group of medicines knows: no rule asks for them."""
    known = tuple(code for codes in visits.rules.medication.values() for code in codes)
    stated = str(visits.word(key)[at]).split()
    return tuple(code for code in stated if not code.startswith(known))


def _phase(judged: Judged, at: int) -> Phase:
    phases, classes = judged.phases, judged.phases.classes
    row = next(rule for rule in judged.visits.rules.phases if rule.rule == phases.rule[at])
    signals = supporting_signals(judged.visits)
    return Phase(
        id=row.phase,
        rule=row.rule,
        confidence=phases.confidence[at],
        qualifiers=tuple(word for word, where in phases.qualifiers.items() if where[at]),
        g_class=str(classes.g[at]),
        i_class=str(classes.i[at]),
        supporting=int(classes.supporting[at]),
        supporting_known=int(classes.supporting_known[at]),
        signals={name: _answer(signal[at]) for name, signal in signals.items()},
        **reasoning(judged.visits, at, i_class=str(classes.i[at])),
    )


def _answer(value: Any) -> bool | None:
    return None if value is pd.NA else bool(value)


# A reported HOMA-IR beside our own.


def _cross_checks(case: CaseInput, visits: Visits) -> list[CrossCheck]:
    """Return each reported HOMA-IR that could be compared, those that were set aside included."""
    accepted = visits.rows[visits.rows["marker"].isin(COMPUTED) & (visits.rows["shown"] != "")]
    found = [(row, True) for row in accepted.to_dict("records")]
    found += [
        (dict(one.measurement), False)
        for one in case.set_aside
        if "reported-differs" in one.reasons and one.measurement is not None
    ]
    checks = [_cross_check(row, agrees, visits) for row, agrees in found]
    return [check for check in checks if check is not None]


def _cross_check(row: dict[str, Any], agrees: bool, visits: Visits) -> CrossCheck | None:
    dates = visits.table["date"]
    at = int((dates - pd.Timestamp(str(row["collected_at"])[:10])).abs().argmin())
    column = visits.column(row["marker"])
    if row["marker"] != "homa_ir" or not column.known[at] or column.censored[at]:
        return None
    names = COMPUTED["homa_ir"].analytes
    inputs = [visits.input(name, same_draw=True).row[at] for name in names]
    return CrossCheck(
        marker="homa_ir",
        date=dates.iloc[at].date(),
        reported=float(row["low"]),
        computed=float(column.low[at]),
        agrees=agrees,
        rows=(str(row["row"]), *(str(visits.rows["row"].iloc[position]) for position in inputs)),
    )
