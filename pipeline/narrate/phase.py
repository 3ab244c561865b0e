"""Middle floor. The phase in words: the box of page one, and the reasoning behind it."""

from pipeline.language import capitalised
from pipeline.model import Phase, Visit
from pipeline.narrate.context import named
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import value_of
from pipeline.story import Bullets, Callout, Column, Facts, Row, RowGroup, Sentence, Table

_GLUCOSE_LOWERING = "glucose_lowering"  # the group of medication.csv that holds all of A10
_SIGNALS_OF_RULE_12 = 2  # rule 13 takes the label of rule 12 from here (specification 7.2)
_ANSWERS: dict[bool | None, str] = {True: "yes", False: "no", None: "unknown"}


def phase_key(telling: Telling, visit: Visit) -> str:
    """Return the key of the text that names the phase of a visit.

    Some rules have a second label: low glucose beside high insulin, known diabetes below its range.
    """
    phase = visit.phase
    if phase.id == "compensation" and "low_glucose" in phase.qualifiers:
        return "compensation_low"
    if phase.rule == "12" and "discordant" not in phase.qualifiers:
        return "low_glucose" if "low_glucose" in phase.qualifiers else "discordant"
    if phase.rule == "13" and phase.supporting >= _SIGNALS_OF_RULE_12:
        return "discordant"
    if phase.rule == "2" and _is_outside_diabetes_range(visit):
        return "known_t2d_outside_range"
    return next(rule.text for rule in telling.rules.phases if rule.rule == phase.rule)


def phase_title(telling: Telling, visit: Visit) -> str:
    """Return the name of the phase of a visit."""
    return telling.language.text(f"phases.{phase_key(telling, visit)}.title")


def phase_box(telling: Telling, visit: Visit) -> Callout:
    """Return the box of page one: the phase, how certain it is, and the reasoning in a sentence."""
    language, key = telling.language, phase_key(telling, visit)
    return Callout(
        level="phase",
        title=language.text("phases.callout", title=language.text(f"phases.{key}.title")),
        label=language.text("phases.callout_label", confidence=_confidence(telling, visit.phase)),
        sentences=(
            telling.say(f"phases.{key}.reason", by=(visit.phase.rule,)),
            _reasoning(telling, visit),
            *_notes(telling, visit.phase),
        ),
        id=visit.phase.id,
    )


def phase_facts(telling: Telling, visit: Visit) -> Facts:
    """Return the decision as pairs: phase, rule, classes, S = x of y, confidence, qualifiers."""
    language, phase = telling.language, visit.phase
    labels = [language.text(f"phases.qualifiers.{one}.label") for one in phase.qualifiers]
    values = {
        "phase": phase_title(telling, visit),
        "rule": phase.rule,
        "g_class": language.text(f"phases.g_class.{phase.g_class}"),
        "i_class": language.text(f"phases.i_class.{phase.i_class}"),
        "signals": language.text(
            "report.phase.s_of", s=phase.supporting, known=phase.supporting_known
        ),
        "confidence": _confidence(telling, phase),
        "qualifiers": language.listing(labels) if labels else language.text("report.words.none"),
    }
    return Facts(pairs=tuple((language.text(f"report.phase.{k}"), v) for k, v in values.items()))


def phase_inputs(telling: Telling, visit: Visit) -> Bullets | None:
    """Return what the decision used, lacked and left out with the reason; None where nothing."""
    told = (_present(telling, visit), _missing(telling, visit), _excluded(telling, visit))
    items = tuple(sentence for sentence in told if sentence)
    return Bullets(items=items) if items else None


def signal_table(telling: Telling, visit: Visit) -> Table | None:
    """Return the supporting signals, each present, absent or unknown."""
    language, signals = telling.language, visit.phase.signals
    if not signals:
        return None
    rows = tuple(
        Row(
            cells=(
                capitalised(language.text(f"phases.signals.{name}")),
                language.text(f"phases.signal_values.{_ANSWERS[answer]}"),
            )
        )
        for name, answer in signals.items()
    )
    return Table(
        caption=language.text("report.phase.signal_table"),
        columns=(
            Column(label=language.text("report.phase.signal")),
            Column(label=language.text("report.phase.answer")),
        ),
        groups=(RowGroup(title="", rows=rows),),
    )


def missing_for_phase(telling: Telling, visit: Visit) -> Sentence | None:
    """Return what the phase lacked, for page one."""
    return _missing(telling, visit)


def _confidence(telling: Telling, phase: Phase) -> str:
    return telling.language.text(f"phases.confidence.{phase.confidence or 'none'}")


def _reasoning(telling: Telling, visit: Visit) -> Sentence:
    phase, language = visit.phase, telling.language
    items = _items(telling, visit)
    return telling.say(
        "phases.reasoning" if items else "phases.reasoning_bare",
        by=(phase.rule,),
        markers=phase.present,
        rule=phase.rule,
        present=items,
        g=language.text(f"phases.g_class.{phase.g_class}"),
        i=language.text(f"phases.i_class.{phase.i_class}"),
        s=phase.supporting,
        known=phase.supporting_known,
    )


def _notes(telling: Telling, phase: Phase) -> tuple[Sentence, ...]:
    keys = (f"phases.qualifiers.{one}.note" for one in phase.qualifiers)
    return tuple(telling.say(key, by=(phase.rule,)) for key in keys if telling.language.has(key))


def _items(telling: Telling, visit: Visit) -> list[str]:
    """Return the values that the phase rests on, in words; an input that is no marker has none."""
    found = (finding_of(visit, marker) for marker in visit.phase.present)
    return [
        telling.language.text(
            "findings.item_plain",
            marker=telling.language.short(finding.marker),
            value=value_of(telling, visit, finding),
        )
        for finding in found
        if finding is not None
    ]


def _present(telling: Telling, visit: Visit) -> Sentence | None:
    items = _items(telling, visit)
    if not items:
        return None
    return telling.say("report.phase.present", markers=visit.phase.present, present=items)


def _missing(telling: Telling, visit: Visit) -> Sentence | None:
    if not visit.phase.missing:
        return None
    names = [named(telling, id) for id in visit.phase.missing]
    return telling.say(
        "phases.missing", by=(visit.phase.rule,), markers=visit.phase.missing, missing=names
    )


def _excluded(telling: Telling, visit: Visit) -> Sentence | None:
    if not visit.phase.excluded:
        return None
    language = telling.language
    items = [
        f"{named(telling, id)} ({language.text(f'reasons.excluded.{why}')})"
        for id, why in visit.phase.excluded
    ]
    return telling.say("phases.excluded", by=(visit.phase.rule,), excluded=items)


def _is_outside_diabetes_range(visit: Visit) -> bool:
    """Return whether HbA1c is known, the class is not diabetes, and nothing lowers glucose."""
    drugs = visit.context.get("medication")
    if drugs is None or visit.phase.g_class in ("G3", "G?"):
        return False
    untreated = _GLUCOSE_LOWERING not in drugs  # type: ignore[operator]
    return untreated and finding_of(visit, "hba1c") is not None
