"""Middle floor. Draws what is clearer seen than read, each with a description and its numbers."""

from pipeline.plot.ogtt import plot_ogtt
from pipeline.plot.review import plot_distributions, plot_run_charts
from pipeline.plot.review_flows import plot_flow, plot_transitions
from pipeline.plot.road import plot_road
from pipeline.plot.trend import plot_trend

__all__ = [
    "plot_distributions",
    "plot_flow",
    "plot_ogtt",
    "plot_road",
    "plot_run_charts",
    "plot_transitions",
    "plot_trend",
]
