"""The store of a practice: what goes in comes out the same, and nothing gets lost in between."""

import csv
import datetime as dt
import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from command import Ended, casereport, casereport_alone
from golden import taken_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sizes import sized

from pipeline.errors import CaseFileError, CommandError, OutputError
from pipeline.intake import Intake, take_in
from pipeline.intake.stated import known_people
from pipeline.intake.stored import keep, take_out
from pipeline.publish.inputs import hashes_of
from pipeline.read import read_mapping
from pipeline.read.case_input import case_input_bytes
from pipeline.rules import load_rules
from pipeline.store import (
    Added,
    export_store,
    forget_person,
    import_store,
    open_to_read,
    open_to_write,
)
from pipeline.store.opening import migrate, migrations, newest_version

RULES = load_rules()
AS_OF = dt.date(2025, 10, 1)
HEADER = "case_id,sample_id,collected_at,analyte,value,unit,status,issued,sex,birth_year"
ALT = "a,s1,2025-01-06,alt,22,U/L,,,F,1987"
CANARY = "zyxwv-canary"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "practice.duckdb"


def lab_file(folder: Path, *rows: str, name: str = "lab.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def ingested(store: Path, *inputs: Path, **options: object) -> Added:
    """Add the inputs as ``casereport ingest`` does."""
    given: dict[str, object] = {"as_of": AS_OF, "rules": RULES, **options}
    own = [given[name] for name in ("suite",) if name in given]
    judged_by = [path for path in [*own, given.pop("mapping_file", None)] if path is not None]
    with open_to_write(store) as opened:
        intake = take_in(inputs, known=lambda cases: known_people(opened, cases), **given)  # type: ignore[arg-type]
        hashes = hashes_of([*inputs, *judged_by])  # type: ignore[list-item]
        return keep(intake, opened, hashes=hashes, rules=RULES, judged_by=judged_by)  # type: ignore[arg-type]


def recalled(store: Path, *, as_of: dt.date = AS_OF) -> Intake:
    with open_to_read(store) as opened:
        return take_out(opened, as_of=as_of, rules=RULES)


def asked(store: Path, query: str) -> list[tuple[object, ...]]:
    with open_to_read(store) as opened:
        return opened.execute(query).fetchall()


def cases_of(intake: Intake) -> dict[str, bytes]:
    return {case_id: case_input_bytes(intake.case(case_id)) for case_id in intake.case_ids}


# What goes in comes out the same.


@pytest.mark.xdist_group("golden")
def test_every_golden_case_is_the_same_out_of_the_store(store: Path) -> None:
    read = taken_in()
    with open_to_write(store) as opened:
        keep(read, opened, hashes={}, rules=RULES)
    kept = recalled(store)
    assert cases_of(kept) == cases_of(read)
    assert len(read.case_ids) > 150
    assert (kept.counts, kept.reasons, kept.notes) == (read.counts, read.reasons, read.notes)
    assert kept.quarantine.to_csv(index=False) == read.quarantine.to_csv(index=False)


def test_the_same_files_twice_change_not_a_byte(store: Path, root: Path) -> None:
    first = ingested(store, root / "samples/seed_case")
    before = store.read_bytes()
    again = ingested(store, root / "samples/seed_case")
    assert (first.accepted, first.known, first.changed) == (132, 0, True)
    assert (again.accepted, again.known, again.changed) == (0, 132, False)
    assert store.read_bytes() == before


SENT = (  # results of two people; some repeat, contradict or correct one another
    ALT,
    "a,s1,2025-01-06,alt,22,U/L,final,,,",
    "a,s1,2025-01-06,alt,25,U/L,corrected,2025-01-08,,",
    "a,s1,2025-01-06,alt,27,U/L,corrected,2025-01-09,,",
    "a,s1,2025-01-06,tsh,1.6,mU/L,,,,",
    "a,s1,2025-01-06,tsh,2.6,mU/L,,,,",
    "a,s2,2025-06-06,ferritin,80,ug/L,preliminary,,,",
    "a,s2,2025-06-06,ferritin,81,ug/L,final,,,",
    "a,,2025-06-06,weight,81,kg,,,,",
    "a,,2025-06-06,weight,80,kg,,,,",
    "b,s9,2025-06-06,alt,neg,U/L,,,M,1960",
    "b,s9,2025-06-06,alt,31,U/L,,,,",
    "b,s9,2025-06-06,glucose_fasting,5.5,stone,,,,",
    "b,s9,2025-12-24,alt,33,U/L,,,,",
)


@settings(
    max_examples=sized(2, full=150),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(parts=st.lists(st.integers(0, 2), min_size=len(SENT), max_size=len(SENT)))
def test_files_one_after_another_make_what_they_make_at_once(
    parts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    files = [
        lab_file(folder, *rows, name=f"{part}.csv")
        for part in range(3)
        if (rows := [row for row, own in zip(SENT, parts, strict=True) if own == part])
    ]
    store = folder / "practice.duckdb"
    for file in files:
        ingested(store, file)
    at_once = take_in(files, as_of=AS_OF, rules=RULES)
    assert cases_of(recalled(store)) == cases_of(at_once)
    assert recalled(store).reasons == at_once.reasons


def test_a_correction_supersedes_and_its_predecessor_stays(tmp_path: Path, store: Path) -> None:
    ingested(store, lab_file(tmp_path, ALT, name="march.csv"))
    late = "a,s1,2025-01-06,alt,29,U/L,corrected,2025-04-01,F,1987"
    added = ingested(store, lab_file(tmp_path, late, name="april.csv"))
    assert (added.accepted, added.set_aside) == (1, 0)
    query = 'SELECT "row", read_value, repetition, file.run FROM result JOIN file ON file.id = file'
    assert asked(store, f"{query} ORDER BY result.id") == [
        ("march.csv:2", "22", "superseded", 1),
        ("april.csv:2", "29", "", 2),
    ]
    case = recalled(store).case("a")
    assert list(case.rows["low"]) == [29.0]
    assert case.set_aside[0].reasons == ("superseded",)


def test_two_values_that_nobody_chose_between_are_both_set_aside(
    tmp_path: Path, store: Path
) -> None:
    ingested(store, lab_file(tmp_path, ALT, name="one.csv"))
    added = ingested(store, lab_file(tmp_path, ALT.replace(",22,", ",40,"), name="two.csv"))
    assert (added.accepted, added.set_aside) == (0, 1)
    assert recalled(store).reasons == {"duplicate-contradictory": 2}


def test_an_export_that_repeats_what_is_known_adds_only_what_is_new(
    tmp_path: Path, store: Path
) -> None:
    ingested(store, lab_file(tmp_path, ALT))
    new = "a,s2,2025-06-06,alt,30,U/L,,,F,1987"
    added = ingested(store, lab_file(tmp_path, ALT, new, name="all.csv"))
    assert (added.accepted, added.set_aside, added.known) == (1, 0, 1)
    assert [row.split(":")[0] for row in recalled(store).case("a").rows["row"]] == [
        "lab.csv",
        "all.csv",
    ]


def test_a_second_file_of_a_name_gives_row_ids_of_its_own(tmp_path: Path, store: Path) -> None:
    ingested(store, lab_file(tmp_path, ALT))
    ingested(store, lab_file(tmp_path, "a,s2,2025-06-06,alt,30,U/L,,,F,1987"))
    assert list(recalled(store).case("a").rows["row"]) == ["lab.csv:2", "lab.csv@2:2"]


@pytest.mark.parametrize(
    ("first", "then", "accepted"),
    [("2025-03-01", "2025-10-01", 1), ("2025-10-01", "2024-10-01", 0)],
)
def test_rows_after_the_date_of_a_report_are_set_aside_whatever_the_date_of_their_run(
    tmp_path: Path, store: Path, first: str, then: str, accepted: int
) -> None:
    file = lab_file(tmp_path, ALT.replace("2025-01-06", "2025-06-06"))
    ingested(store, file, as_of=dt.date.fromisoformat(first))
    at = dt.date.fromisoformat(then)
    assert recalled(store, as_of=at).counts == take_in([file], as_of=at, rules=RULES).counts
    assert recalled(store, as_of=at).counts["accepted"] == accepted


def test_a_file_judged_by_other_rules_replaces_what_it_gave_before(
    tmp_path: Path, store: Path
) -> None:
    file = lab_file(tmp_path, ALT.replace(",alt,", ",gpt-own,"))
    assert ingested(store, file).set_aside == 1
    mapping = tmp_path / "lab.toml"
    mapping.write_text('[analytes]\n"gpt-own" = "alt"\n', encoding="utf-8")
    again = ingested(store, file, mapping=read_mapping(mapping, RULES), mapping_file=mapping)
    assert (again.accepted, again.known) == (1, 0)
    assert recalled(store).counts == {"read": 1, "accepted": 1, "set_aside": 0, "no_result": 0}
    history = asked(store, 'SELECT "row", reasons, replaced FROM result ORDER BY id')
    assert history == [("lab.csv:2", "analyte-unknown", 2), ("lab.csv:2", "", None)]


@pytest.mark.parametrize("with_file", [True, False])
def test_a_corrected_quarantine_replaces_the_row_that_was_set_aside(
    tmp_path: Path, store: Path, with_file: bool
) -> None:
    from pipeline.intake import quarantine_of
    from pipeline.language import Language

    file = lab_file(tmp_path, ALT.replace("U/L", "stone"))
    ingested(store, file)
    text = quarantine_of(recalled(store), Language.load("en")).decode("utf-8-sig")
    header, row = csv.reader(text.splitlines())
    row[header.index("correction")] = "unit=U/L"
    row[header.index("correction_reason")] = "asked the laboratory"
    corrected = tmp_path / "quarantine.csv"
    with corrected.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([header, row])
    ingested(store, *([file] if with_file else []), corrected)
    intake = recalled(store)
    assert intake.counts["set_aside"] == 0
    assert list(intake.case("a").rows["row"]) == ["lab.csv:2"]
    assert list(intake.case("a").rows["notes"]) == ["corrected"]


# People.


def test_a_row_that_gives_a_person_another_sex_is_set_aside_and_the_first_ones_stay(
    tmp_path: Path, store: Path
) -> None:
    ingested(store, lab_file(tmp_path, ALT))
    other = "a,s2,2025-06-06,alt,30,U/L,,,M,1987"
    assert ingested(store, lab_file(tmp_path, other, name="two.csv")).set_aside == 1
    intake = recalled(store)
    assert intake.reasons == {"person-contradicts": 1}
    assert (intake.case("a").sex, len(intake.case("a").rows)) == ("F", 1)


def case_folder(folder: Path, *, context: str, rows: Sequence[str] = (ALT,)) -> Path:
    lab_file(folder / "a", *rows)
    about = f'case_id = "a"\nsex = "F"\nbirth_year = 1987\n[context]\n{context}\n'
    (folder / "a" / "case.toml").write_text(about, encoding="utf-8")
    return folder / "a"


def test_what_a_case_file_states_anew_takes_the_place_of_what_it_stated(
    tmp_path: Path, store: Path
) -> None:
    ingested(store, case_folder(tmp_path, context="oestrogen_use = true\nfasting_hours = 10"))
    added = ingested(store, case_folder(tmp_path, context="oestrogen_use = false"))
    assert (added.changed, added.known, added.accepted) == (True, 1, 0)
    assert recalled(store).case("a").context == {"oestrogen_use": "no"}


def test_a_table_of_people_that_contradicts_a_case_file_of_an_earlier_run_changes_nothing(
    tmp_path: Path, store: Path
) -> None:
    ingested(store, case_folder(tmp_path, context="oestrogen_use = true"))
    people = tmp_path / "people.csv"
    people.write_text("case_id,date,oestrogen_use\na,,no\n", encoding="utf-8")
    before = store.read_bytes()
    with pytest.raises(CaseFileError, match="Expected exactly 1 oestrogen_use of a case"):
        ingested(store, lab_file(tmp_path, ALT, name="new.csv"), people=people)
    assert store.read_bytes() == before


def test_a_person_of_a_table_of_people_is_known_before_any_result_comes(
    tmp_path: Path, store: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text(
        "case_id,date,sex,fasting_hours\na,,F,\na,2025-01-06,,12\nb,,M,\n", encoding="utf-8"
    )
    bare = ALT.replace(",F,1987", ",,")
    ingested(store, lab_file(tmp_path, bare.replace("a,", "c,", 1), name="c.csv"), people=people)
    ingested(store, lab_file(tmp_path, bare))
    case = recalled(store).case("a")
    assert (case.sex, case.visits) == (
        "F",
        ({"date": dt.date(2025, 1, 6), "fasting_hours": 12.0},),
    )


# Who comes second waits.


HOLD = (
    "import sys, time; from pathlib import Path; from pipeline.store import open_to_write\n"
    "with open_to_write(Path(sys.argv[1])):\n"
    "    print('held', flush=True); time.sleep(float(sys.argv[2]))\n"
)


@pytest.fixture
def holder(root: Path) -> Iterator[Callable[[Path, float], subprocess.Popen[str]]]:
    """Give what starts a process that holds a store for some seconds."""
    started: list[subprocess.Popen[str]] = []

    def hold(store: Path, seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, str(store), str(seconds)]
        process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("opened", [open_to_read, open_to_write])
def test_who_comes_second_is_told_which_process_holds_the_store(
    store: Path,
    holder: Callable[[Path, float], subprocess.Popen[str]],
    opened: Callable[..., object],
) -> None:
    process = holder(store, 60)
    with pytest.raises(OutputError, match=f"process {process.pid} holds it"):
        opened(store, patience=0.3).__enter__()  # type: ignore[attr-defined]


def test_who_comes_second_goes_on_as_soon_as_the_first_is_ready(
    store: Path, tmp_path: Path, holder: Callable[[Path, float], subprocess.Popen[str]]
) -> None:
    holder(store, 1.0)
    assert ingested(store, lab_file(tmp_path, ALT)).accepted == 1


def test_the_wait_is_thirty_seconds() -> None:
    from pipeline.store.opening import WAIT_SECONDS

    assert WAIT_SECONDS == 30


# What cannot be used is named.


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(store: Path) -> None:
    with open_to_write(store) as opened:
        opened.execute("INSERT INTO schema_version VALUES (?)", [newest_version() + 1])
    before = store.read_bytes()
    for way in (open_to_read, open_to_write):
        with pytest.raises(OutputError, match="made by a newer casereport"), way(store):
            pass
    assert store.read_bytes() == before


@pytest.mark.parametrize("older", range(len(migrations())))
def test_a_store_of_each_earlier_version_is_brought_up_to_date(
    store: Path, tmp_path: Path, older: int
) -> None:
    with duckdb.connect(str(store)) as connection:
        if older:
            migrate(connection, store, until=older)
    if older:
        with open_to_read(store) as opened:
            assert opened.execute("SELECT max(version) FROM schema_version").fetchall() == [
                (newest_version(),)
            ]
    assert ingested(store, lab_file(tmp_path, ALT)).accepted == 1
    assert forget_person(store, "a", on=AS_OF).rows == 1


@pytest.mark.parametrize("damage", ["noise", "middle", "cut", "empty"])
def test_a_damaged_store_is_named_and_not_overwritten(
    store: Path, tmp_path: Path, damage: str
) -> None:
    ingested(store, lab_file(tmp_path, ALT))
    content = bytearray(store.read_bytes())
    if damage == "noise":
        content = bytearray(b"no store at all\n" * 500)
    elif damage == "middle":
        content[12_288:-4_096] = bytes(len(content) - 16_384)
    elif damage == "cut":
        content = content[: len(content) // 2]
    else:
        content = bytearray()
    store.write_bytes(content)
    with pytest.raises(OutputError, match=r"practice\.duckdb"):
        cases_of(recalled(store))
    assert store.read_bytes() == content


@pytest.mark.parametrize("opened", [open_to_read, open_to_write])
def test_a_database_of_somebody_else_is_left_alone(
    store: Path, opened: Callable[..., object]
) -> None:
    with duckdb.connect(str(store)) as connection:
        connection.execute("CREATE TABLE own (a INTEGER)")
    before = store.read_bytes()
    with pytest.raises(OutputError, match="no store of casereport"):
        opened(store).__enter__()  # type: ignore[attr-defined]
    assert store.read_bytes() == before


def test_no_store_to_read_is_said(store: Path) -> None:
    with pytest.raises(OutputError, match="Unable to find the store"), open_to_read(store):
        pass


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="its folder is not there"),
        open_to_write(tmp_path / "none" / "practice.duckdb"),
    ):
        pass


def test_no_table_has_a_column_for_a_name_or_a_date_of_birth(store: Path) -> None:
    with open_to_write(store):
        pass
    columns = asked(store, "SELECT DISTINCT column_name FROM duckdb_columns() WHERE NOT internal")
    assert {"birth_year", "case_id"} <= {name for (name,) in columns}
    assert not {"birth_date", "born", "surname", "first_name"} & {name for (name,) in columns}


# A kill, a full disk.


INGEST = [sys.executable, "-m", "pipeline", "ingest"]


def many_rows(folder: Path, people: int, name: str) -> Path:
    rows = (
        f"p{person},s{person},2025-01-{1 + person % 28:02},{marker},{20 + person % 9},U/L,,,,"
        for person, marker in itertools.product(range(people), ("alt", "ast"))
    )
    return lab_file(folder, *rows, name=name)


def state_of(store: Path) -> str:
    """Return what all tables of a store hold, as one hash."""
    with open_to_read(store) as opened:
        tables = [
            name for (name,) in opened.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        ]
        held = [opened.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in sorted(tables)]
    return sha256(repr(held).encode()).hexdigest()


@pytest.mark.xdist_group("chaos")
def test_an_ingest_that_is_killed_leaves_the_store_as_before_or_as_after(
    tmp_path: Path, root: Path, store: Path
) -> None:
    ingested(store, lab_file(tmp_path, ALT))
    before, first = state_of(store), store.read_bytes()
    command = [
        *INGEST,
        str(many_rows(tmp_path, sized(80, full=400), "new.csv")),
        *("--store", str(store), "--as-of", "2025-10-01", "--out", str(tmp_path / "out")),
    ]
    start = time.monotonic()
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    takes, after = time.monotonic() - start, state_of(store)
    moments, seen = random.Random(6), set()
    for number in range(sized(2, full=50)):
        store.write_bytes(first)
        Path(f"{store}.wal").unlink(missing_ok=True)
        with subprocess.Popen(
            command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            time.sleep(takes * (0.3 + 0.8 * moments.random()))
            run.send_signal(signal.SIGKILL)
        seen.add(state_of(store))
        assert seen <= {before, after}, f"kill {number}"
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    assert state_of(store) == after


@pytest.mark.xdist_group("chaos")
def test_a_disk_that_is_full_is_named(tmp_path: Path, root: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("no small file system may be mounted here")
    try:
        store = small / "practice.duckdb"
        ingested(store, lab_file(tmp_path, ALT))
        before = state_of(store)
        file = many_rows(tmp_path, 20_000, "new.csv")
        words = ["--store", str(store), "--as-of", "2025-10-01", "--out", str(tmp_path / "out")]
        run = subprocess.run([*INGEST, str(file), *words], cwd=root, capture_output=True, text=True)
        assert run.returncode == 7, run.stderr
        assert "the disk is full" in run.stderr
        assert state_of(store) == before
    finally:
        subprocess.run(["umount", str(small)], check=True)


# A person is forgotten.


def practice_with_a_canary(tmp_path: Path, store: Path) -> None:
    """Make a store in which one person has something everywhere."""
    folder = case_folder(
        tmp_path,
        context=f'symptoms = ["fatigue"]\n[note]\nnl = "{CANARY}"\nen = "{CANARY}"',
        rows=[f"{row},{CANARY}" for row in (ALT, "a,s3,2025-01-06,ferritin,x,ug/L,,,,")],
    )
    (folder / "lab.csv").write_text(
        (folder / "lab.csv").read_text(encoding="utf-8").replace(HEADER, f"{HEADER},comment"),
        encoding="utf-8",
    )
    (folder / "lab.csv").rename(folder / f"{CANARY}.csv")
    ingested(store, folder)
    ingested(store, lab_file(tmp_path, ALT.replace("a,", "b,", 1), "a,,,alt,1,U/L,,,,"))


def test_a_person_who_is_forgotten_leaves_not_a_byte_and_all_others_stay(
    tmp_path: Path, store: Path
) -> None:
    practice_with_a_canary(tmp_path, store)
    others = cases_of(recalled(store))["b"]
    assert CANARY.encode() in store.read_bytes()
    forgotten = forget_person(store, "a", on=AS_OF)
    assert forgotten.rows == 3
    assert CANARY.encode() not in store.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*duckdb*")) == [store.name]
    assert cases_of(recalled(store)) == {"b": others}
    assert asked(store, "FROM tombstone") == [(1, AS_OF)]
    assert asked(store, "SELECT count(*) FROM person WHERE case_id = 'a'") == [(0,)]


def test_who_is_not_in_the_store_cannot_be_forgotten(tmp_path: Path, store: Path) -> None:
    ingested(store, lab_file(tmp_path, ALT))
    before = store.read_bytes()
    with pytest.raises(CommandError, match="Unable to find case 'nobody'"):
        forget_person(store, "nobody", on=AS_OF)
    assert store.read_bytes() == before


@pytest.mark.xdist_group("chaos")
def test_a_purge_that_is_killed_leaves_the_person_or_takes_all_of_it(
    tmp_path: Path, root: Path, store: Path
) -> None:
    practice_with_a_canary(tmp_path, store)
    first, before = store.read_bytes(), state_of(store)
    command = [sys.executable, "-m", "pipeline", "purge", "a", "--store", str(store)]
    command += ["--as-of", "2025-10-01"]
    start = time.monotonic()
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    takes, after = time.monotonic() - start, state_of(store)
    moments = random.Random(7)
    for number in range(sized(2, full=40)):
        store.write_bytes(first)
        with subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL) as run:
            time.sleep(takes * (0.2 + 0.9 * moments.random()))
            run.send_signal(signal.SIGKILL)
        assert state_of(store) in (before, after), f"kill {number}"
    if state_of(store) == before:
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    assert not any(CANARY.encode() in path.read_bytes() for path in tmp_path.glob("*duckdb*"))


# Nobody is locked in.


def test_a_store_goes_out_as_parquet_and_comes_back_the_same(tmp_path: Path, store: Path) -> None:
    practice_with_a_canary(tmp_path, store)
    forget_person(store, "b", on=AS_OF)
    export_store(store, tmp_path / "parquet")
    back = tmp_path / "back.duckdb"
    import_store(tmp_path / "parquet", back)
    assert state_of(back) == state_of(store)
    assert cases_of(recalled(back)) == cases_of(recalled(store))
    with pytest.raises(OutputError, match="to be a new store"):
        import_store(tmp_path / "parquet", back)


def test_parquet_that_breaks_a_constraint_or_lacks_a_table_fills_no_store(
    tmp_path: Path, store: Path
) -> None:
    ingested(store, lab_file(tmp_path, ALT))
    export_store(store, tmp_path / "parquet")
    person = tmp_path / "parquet" / "person.parquet"
    with duckdb.connect() as connection:
        table = connection.execute(f"FROM read_parquet('{person}')").df().assign(sex="X")
        connection.register("changed", table)
        connection.execute(f"COPY changed TO '{person}' (FORMAT parquet)")
    with pytest.raises(OutputError):
        import_store(tmp_path / "parquet", tmp_path / "back.duckdb")
    assert asked(tmp_path / "back.duckdb", "SELECT count(*) FROM run") == [(0,)]
    person.unlink()
    with pytest.raises(OutputError, match=r"Unable to find 'person.parquet'"):
        import_store(tmp_path / "parquet", tmp_path / "other.duckdb")


# The command itself.


@pytest.mark.kernel
@pytest.mark.xdist_group("kernel")
def test_a_report_from_the_store_is_that_from_the_files_to_the_byte(
    tmp_path: Path, root: Path, store: Path
) -> None:
    sample, as_of = str(root / "samples/seed_case"), ["--as-of", "2025-10-01"]
    told = casereport("ingest", sample, "--store", store, *as_of, "--out", tmp_path / "i")
    assert (told.code, told.err) == (0, "")
    assert "132 accepted, 0 set aside, 0 known already" in told.out
    common = ["--format", "html,json", *as_of, "--quiet"]
    runs = {"files": [sample], "store": ["--store", str(store)]}
    for name, words in runs.items():
        run = casereport("report", "case_study", *words, *common, "--out", tmp_path / name)
        assert run == Ended(0, "", "")
    for name in (
        "seed_case/case_study.nl.html",
        "seed_case/case.json",
        "validation.html",
        "quarantine.csv",
    ):
        assert (tmp_path / "store" / name).read_bytes() == (
            tmp_path / "files" / name
        ).read_bytes(), name
    record = json.loads((tmp_path / "store/run.json").read_text(encoding="utf-8"))
    assert record["store"] == str(store)
    assert [one["file"] for one in record["inputs"]] == ["lab.csv"]
    gone = casereport("purge", "seed_case", "--store", store)
    assert gone.code == 0
    assert str(tmp_path / "store/seed_case/case.json") in gone.out
    for name in ("index.html", "run.json", ".made.jsonl"):
        assert str(tmp_path / "store" / name) in gone.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["report", "case_study"], "expected either an INPUT or --store FILE"),
        (
            ["report", "case_study", "x", "--store", "y"],
            "expected either an INPUT or --store FILE",
        ),
        (["report", "case_study", "--store", "y", "--people", "z"], "--people with --store"),
    ],
)
def test_a_report_is_of_files_or_of_a_store(tmp_path: Path, words: list[str], told: str) -> None:
    run = casereport(*words, "--out", tmp_path / "out")
    assert (run.code, told in run.err) == (2, True), run.err


def test_the_store_is_for_its_owner_alone(tmp_path: Path, store: Path) -> None:
    file = lab_file(tmp_path, ALT)
    words = ["--store", str(store), "--as-of", "2025-10-01", "--out", str(tmp_path / "out")]
    assert casereport_alone("ingest", file, *words).code == 0
    assert store.stat().st_mode & 0o077 == 0
