"""Nothing is made twice: a report that would be as it lies there stays, and it is known why not."""

import datetime as dt
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from golden import case_of

from pipeline import narrate as narration
from pipeline.__main__ import _parser, main
from pipeline.errors import CommandError
from pipeline.model import CaseInput
from pipeline.publish import keys as publish_keys
from pipeline.publish import work as publish_work
from pipeline.publish.again import explain_case, failed_before
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.journal import JOURNAL, Journal
from pipeline.publish.kinds import CaseParameters
from pipeline.publish.ledger import Ledger, Order
from pipeline.publish.notebook import Executed, NotebookError
from pipeline.publish.report import make_reports
from pipeline.rules import loader

pytestmark = pytest.mark.usefixtures("runs")
CASES = ("edges_of_homa_ir_1_8", "found_again", "hba1c_unreliable_in_anaemia")
AS_OF = dt.date(2025, 10, 1)


class People:
    """Three golden cases as what came in; the practice's own targets may be added."""

    case_ids = CASES
    cases_without_rows: ClassVar = ()
    set_aside_by_case: ClassVar = {}
    counts: ClassVar = {"read": 3, "accepted": 3, "set_aside": 0, "no_result": 0}

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def case(self, case_id: str) -> CaseInput:
        return replace(case_of(case_id), **self.changes)


def order(out: Path, **changes: Any) -> Order:
    given: dict[str, Any] = {"kind": "client_report", "inputs": (Path("lab.csv"),), "out": out}
    return Order(**(given | {"as_of": AS_OF, "formats": ("html", "json")} | changes))


def made(
    out: Path, people: People | None = None, brand: Brand = NO_BRAND, **changes: Any
) -> Ledger:
    one = order(out, **changes)
    return make_reports(
        one, people or People(), read={"lab.csv": "aa"}, announce=lambda _: None, brand=brand
    )


def lying(out: Path) -> dict[str, tuple[bytes, int]]:
    """Return what each published file holds, and when it was last changed."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name != JOURNAL]
    return {
        str(path.relative_to(out)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in files
        if path.name != "run.json"
    }


def test_the_same_command_makes_nothing_a_second_time(tmp_path: Path, runs: list) -> None:
    first, before = made(tmp_path), lying(tmp_path)
    record = (tmp_path / "run.json").read_bytes()
    assert (len(first.made), first.unchanged, len(runs)) == (3, 0, 3)
    second = made(tmp_path)
    assert (len(second.made), second.unchanged, len(runs)) == (3, 3, 3)
    assert lying(tmp_path) == before
    assert (tmp_path / "run.json").read_bytes() == record
    assert "0 reports made, 3 unchanged, in" in second.summary()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"as_of": dt.date(2025, 10, 2)}, "as_of"),
        ({"formats": ("html",)}, "formats"),
        ({"pdf": "a3"}, "pdf"),
    ],
)
def test_what_is_asked_otherwise_is_made_again(
    tmp_path: Path, runs: list, changes: dict[str, Any], part: str
) -> None:
    made(tmp_path)
    told = explain_case(order(tmp_path, **changes), People().case(CASES[0]), NO_BRAND)
    assert told.endswith(f"changed: {part}.")
    assert made(tmp_path, **changes).unchanged == 0
    assert len(runs) == 6


def test_another_brand_or_language_or_kind_is_made_again(tmp_path: Path, runs: list) -> None:
    made(tmp_path)
    assert made(tmp_path, brand=Brand(name="De Linde")).unchanged == 0
    assert made(tmp_path, brand=Brand(name="De Linde"), languages=("nl", "en")).unchanged == 3
    assert made(tmp_path, kind="case_study").unchanged == 0
    assert made(tmp_path, brand=Brand(name="De Linde"), languages=("en",)).unchanged == 3


@pytest.mark.parametrize("folder", ["templates", "texts"])
def test_a_changed_file_of_the_installation_makes_its_reports_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list, folder: str
) -> None:
    made(tmp_path)
    hash_of = publish_keys._files_hash

    def changed(*folders: Path) -> str:
        return hash_of(*folders) + "x" * any(folder in str(one) for one in folders)

    monkeypatch.setattr(publish_keys, "_files_hash", changed)
    changed.cache_clear = hash_of.cache_clear  # type: ignore[attr-defined]
    assert made(tmp_path).unchanged == 0
    assert len(runs) == 6
    monkeypatch.undo()


def test_one_changed_case_is_made_again_alone(tmp_path: Path, runs: list) -> None:
    made(tmp_path)
    runs.clear()

    class Changed(People):
        def case(self, case_id: str) -> CaseInput:
            case = super().case(case_id)
            return replace(case, birth_year=1950) if case_id == CASES[1] else case

    assert made(tmp_path, Changed()).unchanged == 2
    assert runs == [(CASES[1], "nl")]


def with_limit(
    monkeypatch: pytest.MonkeyPatch, id: str, value: float
) -> Callable[[], loader.Rules]:
    """Change one limit, and its file's hash with it, as an edit of limits.csv would."""
    rules = loader.load_rules()
    limits = tuple(replace(one, value=value) if one.id == id else one for one in rules.limits)
    assert limits != rules.limits
    changed = replace(rules, limits=limits)
    for module in (narration, __import__("pipeline.interpret.case", fromlist=["case"])):
        monkeypatch.setattr(module, "load_rules", lambda: changed)
    hash_of = publish_keys.hash_of
    file = (Path(loader.__file__).parent / "limits.csv").read_bytes()

    def hashed(parts: Any) -> str:
        found = list(parts)
        return hash_of([*found, b"changed"] if found == [file] else found)

    monkeypatch.setattr(publish_keys, "hash_of", hashed)
    return lambda: changed


def test_a_changed_threshold_makes_again_exactly_the_reports_it_touches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list
) -> None:
    made(tmp_path)
    before = lying(tmp_path)
    has = {case for case in CASES if "haemoglobin" in set(case_of(case).rows["marker"])}
    assert 0 < len(has) < len(CASES)
    with_limit(monkeypatch, "haemoglobin-reference-low-f", 7.1)
    told = explain_case(order(tmp_path), People().case(CASES[0]), NO_BRAND)
    assert told.endswith("changed: limits.")
    ledger = made(tmp_path)
    after = lying(tmp_path)
    touched = {Path(name).parts[0] for name in before if before[name] != after[name]}
    assert touched <= has
    assert ledger.unchanged == len(CASES) - len(touched)
    assert (len(runs), made(tmp_path).unchanged, len(runs)) == (6, 3, 6)


def test_reports_that_stay_after_a_change_are_those_a_fresh_run_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path / "a", kind="case_study")
    with_limit(monkeypatch, "homa-ir-functional", 1.9)
    made(tmp_path / "a", kind="case_study")
    made(tmp_path / "b", kind="case_study")
    contents = [{name: one for name, (one, _) in lying(tmp_path / at).items()} for at in "ab"]
    assert contents[0] == contents[1]


@pytest.mark.parametrize("harm", ["remove", "rewrite", "touch"])
def test_a_file_that_was_changed_or_removed_is_made_again(
    tmp_path: Path, runs: list, harm: str
) -> None:
    made(tmp_path)
    before = {name: content for name, (content, _) in lying(tmp_path).items()}
    file = tmp_path / CASES[0] / "client_report.nl.html"
    if harm == "remove":
        file.unlink()
    elif harm == "rewrite":
        file.write_bytes(b"x" * file.stat().st_size)
    else:
        os.utime(file, ns=(1, 1))
    told = explain_case(order(tmp_path), People().case(CASES[0]), NO_BRAND)
    assert told.endswith("its files were changed or removed.")
    assert made(tmp_path).unchanged == 2
    assert {name: content for name, (content, _) in lying(tmp_path).items()} == before


def test_a_fresh_run_makes_everything_again(tmp_path: Path, runs: list) -> None:
    made(tmp_path)
    assert made(tmp_path, fresh=True).unchanged == 0
    assert len(runs) == 6
    told = explain_case(order(tmp_path, fresh=True), People().case(CASES[0]), NO_BRAND)
    assert told.endswith("as --fresh asks.")


@pytest.mark.parametrize(
    "harm",
    [
        b"",
        b"no json\n",
        b"[1, 2]\n{}\nnull\n",
        b'{"kind": "client_report", "case_id": "x"}\n',
        b"\xff\xfe\n",
        b"[" * 5000,
    ],
)
def test_a_damaged_journal_costs_only_time(tmp_path: Path, runs: list, harm: bytes) -> None:
    made(tmp_path)
    (tmp_path / JOURNAL).write_bytes(harm)
    assert made(tmp_path).unchanged == 0
    assert made(tmp_path).unchanged == 3


def test_a_journal_whose_last_line_was_cut_loses_that_report_alone(
    tmp_path: Path, runs: list
) -> None:
    made(tmp_path)
    journal = tmp_path / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-40])
    assert made(tmp_path).unchanged == 2
    assert made(tmp_path).unchanged == 3


def test_a_run_that_was_killed_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list
) -> None:
    run = publish_work.run_notebook

    def killed(*given: Any, **rest: Any) -> Executed:
        if len(runs) == 2:
            raise KeyboardInterrupt
        return run(*given, **rest)

    monkeypatch.setattr(publish_work, "run_notebook", killed)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "a")
    monkeypatch.setattr(publish_work, "run_notebook", run)
    assert made(tmp_path / "a").unchanged == 2
    assert len(runs) == 3
    made(tmp_path / "b")
    records = [json.loads((tmp_path / at / "run.json").read_bytes()) for at in "ab"]
    assert records[0] == records[1]
    contents = [{name: one for name, (one, _) in lying(tmp_path / at).items()} for at in "ab"]
    assert contents[0] == contents[1]


def test_only_what_failed_is_made_again_and_the_rest_is_still_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list
) -> None:
    run = publish_work.run_notebook

    def fails(kind: str, given: CaseParameters, **rest: Any) -> Executed:
        if CASES[1] in given.case_input and given.language == "en":
            raise NotebookError("A cell stopped with ValueError.", cell="plan")
        return run(kind, given, **rest)

    monkeypatch.setattr(publish_work, "run_notebook", fails)
    both = ("nl", "en")
    first = made(tmp_path, languages=both)
    assert [(one.case_id, one.language) for one in first.failures] == [(CASES[1], "en")]
    monkeypatch.setattr(publish_work, "run_notebook", run)
    failed = failed_before(tmp_path, "client_report")
    runs.clear()
    again = made(tmp_path, languages=both, only=failed)
    assert runs == [(CASES[1], "en")]
    assert (len(again.made), again.unchanged, again.failures) == (6, 5, ())
    assert failed_before(tmp_path, "client_report") == frozenset()


def test_where_no_run_was_nothing_can_have_failed(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Unable to find the run\.json of a client_report"):
        failed_before(tmp_path, "client_report")
    made(tmp_path)
    with pytest.raises(CommandError, match=r"Unable to find the run\.json of a case_study"):
        failed_before(tmp_path, "case_study")


def test_the_journal_holds_no_value_and_no_name_of_a_person(tmp_path: Path) -> None:
    made(tmp_path)
    for line in (tmp_path / JOURNAL).read_text("utf-8").splitlines():
        told = json.loads(line)
        assert set(told) == {
            *("case_id", "files", "in_short", "kind", "language", "lay", "parts", "result", "told")
        }
        assert all(len(one) == 64 or name in PLAIN for name, one in told["parts"].items())
    assert (tmp_path / JOURNAL).stat().st_mode & 0o077 == 0


PLAIN = {"language", "formats", "pdf", "as_of"}


def test_reports_of_several_kinds_share_a_folder_and_its_journal(
    tmp_path: Path, runs: list
) -> None:
    made(tmp_path)
    made(tmp_path, kind="case_study")
    assert made(tmp_path).unchanged == 3
    assert len((tmp_path / JOURNAL).read_text("utf-8").splitlines()) == 6
    assert Journal(tmp_path).before(("case_study", CASES[0], "nl")) is not None


def test_the_command_explains_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = tmp_path / "lab.csv"
    lab.write_text(
        "case_id,sample_id,collected_at,analyte,value,unit\np1,s1,2025-01-06,hs_crp,1.0,mg/L\n"
    )
    out = tmp_path / "out"
    command = ["report", "client_report", str(lab), f"--out={out}", "--as-of=2025-10-01"]
    assert main([*command, "--explain=p1"]) == 0
    assert capsys.readouterr().out == "client_report of p1 (nl): to be made, it is not here yet.\n"
    assert not out.exists()
    assert main([*command, "--explain=p2"]) == 3
    assert _parser().parse_args([*command, "--only=failed"]).only == "failed"
    assert main([*command, "--only=failed"]) == 2
