"""The data-quality page says what is new, resolved and persisting since the last run."""

import datetime as dt
import json
from functools import cache
from html import escape, unescape
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from clinic import RULES

from pipeline.errors import OutputError
from pipeline.intake import Intake, take_in
from pipeline.publish import validation_page
from pipeline.publish.files import publish
from pipeline.publish.last_run import Kept, kept_of, require_no_corrections
from pipeline.publish.validation_page import write_validation

HEADER = "case_id,sample_id,collected_at,analyte,value,unit"
GOOD = "a,s1,2024-01-01,alt,22,U/L"
ODD = "a,s1,2024-01-01,ast,neg,U/L"
WEIRD = "a,s1,2024-01-01,ggt,22,stone"


def run(out: Path, *rows: str, language: str = "nl", file: str = "lab.csv") -> str:
    """Check a file of these rows into ``out``; return the page."""
    write_validation(taken_in(file, rows), out, language=language)
    return (out / "validation.html").read_text("utf-8")


def kept(out: Path, *rows: str) -> Kept:
    """Return what a run of these rows would keep, compared with what stands in ``out``."""
    return kept_of(taken_in("lab.csv", rows), out)


@cache  # the same few rows again and again
def taken_in(file: str, rows: tuple[str, ...]) -> Intake:
    """Return what a file of these rows holds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
        return take_in([path], as_of=dt.date(2025, 1, 1), rules=RULES)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_what_went_came_and_stayed_is_counted_by_reason_and_named_by_line(out: Path) -> None:
    run(out, GOOD, ODD, WEIRD)
    now = kept(out, WEIRD, GOOD, "b,s1,2024-01-01,alt,,U/L").comparison
    assert now is not None
    assert now.counts == {"read": 3, "accepted": 1, "set_aside": 2, "no_result": 0}
    assert now.new == {"value-missing": 1}
    assert now.persisting == {"unit-unknown": 1}
    assert now.resolved == {"value-qualitative": 1}
    assert now.new_at == {"value-missing": {1: ["4"]}}
    assert now.resolved_at == {"value-qualitative": {1: ["3"]}}


def test_a_row_that_only_moved_persists_and_one_that_stands_twice_counts_twice(out: Path) -> None:
    run(out, GOOD, ODD)
    now = kept(out, ODD, GOOD, ODD).comparison
    assert now is not None
    assert (now.persisting, now.new) == ({"value-qualitative": 1}, {"value-qualitative": 1})
    assert now.new_at == {"value-qualitative": {1: ["4"]}}


def test_a_file_that_is_not_read_now_has_no_number(out: Path) -> None:
    run(out, ODD, file="before.csv")
    now = kept(out, GOOD).comparison
    assert now is not None
    assert now.resolved_at == {"value-qualitative": {0: ["2"]}}
    assert "Een bestand van de vorige keer: regel 2" in run(out, GOOD)


def test_the_same_run_again_says_the_same_byte_for_byte(out: Path) -> None:
    first = run(out, GOOD, ODD, WEIRD)
    assert run(out, GOOD, ODD, WEIRD) == first
    changed = run(out, GOOD, WEIRD)
    assert changed != first
    assert run(out, GOOD, WEIRD) == changed
    assert "1 opgelost" in changed


@pytest.mark.parametrize("earlier", [(), (GOOD, ODD), (GOOD, WEIRD, ODD)])
def test_a_run_killed_between_page_and_quarantine_says_the_same_again(
    out: Path, monkeypatch: pytest.MonkeyPatch, earlier: tuple[str, ...]
) -> None:
    def killed(content: bytes, target: Path, *, work: Path) -> None:
        publish(content, target, work=work)
        raise KeyboardInterrupt

    for folder in (out, out.with_name("undisturbed")):
        if earlier:
            run(folder, *earlier)
    whole = run(out.with_name("undisturbed"), GOOD, WEIRD)
    with monkeypatch.context() as patch:
        patch.setattr(validation_page, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            run(out, GOOD, WEIRD)
    assert run(out, GOOD, WEIRD) == whole
    assert run(out, GOOD, WEIRD) == whole


def test_the_comparison_is_told_in_the_language_of_the_page(out: Path) -> None:
    run(out, GOOD, ODD)
    run(out, GOOD)
    page = unescape(run(out, GOOD, language="en"))
    assert "1 are resolved and 0 persist; 0 are new" in page
    assert "There is no earlier run" not in page


def test_a_first_run_has_nothing_to_compare_with_and_says_so(out: Path) -> None:
    assert "geen eerdere keer" in run(out, GOOD)


def test_files_of_one_name_in_two_folders_are_told_apart(out: Path) -> None:
    def cases(*rows: str) -> Intake:
        folders = []
        for case_id, own in (("a", [GOOD, *rows]), ("b", [GOOD.replace("a,", "b,", 1)])):
            folders.append(out.parent / case_id)
            folders[-1].mkdir(exist_ok=True)
            (folders[-1] / "case.toml").write_text(f'case_id = "{case_id}"', "utf-8")
            (folders[-1] / "lab.csv").write_text("\n".join([HEADER, *own]), "utf-8")
        return take_in(folders, as_of=dt.date(2025, 1, 1), rules=RULES)

    write_validation(cases(), out, language="nl")
    now = kept_of(cases(ODD), out).comparison
    assert now is not None
    assert now.new_at == {"value-qualitative": {1: ["3"]}}
    write_validation(cases(ODD), out, language="nl")
    then = kept_of(cases(), out).comparison
    assert then is not None
    assert then.resolved_at == {"value-qualitative": {0: ["3"]}}


COUNTS = {"read": 1, "accepted": 1, "set_aside": 0, "no_result": 0}
COMPARED = {
    "as_of": "2025-01-01", "counts": COUNTS, "new": {"x": 1}, "persisting": {}, "resolved": {},
    "new_at": {"x": {"1": ["2", "+9"]}}, "resolved_at": {},
}  # fmt: skip
KEPT = {"as_of": "2025-01-01", "counts": COUNTS, "comparison": COMPARED, "unreadable": False}


def page_with(kept: object) -> str:
    text = kept if isinstance(kept, str) else json.dumps(kept)
    return f'<meta name="casereport-run" content="{escape(text)}">'


def test_a_page_with_what_a_run_keeps_is_read(out: Path) -> None:
    run(out, GOOD)
    (out / "validation.html").write_text(page_with(KEPT), "utf-8")
    assert "kon niet worden gelezen" not in run(out, GOOD, ODD)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<html>",
        page_with({"as_of": 3}),
        page_with({**KEPT, "as_of": "x"}),
        page_with({**KEPT, "counts": {}}),
        page_with({**KEPT, "comparison": {**COMPARED, "as_of": "x"}}),
        page_with({**KEPT, "comparison": {**COMPARED, "counts": {"read": 1}}}),
        page_with({**KEPT, "comparison": {**COMPARED, "new_at": {"x": {"1": ["+q"]}}}}),
        page_with({**KEPT, "comparison": {**COMPARED, "new_at": {"x": {"1": [3]}}}}),
        page_with("[" * 100_000),
    ],
)
def test_what_an_earlier_run_left_and_cannot_be_read_is_said(out: Path, page: str) -> None:
    run(out, GOOD, ODD)
    (out / "validation.html").write_text(page, "utf-8")
    said = run(out, GOOD)
    assert "kon niet worden gelezen" in said
    assert run(out, GOOD) == said


def test_a_quarantine_that_was_damaged_is_compared_with_nothing(out: Path) -> None:
    run(out, GOOD, ODD)
    (out / "quarantine.csv").write_bytes(b"\x00\xff")
    assert kept(out, GOOD).unreadable


def test_the_page_keeps_counts_and_lines_and_no_cell_of_a_row(out: Path) -> None:
    run(out, GOOD)
    page = run(out, "token_case,token_sample,2024-01-01,token_analyte,token_value,token_unit")
    page = run(out, "token_case,token_sample,2024-01-01,token_other,token_value,token_unit", GOOD)
    assert "token" not in page
    assert "lab.csv" not in page


def test_a_hundred_lines_of_one_reason_are_few_on_the_page(out: Path) -> None:
    run(out, GOOD)
    page = unescape(run(out, *[ODD.replace("s1", f"s{n}") for n in range(120)]))
    assert "en nog 100" in page


def test_a_quarantine_in_which_somebody_filled_in_corrections_is_not_written_over(
    out: Path,
) -> None:
    run(out, GOOD, ODD)
    require_no_corrections(out)
    path = out / "quarantine.csv"
    text = path.read_text("utf-8-sig").rstrip("\r\n")
    path.write_text(text.removesuffix(",,") + ",12,the laboratory was asked\r\n", "utf-8")
    with pytest.raises(OutputError, match="holds corrections"):
        require_no_corrections(out)
