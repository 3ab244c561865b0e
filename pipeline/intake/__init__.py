"""Order floor. Files become accepted rows and a quarantine; nothing is lost."""

from pipeline.intake.files import nobody, take_in
from pipeline.intake.intake import (
    Intake,
    Source,
    Step,
    Watch,
    quarantine_of,
    reason_text,
    require_rows,
    unwatched,
)

__all__ = [
    "Intake",
    "Source",
    "Step",
    "Watch",
    "nobody",
    "quarantine_of",
    "reason_text",
    "require_rows",
    "take_in",
    "unwatched",
]
