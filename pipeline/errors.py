"""Ground floor. What can go wrong, by whose fault it is; the class decides the exit code."""


class PipelineError(Exception):
    """Anything the user can act on. Its text is one sentence, never with a person's value in it."""

    exit_code = 1


class CommandError(PipelineError):
    """The command line is wrong in a way that its parser cannot see: an unknown KIND, no ID."""

    exit_code = 2


class BrandError(PipelineError):
    """A brand file or its logo cannot be used; nothing is made with half of it."""

    exit_code = 2


class LabFileError(PipelineError):
    """A lab file cannot be read at all; a bad *row* is quarantined instead."""

    exit_code = 3


class CaseFileError(PipelineError):
    """A case.toml or a table of people is missing, malformed, or uses an unknown key or word."""

    exit_code = 3


class ReferenceFileError(PipelineError):
    """A reference population cannot be used: nothing is compared with half of it."""

    exit_code = 3


class NothingUsableError(PipelineError):
    """The files were read, but nothing can be made: no row accepted, or (strict) one set aside."""

    exit_code = 3


class ReportError(PipelineError):
    """One report could not be made; the others go on."""

    exit_code = 4


class ReadBackError(PipelineError):
    """Two reports of one case disagree about its result; the second is not written."""

    exit_code = 5


class RulesError(PipelineError):
    """The rules contradict themselves, or an expectation could not be judged."""

    exit_code = 6


class OutputError(PipelineError):
    """The place to write cannot be used: full, read-only, or not a folder."""

    exit_code = 7
