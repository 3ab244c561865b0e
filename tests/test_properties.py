"""What must hold of all people: hypothesis draws the values, the facts and what is taken away."""

import dataclasses
import json
import random
import re
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pandas as pd
from clinic import AS_OF, CALM, RULES, accepted, case, judged, lab
from golden import DRAWING, FOLDERS, lab_rows
from hypothesis import assume, given
from hypothesis import strategies as st
from sizes import sized

from pipeline.columns import certain, ruled_out
from pipeline.criteria import DEFINITIONS, apply_criteria
from pipeline.export import case_json
from pipeline.flags import inputs_of
from pipeline.intake import take_in
from pipeline.interpret import Judged, interpret, interpret_columns
from pipeline.model import CaseInput, LimitSet
from pipeline.normalise import normalise_units
from pipeline.phase import supporting_signals
from pipeline.plan import contraindications, triggers
from pipeline.read import read_lab_file
from pipeline.read.people import stated_table
from pipeline.rules.formulas import COMPUTED
from pipeline.score import BANDS

# to shrink a person would take minutes: what fails is printed as it was drawn
DRAWN = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
few = hypothesis.settings(max_examples=sized(3, full=60), phases=DRAWN)  # a crowd each
some = hypothesis.settings(max_examples=sized(10, full=300), phases=DRAWN)
BAND_SETS = ("laboratory", "guideline", "functional", "critical", "refer")
MEASURED = [m for m in RULES.markers.values() if m.kind != "computed" or m.as_reported]

# People and what is known of them.

FACTS: Mapping[str, st.SearchStrategy[Any]] = {
    "pregnant": st.sampled_from(["no", "no", "no", "yes"]),
    "postpartum_weeks": st.sampled_from([4, 11, 30, 200]),
    "lactating": st.sampled_from(["no", "yes"]),
    "pregnancy_wish": st.sampled_from(["no", "yes"]),
    "known_diabetes": st.sampled_from(["none", "none", "none", "t1d", "t2d", "gdm_history"]),
    "biotin_last_72h": st.sampled_from(["no", "no", "yes"]),
    "acute_illness_14d": st.sampled_from(["no", "no", "yes"]),
    "oestrogen_use": st.sampled_from(["no", "yes"]),
    "haemolysis": st.sampled_from(["none", "none", "trace"]),
    "medication": st.sampled_from([[], [], ["A10BA02"], ["A10BB09"], ["A10BK01"], ["H02AB06"]]),
    "symptoms": st.lists(st.sampled_from(RULES.context["symptoms"].words), max_size=3, unique=True),
    "weight_change_6m_kg": st.integers(-12, 12),
    "weight_change_intended": st.sampled_from(["no", "yes"]),
    "cycle": st.sampled_from(["regular", "irregular"]),
    "hirsutism": st.sampled_from(["no", "yes"]),
    "steatosis_imaging": st.sampled_from(["no", "yes"]),
    "alcohol_g_week": st.integers(0, 500),
    "ed_screen": st.sampled_from(["negative", "positive"]),
    "urine_ketones": st.integers(0, 4),
}  # fmt: skip
OFTEN = ("glucose_fasting", "insulin_fasting", "hba1c", "hdl", "triglycerides", "waist", "sbp")
SELDOM = ("dbp", "hs_crp", "alt", "ast", "shbg", "ggt", "weight", "height", "ferritin",
          "tsh", "b12", "c_peptide", "potassium", "egfr", "platelets",
          "glucose_ogtt_120", "insulin_ogtt_120", "glucose_ogtt_60",
          "cortisol_serum_am", "haemoglobin", "testosterone_total", "mma_serum",
          "ketones_blood", "calprotectin", "homocysteine", "cgm_active", "cgm_tar")  # fmt: skip


def value_of(marker: str, fraction: float) -> float:
    """Return a value of the plausible range: 0 is its low end, 1 its high end, by ratio."""
    ends = {limit.side: limit.value for limit in RULES.limits_of(marker, LimitSet.PLAUSIBLE)}
    low, high = (ends[side] for side in ("low", "high"))
    shift = 1 - low if low <= 0 else 0
    value = (low + shift) * ((high + shift) / (low + shift)) ** fraction - shift
    return round(float(value)) if marker == "hba1c" else float(f"{value:.4g}")


def printed(value: float, digits: int = 10) -> str:
    """Return a number as text; never with three decimals, which may be thousands."""
    text = np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text


def near_limits(marker: str) -> st.SearchStrategy[float]:
    """Return values of a marker: anywhere, or on and beside one of its limits."""
    limits = [x.value for x in RULES.limits if x.marker == marker and x.unit != "{ULN}"]
    edges = [value * by for value in limits for by in (0.99, 1, 1.01)]
    anywhere = st.floats(0.02, 0.98).map(lambda fraction: value_of(marker, fraction))
    kept = [float(f"{x:.5g}") for x in edges if is_plausible(marker, x)]
    return (anywhere | st.sampled_from(kept)) if kept else anywhere


def is_plausible(marker: str, value: float) -> bool:
    limits = RULES.limits_of(marker, LimitSet.PLAUSIBLE)
    return not any(value < x.value if x.side == "low" else value > x.value for x in limits)


@st.composite
def values(draw: st.DrawFn) -> dict[str, str]:
    names = [*OFTEN, *draw(st.lists(st.sampled_from(SELDOM), max_size=8, unique=True))]
    return {name: printed(draw(near_limits(name))) for name in names}


@st.composite
def facts(draw: st.DrawFn) -> dict[str, Any]:
    named = draw(st.lists(st.sampled_from(list(FACTS)), max_size=8, unique=True))
    return {name: draw(FACTS[name]) for name in named}


@st.composite
def people(draw: st.DrawFn) -> CaseInput:
    """Draw one person with one or two visits."""
    second = draw(st.none() | values())
    parts = [lab(draw(values()), date="2024-01-01", sample_id="s1")]
    if second:
        parts.append(lab(second, date="2024-06-01", sample_id="s2"))
    sex, born = draw(st.sampled_from("FM")), draw(st.integers(1940, 2005))
    return case(*parts, sex=sex, birth_year=born, context=draw(facts()))


# Monotone: all markers at once, a person a value.


def one_value_each(
    values: pd.DataFrame, context: Mapping[str, Any] | None = None, *, sex: str = "F"
) -> Judged:
    """Return what is judged of as many people as there are rows (analyte, value, unit)."""
    ids = [f"p{number:06}" for number in range(len(values))]
    rows = values.assign(case_id=ids, sample_id="s", collected_at="2024-01-01", fasting_hours="10")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lab.csv"
        rows.assign(lab="known").to_csv(path, index=False)
        read = normalise_units(
            read_lab_file(path, rules=RULES).rows, RULES, insulin_factors={"known": 6.0}
        )
    assert read[["marker", "low"]].notna().all(axis=None), "a drawn row cannot be read"
    persons = pd.DataFrame({"case_id": ids, "sex": sex, "birth_year": 1984})
    template = case(lab({"tsh": 1}), context=context)
    said = stated_table([template]).drop(columns="case_id").iloc[[0] * len(ids)]
    said = said.reset_index(drop=True).assign(case_id=ids)
    return interpret_columns(read.assign(notes=""), persons, said, as_of=AS_OF, rules=RULES)


def positions(codes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return bands as places from low to high; what is in the unit zone lies between."""
    places = {None: 1.0, "within": 1.0, "low": 0.0, "high": 2.0, "undetermined": 1.5}
    return np.array([places[band] for band in BANDS])[codes]


def is_valley(severity: np.ndarray[Any, Any]) -> bool:
    """Return whether numbers first fall, then rise: the further out, the worse."""
    lowest = int(np.argmin(severity))
    falling, rising = np.diff(severity[: lowest + 1]), np.diff(severity[lowest:])
    return bool((falling <= 0).all() and (rising >= 0).all())


def grid(marker: str, fractions: list[float]) -> list[float]:
    limits = [x.value for x in RULES.limits if x.marker == marker and x.unit != "{ULN}"]
    edges = [value * by for value in limits for by in (0.99, 1, 1.01)]
    inside = [x for x in edges if is_plausible(marker, x)]
    return sorted({*(value_of(marker, f) for f in fractions), *(float(f"{x:.6g}") for x in inside)})


@few
@given(
    fractions=st.lists(st.floats(0.001, 0.999), min_size=5, max_size=15),
    context=facts(),
    sex=st.sampled_from("FM"),
)
def test_the_further_out_a_value_lies_the_worse_it_is_judged(
    fractions: list[float], context: dict[str, Any], sex: str
) -> None:
    grids = {marker.id: grid(marker.id, fractions) for marker in MEASURED}
    drawn = [(marker, value) for marker, column in grids.items() for value in column]
    table = pd.DataFrame(drawn, columns=["analyte", "number"])
    table = table.assign(
        value=table["number"].map(printed),
        unit=table["analyte"].map(lambda marker: RULES.markers[marker].unit),
    )
    found = one_value_each(table, context, sex=sex)
    severity = severities(found)
    for marker, at in table.groupby("analyte").groups.items():
        assert_bands_rise(found, str(marker), at.to_numpy())
        for flag, worst in severity.items():
            assert is_valley(worst[at]), (marker, flag, worst[at])


def assert_bands_rise(found: Judged, marker: str, at: np.ndarray[Any, Any]) -> None:
    for name in BAND_SETS:
        place = positions(getattr(found.scores, name)[marker][at])
        if (name, marker) == ("functional", "hs_crp"):  # over 10 it is illness, and left blank
            place = place[: np.argmax(place) + 1]
        assert (np.diff(place) >= 0).all(), (marker, name, place)
    counts = found.scores.counts[marker][at].astype(int)
    assert is_valley(counts), (marker, "counts")
    direction = RULES.markers[marker].direction
    if direction != "both":
        assert (np.diff(counts) * (1 if direction == "high_bad" else -1) >= 0).all(), marker


def severities(found: Judged) -> dict[str, np.ndarray[Any, Any]]:
    """Return of each flag how urgent it is at every visit: 0 not raised … 4 the same day."""
    ranks = {"-": 1, "R": 2, "U": 3, "E": 4}
    worst: dict[str, np.ndarray[Any, Any]] = {}
    for row in RULES.flags:
        if row.kind == "branch":
            held = certain(found.flags.branches[row.flag, row.branch]) * ranks[str(row.urgency)]
            worst[row.flag] = np.maximum(worst.get(row.flag, 0), held)
    return worst


# Units: every marker in every unit of units.csv.

UNITS = [tuple(row) for row in RULES.units[["marker", "unit", "factor", "offset"]].to_numpy()]


def is_near_an_edge(marker: str, value: float, factor: float) -> bool:
    """Return whether a value lies by a limit, or between it and the same limit in mg/dL."""
    for limit in (x for x in RULES.limits if x.marker == marker):
        ends = [limit.value] if limit.mg_dl is None else [limit.value, limit.mg_dl * factor]
        if min(ends) * 0.999 <= value <= max(ends) * 1.001:
            return True
    return False


@few
@given(fractions=st.lists(st.floats(0.01, 0.99), min_size=4, max_size=8), context=facts())
def test_a_value_is_judged_alike_in_every_unit(
    fractions: list[float], context: dict[str, Any]
) -> None:
    pairs = [pair for unit in UNITS for f in fractions if (pair := in_both_units(unit, f))]
    canonical, other = (pd.DataFrame([pair[n] for pair in pairs]) for n in (0, 1))
    one, two = (one_value_each(table, context) for table in (canonical, other))
    for marker in {row["analyte"] for row, _ in pairs}:
        for name in BAND_SETS:
            np.testing.assert_array_equal(*(getattr(x.scores, name)[marker] for x in (one, two)))
    for place, answer in one.flags.branches.items():
        pd.testing.assert_extension_array_equal(answer, two.flags.branches[place])
    np.testing.assert_array_equal(one.phases.rule, two.phases.rule)
    np.testing.assert_array_equal(one.phases.classes.g, two.phases.classes.g)


def in_both_units(unit: tuple[Any, ...], fraction: float) -> tuple[dict[str, str], ...] | None:
    """Return a value in the canonical unit and in another; None where it lies at an edge."""
    marker, other, factor, offset = unit
    value = value_of(marker, fraction)
    if is_near_an_edge(marker, value, factor):
        return None
    canonical = RULES.markers[marker].unit
    return (
        {"analyte": marker, "value": printed(value), "unit": canonical},
        {"analyte": marker, "value": printed((value - offset) / factor, 12), "unit": other},
    )


# Order: of rows, of files, of people.


def told(one: CaseInput) -> dict[str, Any]:
    """Return case.json of a person, as what stands in a JSON file."""
    read: dict[str, Any] = json.loads(json.dumps(case_json(interpret(one, RULES))))
    return read


@some
@given(person=people(), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(person: CaseInput, order: Any) -> None:
    places = list(range(len(person.rows)))
    order.shuffle(places)
    shuffled = person.rows.iloc[places].reset_index(drop=True)
    assert told(dataclasses.replace(person, rows=shuffled)) == told(person)


def test_the_order_of_rows_and_files_changes_nothing_of_a_case(tmp_path: Path) -> None:
    """Shuffle the rows of golden cases over two files; a row id is the file and the line."""
    drawn = [folder for folder in FOLDERS if (folder / DRAWING).is_file()]
    chosen = random.Random(3).sample(drawn, sized(8, full=len(drawn)))
    plain, shuffled = (as_files(chosen, tmp_path / str(n), shuffle=bool(n)) for n in (0, 1))
    for name, before in plain.items():
        assert shuffled[name] == before, name


def as_files(folders: list[Path], place: Path, *, shuffle: bool) -> dict[str, dict[str, Any]]:
    """Return case.json of cases, with the number of its drawn row in place of each row id."""
    drawn = [write_files(folder, place / folder.name, shuffle=shuffle) for folder in folders]
    taken = take_in([place / folder.name for folder in folders], as_of=AS_OF, rules=RULES)
    return {
        folder.name: with_ids(told(taken.case(folder.name)), ids)
        for folder, ids in zip(folders, drawn, strict=True)
    }


def write_files(folder: Path, copy: Path, *, shuffle: bool) -> dict[str, str]:
    """Write a case as two files, perhaps shuffled; return of each row id which row it is."""
    shutil.copytree(folder, copy)
    rows = lab_rows((folder / DRAWING).read_text(encoding="utf-8")).reset_index(drop=True)
    rows = rows.sample(frac=1, random_state=3) if shuffle else rows
    ids = {}
    for name, part in (("b.csv", rows.iloc[::2]), ("a.csv", rows.iloc[1::2])):
        if len(part):
            part.to_csv(copy / name, index=False)
        ids |= {f"{name}:{line}": f"row {row}" for line, row in enumerate(part.index, start=2)}
    return ids


def with_ids(case_told: dict[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    text = re.sub(r"[ab]\.csv:\d+", lambda found: ids[found.group()], json.dumps(case_told))
    return dict(json.loads(text))


# What is unrelated: a marker that enters no formula, flag, phase, classification or plan.


@cache
def unrelated() -> tuple[str, ...]:
    """Return the measured markers that nothing but their own finding looks at."""
    asked = {name for formula in COMPUTED.values() for name in formula.analytes}
    asked |= {name for row in RULES.flags for name in inputs_of(row, RULES)}
    asked |= {limit.marker for limit in RULES.limits if limit.set is LimitSet.RULE}
    for functions in (contraindications.CONTRAINDICATIONS, triggers.TRIGGERS):
        asked |= {
            name for function in functions.values() for name in signature(function).parameters
        }
    for one in DEFINITIONS.values():
        asked |= {
            *one.beside,
            *one.exclusions,
            *(x for names in one.inputs.values() for x in names),
        }
    # HbA1c leans on them; a sensor is one instrument; biotin touches every immunoassay
    asked |= {"haemoglobin", "mcv", "ferritin", "androstenedione", "dheas"}
    free = (m for m in MEASURED if m.id not in asked and m.domain != "cgm" and not m.biotin)
    return tuple(m.id for m in free)


def test_some_markers_are_unrelated_to_everything() -> None:
    assert len(unrelated()) > 15


@some
@given(person=people(), marker=st.sampled_from(unrelated()), fraction=st.floats(0.02, 0.98))
def test_an_unrelated_marker_changes_nothing_else(
    person: CaseInput, marker: str, fraction: float
) -> None:
    extra = accepted(
        lab({marker: printed(value_of(marker, fraction))}, date="2024-01-01", sample_id="s1")
    )
    rows = pd.concat([person.rows, extra.assign(row="more.csv:2")], ignore_index=True)
    more, before = told(dataclasses.replace(person, rows=rows)), told(person)
    first = more["visits"][0]
    first["findings"] = [one for one in first["findings"] if one["marker"] != marker]
    assert more == before


# Missing: a row or a fact that is taken away.


@some
@given(person=people(), which=st.integers(0, 200))
def test_without_one_row_nothing_that_was_so_becomes_normal(person: CaseInput, which: int) -> None:
    gone = which % len(person.rows)
    marker = str(person.rows["marker"][gone])
    rows = person.rows.drop(index=gone).reset_index(drop=True)
    assume(set(rows["collected_at"]) == set(person.rows["collected_at"]))  # the same visits
    whole, less = judged(person), judged(dataclasses.replace(person, rows=rows))
    assert_bands_stay(whole, less)
    assert_flags_stay(whole, less, marker)
    assert_signals_and_criteria_stay(whole, less)
    assert_computed_only_of_what_is_there(whole, less, marker)


def assert_bands_stay(whole: Judged, less: Judged) -> None:
    """Check that no value that was outside, or open, is within."""
    for name in BAND_SETS:
        bands = getattr(less.scores, name)
        for marker, before in getattr(whole.scores, name).items():
            outside = np.isin(before, [BANDS.index(x) for x in ("low", "high", "undetermined")])
            after = bands.get(marker, np.zeros_like(before)) == BANDS.index("within")
            assert not (outside & after).any(), (marker, name)


WARNS_OF_A_MEASUREMENT = "immunoassay_measured"  # biotin disturbs nothing that was not measured
DIABETES = ("glucose_fasting", "glucose_random", "glucose_ogtt_120", "hba1c")


def assert_flags_stay(whole: Judged, less: Judged, gone: str) -> None:
    """Check that a branch that held is unknown now; no only where another result says so.

    Of glucose by any way, of ALT and AST, of systolic and diastolic pressure one is enough. What
    warns of a measurement goes with the last one that it could warn of.
    """
    for row in RULES.flags:
        names = inputs_of(row, RULES)
        if row.kind != "branch" or WARNS_OF_A_MEASUREMENT in names:
            continue
        before, after = (one.flags.branches[row.flag, row.branch] for one in (whole, less))
        denied = certain(before) & ruled_out(after)
        names = (*names, *(DIABETES if "diabetes_range" in names else ()))
        others = [name for name in names if name in RULES.markers and name != gone]
        measured = [less.visits.column(name).known for name in others]
        assert not (denied & ~np.any([np.zeros_like(denied), *measured], axis=0)).any(), row


def assert_signals_and_criteria_stay(whole: Judged, less: Judged) -> None:
    """Check that a signal or a criterion that is met is met or unknown now, never unmet."""
    signals = [supporting_signals(one.visits) for one in (whole, less)]
    for name, before in signals[0].items():
        assert not (certain(before) & ruled_out(signals[1][name])).any(), name
    found = [apply_criteria(one.readings) for one in (whole, less)]
    for id, before in found[0].items():
        for name, met in before.criteria.items():
            after = found[1][id].criteria[name]
            assert not (certain(met) & ruled_out(after)).any(), (id, name)


def assert_computed_only_of_what_is_there(whole: Judged, less: Judged, gone: str) -> None:
    """Check that what was computed of the marker is not computed, and that it is said why."""
    missing = whole.visits.column(gone).known & ~less.visits.column(gone).known
    for formula in COMPUTED.values():
        if gone not in formula.analytes or formula.marker in ("matsuda", "hsi"):
            continue  # Matsuda does without some of its samples
        here = missing & ~less.visits.column(formula.marker).known
        assert (here == missing).all(), formula.marker
        assert all(less.not_computed[formula.marker][here] != ""), formula.marker


@some
@given(person=people(), which=st.integers(0, 200))
def test_without_one_row_nobody_becomes_insulin_sensitive_unsaid(
    person: CaseInput, which: int
) -> None:
    """Rule 11 asks for glucose and insulin; what else is missing lowers what is known, and is told.

    Without HbA1c, or a signal, rule 11 may hold where it did not: then less is known, and said.
    """
    gone = which % len(person.rows)
    rows = person.rows.drop(index=gone).reset_index(drop=True)
    whole, less = interpret(person, RULES), interpret(dataclasses.replace(person, rows=rows), RULES)
    before = {visit.date: visit.phase for visit in whole.visits}
    for visit in less.visits:
        old, new = before[visit.date], visit.phase
        if new.rule == "11" and old.rule != "11":
            assert {"glucose_fasting", "insulin_fasting", "homa_ir"} <= set(new.present)
            fewer = (
                set(new.missing) > set(old.missing) or old.supporting_known > new.supporting_known
            )
            blocked = "discordant" in old.qualifiers or old.g_class == "G3"
            assert fewer or blocked
            assert new.confidence != "high"


@some
@given(person=people(), which=st.integers(0, 200))
def test_without_one_fact_a_flag_is_open_to_question_and_never_denied(
    person: CaseInput, which: int
) -> None:
    assume(person.context)
    key = sorted(person.context)[which % len(person.context)]
    assume(key != "urine_ketones")  # ketones in blood answer the same question where measured
    less_known = {name: value for name, value in person.context.items() if name != key}
    whole, less = judged(person), judged(dataclasses.replace(person, context=less_known))
    for place, before in whole.flags.branches.items():
        denied = certain(before) & ruled_out(less.flags.branches[place])
        assert not denied.any(), (place, key)


@some
@given(person=people(), key=st.sampled_from(sorted(CALM)))
def test_without_one_fact_that_the_phase_asks_confidence_is_not_high_and_it_is_said(
    person: CaseInput, key: str
) -> None:
    assume(person.sex == "F" or key != "pregnant")
    less_known = {name: value for name, value in person.context.items() if name != key}
    for visit in interpret(dataclasses.replace(person, context=less_known), RULES).visits:
        if RULES.context[key].confidence:
            assert key in visit.unknown
            assert visit.phase.confidence != "high"
