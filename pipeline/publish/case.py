"""Publishing floor. The reports of one case or one review: what is to be made, and its place."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from pipeline.errors import PipelineError, ReadBackError
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.files import publish, withdraw
from pipeline.publish.in_short import CaseInShort
from pipeline.publish.journal import Entry, Journal, Key
from pipeline.publish.keys import Keys, Parts
from pipeline.publish.ledger import Failure, Made, Order
from pipeline.publish.task import Outcome, Product, Stopped, Task

FAILED = ".failed"  # in the output folder: notebooks of reports that were not made
_OF_A_REPORT = ("html", "pdf", "ipynb")  # case.json is of all reports of a case


@dataclass(slots=True, kw_only=True)
class CaseReports:
    """The reports of one case, and the one result that all of them must end with.

    A review of many is such a case too: its ``case_id`` is its period.
    """

    order: Order
    case_id: str
    work: Path  # a folder of the run, on the disk of the output
    journal: Journal
    brand: Brand = NO_BRAND
    made: list[Made] = field(default_factory=list)
    unchanged: int = 0  # of those made: as they lay there already
    failures: list[Failure] = field(default_factory=list)
    result: str = ""  # the hash of case.json
    in_short: CaseInShort | None = None  # of the first result; of a review there is none
    wanted: dict[str, Parts] = field(default_factory=dict)  # of each language still to be made
    alike: dict[str, Entry] = field(default_factory=dict)  # those that stay if they tell the same

    def is_new(self) -> bool:
        """Return whether any report was made now."""
        return len(self.made) > self.unchanged

    def tasks(self, content: bytes, keys: Keys) -> Iterator[Task]:
        """Yield what is to be made of an input file; a report that would be the same is taken."""
        parts = {language: keys.parts(content, language) for language in self.order.languages}
        self.wanted = {name: one for name, one in parts.items() if not self._taken(name, one)}
        for language in tuple(self.wanted):
            yield self._task(language, content)

    def settle(self, language: str, outcome: Outcome) -> None:
        """Put a report in its place, or note why it was not made.

        Raises OutputError where the output folder cannot be written to.
        """
        self.in_short = self.in_short or outcome.in_short
        if isinstance(outcome, Product):
            try:
                self._place(language, outcome)
            except ReadBackError as error:
                outcome = _as_stopped(error)
        if isinstance(outcome, Stopped):
            self._fail(language, outcome)
        del self.wanted[language]
        if not self.wanted and self.failures:
            self.withdraw_result()

    def withdraw_report(self, language: str) -> None:
        """Remove the files of a report that an earlier run made, of the ordered formats."""
        for ending in set(self.order.formats).intersection(_OF_A_REPORT):
            withdraw(self.order.out / f"{self._stem(language)}.{ending}")

    def withdraw_result(self) -> None:
        """Remove the result of an earlier run, where no report of this one ended with any."""
        if not self.made and "json" in self.order.formats:
            withdraw(self.order.out / self._result_name())

    # what need not be made

    def _taken(self, language: str, parts: Parts) -> bool:
        """Take a report as it lies there, where it was made from just these parts.

        Where only some are asked for, any other is taken as it lies there, if it does.
        """
        key = self._key(language)
        left_alone = self.order.only is not None and key[1:] not in self.order.only
        before = self.journal.before(key) if left_alone else self.journal.unchanged(key, parts)
        fits = before is not None and self.result in ("", before.result)
        if before is not None and fits and self.journal.lies(before):
            self._take(before)
            return True
        return left_alone

    def _take(self, entry: Entry) -> None:
        """Take a report as it lies there; it may be noted anew what it would be made from."""
        self._agree(entry.result)
        self.in_short = self.in_short or entry.in_short
        self.made.append(entry.as_made())
        self.unchanged += 1
        if entry != self.journal.before(entry.key):
            self.journal.note(entry)

    # what is made

    def _task(self, language: str, content: bytes) -> Task:
        """Return a task; where only what is told decides, it names what was told before."""
        order = self.order
        if before := self.journal.alike(self._key(language), self.wanted[language]):
            self.alike[language] = before
        return Task(
            kind=order.kind,
            name=self.case_id,
            language=language,
            content=content,
            formats=order.formats,
            pdf=order.pdf,
            as_of=order.as_of,
            brand=self.brand,
            known=before.told if before else "",
            place="" if order.cluster else str(self.work),
        )

    def _place(self, language: str, product: Product) -> None:
        """Put every ordered file in its place, and note what the report was made from."""
        # before anything is noted: a run that goes on from the note would leave it
        withdraw(self.order.out / self._partial_name(language))
        before = self.alike.get(language)
        if before is not None and before.told == product.told:
            self._take(replace(before, parts=self.wanted[language]))
        else:
            self._publish(language, product)

    def _publish(self, language: str, product: Product) -> None:
        self._agree(sha256(product.result).hexdigest())
        stem = self._stem(language)
        contents = {f"{stem}.{ending}": content for ending, content in product.files.items()}
        if "json" in self.order.formats:
            contents[self._result_name()] = product.result
        hashes = {
            name: publish(content, self.order.out / name, work=self.work / self.case_id)
            for name, content in contents.items()
        }
        made = Made(case_id=self.case_id, language=language, files=hashes)
        self.made.append(made)
        self._note(made, product)

    def _note(self, made: Made, product: Product) -> None:
        entry = Entry(
            kind=self.order.kind,
            case_id=made.case_id,
            language=made.language,
            parts=self.wanted[made.language],
            result=self.result,
            told=product.told,
            files=made.files,
            in_short=product.in_short,
        )
        self.journal.note(entry)

    def _agree(self, result: str) -> None:
        """Hold the result against that of the other reports of this case."""
        if self.result not in ("", result):
            raise ReadBackError("The reports of this case disagree about its result.")
        self.result = result

    def _fail(self, language: str, stopped: Stopped) -> None:
        """Note a report that was not made, and remove its files of an earlier run."""
        failure = Failure(
            case_id=self.case_id,
            language=language,
            notebook=f"{self.order.kind}.ipynb",
            cell=stopped.cell,
            cause=stopped.cause,
            partial=self._keep(stopped.partial, language),
            exit_code=stopped.exit_code,
        )
        self.failures.append(failure)
        self.withdraw_report(language)

    def _keep(self, partial: bytes, language: str) -> str:
        """Put a notebook that did not reach its end aside, and return where."""
        name = self._partial_name(language)
        if not partial:
            withdraw(self.order.out / name)
            return ""
        publish(partial, self.order.out / name, work=self.work / self.case_id)
        return name

    # names

    def _key(self, language: str) -> Key:
        return self.order.kind, self.case_id, language

    def _stem(self, language: str) -> str:
        """Return the name of a report's files below the output folder, without their ending."""
        return f"{self._folder()}{self.order.kind}.{language}"

    def _result_name(self) -> str:
        """Return the name of the result below the output folder."""
        return "cohort.json" if self.order.is_review else f"{self.case_id}/case.json"

    def _folder(self) -> str:
        """Return what the names of a case's files begin with; those of a review stand alone."""
        return "" if self.order.is_review else f"{self.case_id}/"

    def _partial_name(self, language: str) -> str:
        return f"{FAILED}/{self._stem(language)}.ipynb"


def _as_stopped(error: PipelineError) -> Stopped:
    return Stopped(cause=str(error), exit_code=error.exit_code)
