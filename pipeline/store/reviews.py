"""Middle floor. What reviews of a period told, so that a later one does not tell on it."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from pipeline.store.opening import Connection

Tables = Mapping[str, Mapping[str, Any]]  # by name, each as its own record


def earlier_reviews(connection: Connection, period: str) -> list[Tables]:
    """Return the tables that each review of a period told, in their order.

    All of them count: what the last one held back, one before it may have told.
    """
    found = connection.execute(
        "SELECT tables FROM review WHERE period = ? ORDER BY id", [period]
    ).fetchall()
    return [dict(json.loads(tables)) for (tables,) in found]


def record_review(connection: Connection, period: str, *, as_of: date, tables: Tables) -> None:
    """Note what a review told; one that told the same as one before is not noted again."""
    told = json.dumps(tables, sort_keys=True)
    before = [json.dumps(one, sort_keys=True) for one in earlier_reviews(connection, period)]
    if told not in before:
        connection.execute(
            "INSERT INTO review SELECT coalesce(max(id), 0) + 1, ?, ?, ? FROM review",
            [period, as_of, told],
        )
