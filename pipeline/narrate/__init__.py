"""Middle floor. Tells a case to an audience; to clinicians in the sections of a CARE report."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from pipeline.language import Language
from pipeline.model import Audience, Interpretation
from pipeline.narrate import client
from pipeline.narrate.diagnostics import diagnostics
from pipeline.narrate.discussion import consent, discussion, perspective
from pipeline.narrate.genotype import client_genotypes, genotypes
from pipeline.narrate.methods import methods
from pipeline.narrate.outcome import outcome
from pipeline.narrate.patient import (
    clinical_findings,
    introduction,
    keywords,
    masthead,
    patient,
    title,
)
from pipeline.narrate.plan import plan
from pipeline.narrate.provenance import with_provenance
from pipeline.narrate.summary import summary
from pipeline.narrate.telling import Telling
from pipeline.narrate.timeline import intervention, timeline
from pipeline.rules import load_rules
from pipeline.story import Facts, Section, Story

__all__ = ["narrate"]

# Page one comes first; to clinicians then the order of CARE.
_SECTIONS: Mapping[Audience, tuple[Callable[[Telling], Section], ...]] = {
    Audience.CLINICIAN: (
        summary,
        keywords,
        introduction,
        patient,
        clinical_findings,
        timeline,
        diagnostics,
        genotypes,
        intervention,
        outcome,
        plan,
        discussion,
        perspective,
        consent,
        methods,
    ),
    Audience.CLIENT: (
        client.summary,
        client.changes,
        client.results,
        client.load_test,
        client.plan,
        client_genotypes,
        client.unknown,
        client.sources,
        client.glossary,
        client.contact,
    ),
}
_TITLES: Mapping[Audience, Callable[[Telling], str]] = {
    Audience.CLINICIAN: title,
    Audience.CLIENT: client.client_title,
}
_FACTS: Mapping[Audience, Callable[[Telling], Facts]] = {
    Audience.CLINICIAN: masthead,
    Audience.CLIENT: client.client_facts,
}


def narrate(
    interpretation: Interpretation, language: str, audience: Audience = Audience.CLINICIAN
) -> Story:
    """Return the case told in a language ("nl", "en"); sections without data are left out.

    All words come from the texts and from what the case itself tells; each sentence carries the key
    of its text and the rules, markers and rows behind it. An interpretation has at least one visit.

    Raises RulesError where the language has no text for something that the case needs said.
    """
    telling = Telling(
        interpretation=interpretation,
        language=Language.load(language),
        rules=load_rules().with_targets(interpretation.case.rules),
    )
    sections = (_without_empty_parts(telling.section(tell)) for tell in _SECTIONS[audience])
    story = Story(
        title=_TITLES[audience](telling),
        language=language,
        facts=_FACTS[audience](telling),
        sections=tuple(section for section in sections if not section.is_empty()),
    )
    return with_provenance(telling, story)


def _without_empty_parts(section: Section) -> Section:
    """Return a section without the parts under which nothing would be printed."""
    parts = (_without_empty_parts(part) for part in section.subsections)
    return replace(section, subsections=tuple(part for part in parts if not part.is_empty()))
