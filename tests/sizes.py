"""How much the tests try: little on each change, everything with CASEREPORT_SIZE=full."""

import os

FULL_SIZE = os.environ.get("CASEREPORT_SIZE") == "full"


def sized(few: int, *, full: int) -> int:
    """Return how many of something to try: ``few`` in ``make test``, ``full`` in ``make fuzz``."""
    return full if FULL_SIZE else few
