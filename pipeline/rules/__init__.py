"""Rules floor. The facts of casereport: markers, units, limits, flags and phases."""

from pipeline.rules.fingerprint import facts_hash, program_hash
from pipeline.rules.loader import Rules, load_rules
from pipeline.rules.units import fold_unit

__all__ = ["Rules", "facts_hash", "fold_unit", "load_rules", "program_hash"]
