"""Command floor. What the commands share: reading what was asked for, telling the outcome."""

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a command needs is imported when it runs: --help answers at once
    from pipeline.intake import Intake
    from pipeline.intake.files import Known
    from pipeline.rules import Rules


def take_in_asked(asked: Namespace, *, language: str, known: "Known | None" = None) -> "Intake":
    """Return the rows of the inputs, after writing which were set aside and why.

    ``known`` says what a store states of the people already.
    """
    from pipeline.intake import require_rows
    from pipeline.publish.last_run import require_no_corrections
    from pipeline.publish.validation_page import write_validation

    require_no_corrections(asked.out)
    intake = read_asked(asked, known=known)
    write_validation(intake, asked.out, language=language)
    require_rows(intake, strict=asked.strict)
    return intake


def read_asked(asked: Namespace, *, known: "Known | None" = None) -> "Intake":
    """Return the rows of the inputs; nothing is written."""
    from pipeline.intake import nobody, take_in
    from pipeline.publish.inputs import require_inputs
    from pipeline.publish.progress import shown_progress
    from pipeline.read import read_mapping

    require_inputs([*asked.inputs, *filter(None, [asked.people, asked.mapping, asked.suite])])
    rules = rules_of(asked)
    mapping = None if asked.mapping is None else read_mapping(asked.mapping, rules)
    with shown_progress(quiet=asked.quiet) as watch:
        return take_in(
            asked.inputs,
            as_of=asked.as_of,
            people=asked.people,
            rules=rules,
            mapping=mapping,
            suite=asked.suite,
            watch=watch,
            known=known or nobody,
        )


def rules_of(asked: Namespace) -> "Rules":
    """Return the rules, with the practice's own targets where it has a file of them."""
    from pipeline.read.overlay import read_overlay
    from pipeline.rules import load_rules

    return load_rules() if asked.rules is None else read_overlay(asked.rules, load_rules())


def print_result(told: dict[str, Any], lines: str, asked: Namespace) -> None:
    """Print the outcome on stdout: as JSON where that was asked for, nothing where quiet."""
    if asked.json:
        print(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True))
    elif not asked.quiet:
        print(lines)
