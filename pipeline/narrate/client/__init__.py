"""Middle floor. The case told to the person whom it is about, in plain words.

What is said, and which numbers, follow from the same interpretation as for clinicians; nothing is
computed here.
"""

from pipeline.narrate.client.around import changes, contact, glossary, sources, unknown
from pipeline.narrate.client.results import results
from pipeline.narrate.client.summary import client_title, summary

__all__ = [
    "changes",
    "client_title",
    "contact",
    "glossary",
    "results",
    "sources",
    "summary",
    "unknown",
]
