"""Publishing floor. Engines of papermill whose kernels are forked and talk over private sockets.

They are no children of papermill's class: papermill imports this module while it is being imported
itself, by the entry points ``papermill.engine``, so nothing of it can be used at the top here.
"""

from typing import Any

from pipeline.publish.kernels.manager import (
    ReportKernelManager,
    WarmKernelManager,
    anybodys_home,
    at_home,
)

ENGINE, ANYBODYS_ENGINE = "casereport", "casereport-warm"


class WarmEngine:
    """papermill's own engine with warm kernels, for anybody's notebook."""

    manager: type[WarmKernelManager] = WarmKernelManager

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, *places: Any, **options: Any) -> Any:
        """Run every cell; the arguments are those of papermill's engine."""
        with anybodys_home() as home:
            return run_cells(cls, nb, kernel_name, *places, **options, config=at_home(home))

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        """Return the name of the notebook's kernel, as papermill finds it."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        """Return the language of the notebook's kernel, as papermill finds it."""
        from papermill.utils import nb_language

        return nb_language(nb, language)


class ReportEngine(WarmEngine):
    """The engine of reports: their kernels are in the home of a run, and end without a word."""

    manager = ReportKernelManager

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, *places: Any, **options: Any) -> Any:
        """Run every cell; the arguments are those of papermill's engine.

        Where a kernel does not answer any more, the notebook is written as far as it came:
        papermill does so only where a cell ends with an error.
        """
        try:
            return run_cells(cls, nb, kernel_name, *places, **options, shutdown_kernel="immediate")
        except Exception:
            _write(nb)
            raise


def run_cells(engine: type[WarmEngine], nb: Any, *places: Any, **options: Any) -> Any:
    """Run every cell by papermill's own engine, with the kernels of one of ours."""
    from papermill.engines import NBClientEngine

    options["kernel_manager_class"] = engine.manager
    return NBClientEngine.execute_notebook(nb, *places, **options)


def _write(nb: Any) -> None:
    """Write a notebook where papermill noted that it belongs."""
    from papermill.iorw import write_ipynb

    write_ipynb(nb, nb.metadata.papermill.output_path)
