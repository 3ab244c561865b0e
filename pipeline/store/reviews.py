"""Middle floor. What reviews of a period told, so that a later one does not tell on it."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from pipeline.store.opening import Connection

Tables = Mapping[str, Mapping[str, Any]]  # by name, each as its own record


def last_review(connection: Connection, period: str) -> Tables:
    """Return the tables that the last review of a period told; none where there was none."""
    found = connection.execute(
        "SELECT tables FROM review WHERE period = ? ORDER BY id DESC LIMIT 1", [period]
    ).fetchall()
    return dict(json.loads(found[0][0])) if found else {}


def record_review(connection: Connection, period: str, *, as_of: date, tables: Tables) -> None:
    """Note what a review told; one that told the same again is not noted twice."""
    told = json.dumps(tables, sort_keys=True)
    if told != json.dumps(last_review(connection, period), sort_keys=True):
        connection.execute(
            "INSERT INTO review SELECT coalesce(max(id), 0) + 1, ?, ?, ? FROM review",
            [period, as_of, told],
        )
