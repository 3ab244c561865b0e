"""Order floor. Accepted rows become an interpretation.

``interpret_columns`` knows the order of work and takes one person or a million; ``interpret`` makes
the objects of the one case that is shown.
"""

from pipeline.interpret.case import interpret
from pipeline.interpret.columns import Judged, interpret_columns
from pipeline.interpret.shown import with_numbered_files

__all__ = ["Judged", "interpret", "interpret_columns", "with_numbered_files"]
