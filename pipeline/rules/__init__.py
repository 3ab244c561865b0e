"""Floor 3. The facts of casereport: what is known of markers, units, limits, flags and phases."""

from pipeline.rules.loader import Rules, load_rules
from pipeline.rules.units import fold_unit

__all__ = ["Rules", "fold_unit", "load_rules"]
