"""Middle floor. The case told to the person whom it is about, in plain words.

What is said, and which numbers, follow from the same interpretation as for clinicians; nothing is
computed here.
"""

from pipeline.narrate.client.around import contact, unknown
from pipeline.narrate.client.changes import changes
from pipeline.narrate.client.glossary import glossary
from pipeline.narrate.client.load_test import load_test
from pipeline.narrate.client.plan import plan
from pipeline.narrate.client.results import results
from pipeline.narrate.client.sources import sources
from pipeline.narrate.client.summary import client_facts, client_title, summary

__all__ = [
    "changes",
    "client_facts",
    "client_title",
    "contact",
    "glossary",
    "load_test",
    "plan",
    "results",
    "sources",
    "summary",
    "unknown",
]
