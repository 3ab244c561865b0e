"""Publishing floor. How much a notebook may print and how long it may take, all cells together."""

import math
import time
from dataclasses import dataclass, field

_MEGABYTE = 1 << 20
_LEAST = 0.001  # seconds: none at all would be no limit to nbclient


@dataclass(slots=True, kw_only=True)
class Bounds:
    """The bounds of one notebook, and how far it has come; its time begins now."""

    cell_seconds: float
    seconds: float  # all cells together, and the start of the kernel
    megabytes: int  # of messages with outputs
    began: float = field(default_factory=time.monotonic)
    printed: float = 0  # bytes so far

    def __deepcopy__(self, memo: object) -> "Bounds":
        """Stay one object: traitlets copies the settings of a kernel manager."""
        return self

    @property
    def bytes(self) -> int:
        """Return the most bytes of outputs; one message that is longer is not even received."""
        return self.megabytes * _MEGABYTE

    def seconds_for(self, cell: object) -> float:
        """Return how long the next cell may take: nbclient's ``timeout_func``."""
        return max(_LEAST, min(self.cell_seconds, self._seconds_left()))

    def allow(self, size: float = math.inf) -> bool:
        """Return whether so many bytes more may be printed; left out, more than any bound."""
        self.printed += size
        return self.printed <= self.bytes

    def too_much(self) -> str:
        """Return in a sentence that too much was printed; "" where it was not."""
        if self.printed <= self.bytes:
            return ""
        return f"The notebook printed more than {self.megabytes} MB."

    def too_long(self) -> str:
        """Return in a sentence which time a notebook did not keep, of which a cell was ended."""
        if self._seconds_left() <= 0:
            return f"The report took longer than {self.seconds} seconds."
        return f"A cell took longer than {self.cell_seconds} seconds."

    def _seconds_left(self) -> float:
        return self.began + self.seconds - time.monotonic()
