"""Resource floor. Finds notebooks, templates and other files, in a checkout or in the wheel."""

from pathlib import Path

from pipeline.errors import RulesError

_PACKAGE = Path(__file__).resolve().parent


def resource_path(name: str) -> Path:
    """Return the folder or file ``name`` (``"notebooks"``, ``"templates/report"`` …).

    A wheel carries these folders inside the package; a checkout has them beside it.

    Raises RulesError where neither place has it: the installation is incomplete.
    """
    for root in (_PACKAGE / "_resources", _PACKAGE.parent):
        if (root / name).exists():
            return root / name
    raise RulesError(f"Unable to find '{name}' in the installation of casereport.")


def languages() -> tuple[str, ...]:
    """Return the codes of the languages there are texts of; each is one folder."""
    folders = resource_path("pipeline/rules/texts").iterdir()
    return tuple(sorted(folder.name for folder in folders if folder.is_dir()))
