"""Middle floor. Who the case is about: keywords, introduction, patient, clinical findings."""

from pipeline.language import capitalised
from pipeline.model import Visit
from pipeline.narrate import context
from pipeline.narrate.label import phase_key, phase_title
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import Weight, number_of, weight_of
from pipeline.story import (
    Block,
    Bullets,
    Column,
    Facts,
    Paragraph,
    Row,
    RowGroup,
    Section,
    Sentence,
    Table,
)

_BODY = "anthropometry"
_COLUMNS = 4  # visits side by side
_FEW_VISITS = 4  # as many dates as fit in the masthead


def visit_label(telling: Telling, visit: Visit) -> str:
    """Return the name of a visit: "Bij aanvang (4 september 2023)", "Maand 8 (6 mei 2024)"."""
    key = "report.visits.first" if visit.month == 0 else "report.visits.later"
    return telling.language.text(key, month=visit.month, date=visit.date)


def keywords(telling: Telling) -> Section:
    """Return the words a reader would search by: the phases seen, the markers that weighed most."""
    language = telling.language
    phases = [phase_key(telling, visit) for visit in telling.interpretation.visits]
    words = [language.text(f"report.keywords.{key}") for key in dict.fromkeys(phases)]
    heavy = tuple(
        finding
        for visit in telling.interpretation.visits
        for finding in visit.findings
        if weight_of(telling, finding) <= Weight.REFER
    )
    markers = {finding.marker for finding in heavy}
    names = [language.short(id) for id in telling.rules.markers if id in markers]
    text = telling.told("keywords") or "; ".join(dict.fromkeys([*words, *names]))
    return _section(telling, "keywords", _paragraph(text))


def introduction(telling: Telling) -> Section:
    """Return what the case tells of itself, then what this report covers."""
    visits = telling.interpretation.visits
    covers = telling.language.count(
        "report.introduction.covers", len(visits), first=visits[0].date, last=visits[-1].date
    )
    scope = telling.say("report.introduction.scope")
    sentences = (*_told(telling, "introduction"), _plain(covers), scope)
    return _section(telling, "introduction", Paragraph(sentences=sentences))


def patient(telling: Telling) -> Section:
    """Return the person and what was stated at each visit; ages in years, no date of birth."""
    told = _told(telling, "patient")
    blocks = (Paragraph(sentences=told),) if told else ()
    tables = (_stated_table(telling, visits) for visits in _side_by_side(telling))
    return _section(telling, "patient", *blocks, *tables)


def clinical_findings(telling: Telling) -> Section:
    """Return the symptoms of each visit and the body measures over all of them."""
    tables = (_body_table(telling, visits) for visits in _side_by_side(telling))
    blocks = (_symptoms(telling), *tables)
    return _section(telling, "findings", *(block for block in blocks if block))


def masthead(telling: Telling, labels: str = "report.facts") -> Facts:
    """Return what the head of the report says: case, person, sample dates, reference date.

    ``labels``: where the texts name these things.
    """
    language, case = telling.language, telling.interpretation.case
    laboratories = sorted(
        {f.lab for v in telling.interpretation.visits for f in v.findings if f.lab}
    )
    pairs = {
        "case": case.case_id,
        "person": person(telling, telling.last),
        "samples": _sampled(telling, labels),
        "as_of": language.short_date(case.as_of),
        "laboratory": language.listing(laboratories) if laboratories else "",
    }
    shown = ((key, value) for key, value in pairs.items() if value)
    return Facts(pairs=tuple((language.text(f"{labels}.{key}"), value) for key, value in shown))


def _sampled(telling: Telling, labels: str) -> str:
    """Return the dates of the visits; of many the first, the last and their number."""
    language = telling.language
    dates = [language.short_date(visit.date) for visit in telling.interpretation.visits]
    if len(dates) <= _FEW_VISITS:
        return language.listing(dates)
    return language.text(f"{labels}.span", first=dates[0], last=dates[-1], count=len(dates))


def person(telling: Telling, visit: Visit) -> str:
    """Return sex and age at a visit: "vrouw, 38 jaar"; what is unknown is said."""
    sex = telling.language.text(f"report.sex.{telling.interpretation.case.sex or 'unknown'}")
    if visit.age is None:
        return telling.language.text("report.person.age_unknown", sex=sex)
    return telling.language.text("report.person.known", sex=sex, age=visit.age)


def _side_by_side(telling: Telling) -> list[tuple[Visit, ...]]:
    """Return the visits in groups of as many as fit the width of a page."""
    visits = telling.interpretation.visits
    return [visits[at : at + _COLUMNS] for at in range(0, len(visits), _COLUMNS)]


def _stated_table(telling: Telling, visits: tuple[Visit, ...]) -> Table:
    """Return sex, age and what was stated, a column a visit."""
    language = telling.language
    persons = Row(
        cells=(
            language.text("report.facts.person"),
            *(person(telling, visit) for visit in visits),
        )
    )
    keys = [key for key in telling.rules.context if any(key in visit.context for visit in visits)]
    return Table(
        caption=language.text("report.patient.caption"),
        columns=(
            Column(label=language.text("report.patient.what")),
            *(Column(label=visit_label(telling, visit)) for visit in visits),
        ),
        groups=(
            RowGroup(
                title="", rows=(persons, *(_stated_row(telling, visits, key) for key in keys))
            ),
        ),
    )


def _stated_row(telling: Telling, visits: tuple[Visit, ...], key: str) -> Row:
    cells = (
        context.answer(telling, key, visit.context[key])
        if key in visit.context
        else telling.language.text("context.words.unknown")
        for visit in visits
    )
    return Row(cells=(capitalised(telling.language.text(f"context.keys.{key}")), *cells))


def _symptoms(telling: Telling) -> Bullets | None:
    """Return a sentence a visit at which symptoms were asked for."""
    items = []
    for visit in telling.interpretation.visits:
        if "symptoms" in visit.context:
            told = context.symptoms(telling, visit)
            key = "report.clinical.symptoms" if told else "report.clinical.no_symptoms"
            items.append(telling.say(key, date=visit.date, symptoms=told))
    return Bullets(items=tuple(items)) if items else None


def _body_table(telling: Telling, visits: tuple[Visit, ...]) -> Table | None:
    """Return weight, waist, blood pressure and their like, a column a visit."""
    language = telling.language
    ids = [id for id, marker in telling.rules.markers.items() if marker.domain == _BODY]
    rows = tuple(row for id in ids if (row := _body_row(telling, visits, id)))
    if not rows:
        return None
    dates = (Column(label=language.short_date(visit.date), kind="number") for visit in visits)
    return Table(
        caption=language.text("report.clinical.body_table"),
        columns=(
            Column(label=language.text("report.columns.measure")),
            *dates,
            Column(label=language.text("report.columns.unit")),
        ),
        groups=(RowGroup(title="", rows=rows),),
    )


def _body_row(telling: Telling, visits: tuple[Visit, ...], marker: str) -> Row | None:
    found = [finding_of(visit, marker) for visit in visits]
    known = [finding for finding in found if finding]
    if not known:
        return None
    values = (number_of(telling, one) if one else "–" for one in found)
    return Row(
        cells=(telling.language.marker(marker), *values, telling.language.unit(known[0].unit)),
        markers=(marker,),
        rows=tuple(row for finding in known for row in finding.rows),
    )


def _told(telling: Telling, part: str) -> tuple[Sentence, ...]:
    text = telling.told(part)
    return (Sentence(text=text, key=f"told.{part}"),) if text else ()


def _plain(text: str) -> Sentence:
    return Sentence(text=text, key="report.introduction.covers")


def _paragraph(text: str) -> Paragraph:
    return Paragraph(sentences=(Sentence(text=text, key="report.keywords"),))


def _section(telling: Telling, id: str, *blocks: Block) -> Section:
    return Section(
        id=id, title=telling.language.text(f"report.sections.{id}"), blocks=tuple(blocks)
    )


def title(telling: Telling) -> str:
    """Return the title of the report: the case's own, else the phase of its last visit."""
    return telling.told("title") or telling.language.text(
        "report.title", phase=phase_title(telling, telling.last)
    )
