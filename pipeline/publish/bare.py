"""Publishing floor. Strips an executed notebook of paths, times and chance: the same twice."""

import hashlib
import json
import re
from typing import Any

import nbformat
from nbformat import NotebookNode

INPUT_NAME = "input.json"
_PATH = re.compile(r"^((?:case|review)_input) = .*$", re.MULTILINE)
_KERNEL = {"name": "python3", "language": "python", "display_name": "Python 3"}


def bare_notebook(notebook: NotebookNode) -> bytes:
    """Return an executed notebook without paths, times and whatever papermill noted in it.

    Of an error only its class stays, and of what a cell wrote on stderr nothing: the rest may quote
    a person's values, or where files lie.
    """
    return f"{nbformat.writes(nbformat.from_dict(_bare(notebook)))}\n".encode()


def told_hash(executed: NotebookNode, *, sha256: str, named: bool) -> str:
    """Return the hash of all that an executed notebook told.

    ``sha256`` is the hash of its input, which counts only where it is ``named`` in what is
    published.
    """
    content = json.dumps(_bare(executed), sort_keys=True)  # many times faster than indented
    told = content if named else content.replace(sha256, "")
    return hashlib.sha256(told.encode()).hexdigest()


def _bare(notebook: NotebookNode) -> dict[str, Any]:
    """Return what stays of a notebook."""
    cells = [_bare_cell(cell) for cell in notebook.cells]
    metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": metadata}


def _bare_cell(cell: NotebookNode) -> dict[str, Any]:
    """Return a cell with its source, outputs and tags; the injected path is made a bare name."""
    tags = cell.metadata.get("tags", [])
    bare = {key: cell[key] for key in cell if key not in ("metadata", "id")}
    if "outputs" in bare:
        bare["outputs"] = [_bare_output(output) for output in cell.outputs]
    if "injected-parameters" in tags:
        named = _PATH.sub(rf'\g<1> = "{INPUT_NAME}"', cell.source)
        return bare | {"id": "given", "metadata": {"tags": tags}, "source": named}
    return bare | {"id": cell.id, "metadata": {"tags": tags} if tags else {}}


def _bare_output(output: NotebookNode) -> NotebookNode:
    """Return an output as it is; of an error its class, of stderr that there was some."""
    if output.output_type == "error":
        return nbformat.v4.new_output("error", ename=output.ename, evalue="", traceback=[])
    if output.get("name") == "stderr":
        return nbformat.v4.new_output("stream", name="stderr", text="")
    return output
