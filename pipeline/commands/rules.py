"""Command floor. ``casereport rules``: what is known, and whether it agrees with itself."""

from argparse import Namespace

from pipeline.errors import CommandError, RulesError


def rules(asked: Namespace) -> int:
    """Print what is known, or whether the rules agree with themselves (6 where they do not)."""
    from pipeline.rulebook import check_rules, explain, list_rules

    if asked.action == "check":
        faults = check_rules()
        print("\n".join(faults) or "The rules agree with themselves.")
        return RulesError.exit_code if faults else 0
    if asked.action == "list":
        print(list_rules())
    elif asked.id is None:
        raise CommandError("Unable to explain without an ID: casereport rules explain ID.")
    else:
        print(explain(asked.id))
    return 0
