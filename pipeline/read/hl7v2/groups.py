"""Middle floor. Finds what each OBX belongs to: its message, patient, order, specimen, notes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from pipeline.errors import LabFileError
from pipeline.read.hl7v2.around import (
    Told,
    told_by_message,
    told_by_order,
    told_by_patient,
    told_by_specimen,
)
from pipeline.read.hl7v2.segments import Segment


@dataclass(kw_only=True)
class Group:
    """What surrounds results: one order with its specimens, or one specimen with its orders.

    Each segment is read once, when it comes. ``specimen`` may still change after a result was
    found, so that an SPM behind an OBX counts for it too; of several it is what all of them say.
    """

    message: Told
    patient: Told = field(default_factory=dict)
    order: Told = field(default_factory=dict)
    specimen: Told | None = None
    by_specimen: bool = False  # an SPM opened it: the order of segments in OUL^R22


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One OBX, what surrounds it, and the NTE segments that follow it."""

    segment: Segment
    group: Group
    notes: list[Segment] = field(default_factory=list)


def observations_of(segments: Iterable[Segment], *, name: str) -> list[Observation]:
    """Return every OBX of a file, ``name``, in its order.

    Raises LabFileError where one stands outside any message: it may be of anybody.
    """
    walk = _Walk(name)
    for segment in segments:
        if step := _STEPS.get(segment.name):
            step(walk, segment)
    return walk.found


class _Walk:
    """Where the reader is in the file; a segment that stands outside any message is nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Observation] = []
        self.group: Group | None = None
        self.notes: list[Segment] | None = None

    def begin_message(self, segment: Segment) -> None:
        self.group, self.notes = Group(message=told_by_message(segment)), None

    def end_message(self, segment: Segment) -> None:
        self.group, self.notes = None, None

    def begin_patient(self, segment: Segment) -> None:
        self.notes = None
        if self.group:
            self.group = Group(message=self.group.message, patient=told_by_patient(segment))

    def begin_order(self, segment: Segment) -> None:
        """Open a group, or add an order to the specimen that opened one."""
        self.notes = None
        if self.group:
            kept = self.group.specimen if self.group.by_specimen else None
            self.group = replace(self.group, order=told_by_order(segment), specimen=kept)

    def begin_specimen(self, segment: Segment) -> None:
        """Add a specimen to the order that opened the group, or open one."""
        self.notes = None
        if not self.group:
            return
        told = told_by_specimen(segment)
        if self.group.by_specimen or not self.group.order:
            self.group = replace(self.group, order={}, specimen=told, by_specimen=True)
        else:
            self.group.specimen = _agreed(self.group.specimen, told)

    def observe(self, segment: Segment) -> None:
        if not self.group:
            raise LabFileError(f"Unable to find MSH in '{self.name}' before line {segment.line}.")
        observation = Observation(segment=segment, group=self.group)
        self.found.append(observation)
        self.notes = observation.notes

    def note(self, segment: Segment) -> None:
        if self.notes is not None:
            self.notes.append(segment)

    def leave_observation(self, segment: Segment) -> None:
        self.notes = None


def _agreed(before: Told | None, told: Told) -> Told:
    """Return what both specimens say, "" where they differ: which of them it is nobody says."""
    if before is None:
        return told
    return {key: text if before[key] == text else "" for key, text in told.items()}


_STEPS: dict[str, Callable[[_Walk, Segment], None]] = {
    "MSH": _Walk.begin_message,
    **dict.fromkeys(("FHS", "BHS", "BTS", "FTS"), _Walk.end_message),
    "PID": _Walk.begin_patient,
    "OBR": _Walk.begin_order,
    "SPM": _Walk.begin_specimen,
    "OBX": _Walk.observe,
    "NTE": _Walk.note,
    **dict.fromkeys(("ORC", "PV1", "SAC", "TQ1"), _Walk.leave_observation),
}
