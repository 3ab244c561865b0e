"""Middle floor. Draws what is clearer seen than read, each with a description and its numbers."""

from pipeline.plot.ogtt import plot_ogtt
from pipeline.plot.road import plot_road
from pipeline.plot.trend import plot_trend

__all__ = ["plot_ogtt", "plot_road", "plot_trend"]
