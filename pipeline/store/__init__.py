"""Middle floor. The store of a practice: one DuckDB file that remembers what came in."""

from pipeline.store.exchange import export_store, import_store
from pipeline.store.forgetting import Forgotten, forget_person
from pipeline.store.opening import open_to_read, open_to_write
from pipeline.store.reading import Remembered, recall, recall_files, tally
from pipeline.store.reviews import earlier_reviews, record_review
from pipeline.store.stating import Statement, statements_of
from pipeline.store.writing import Added, Addition, File, add, record_reports

__all__ = [
    "Added",
    "Addition",
    "File",
    "Forgotten",
    "Remembered",
    "Statement",
    "add",
    "earlier_reviews",
    "export_store",
    "forget_person",
    "import_store",
    "open_to_read",
    "open_to_write",
    "recall",
    "recall_files",
    "record_reports",
    "record_review",
    "statements_of",
    "tally",
]
