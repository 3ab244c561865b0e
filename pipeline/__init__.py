"""casereport: lab results in; case studies, client reports and cohort reviews out."""

__version__ = "0.1.0"
