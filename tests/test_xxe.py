"""XML that asks for other files or hosts gets neither: watched from inside the process."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# A process of its own: an audit hook cannot be taken away again. What the readers import late is
# imported by a first reading, so that all that is opened afterwards is what a file asked for.
WATCHED = """
import json, sys, time
from pathlib import Path
from pipeline.errors import LabFileError
from pipeline.read import read_lab_file
from pipeline.rules import load_rules

folder, rules, seen = Path(sys.argv[1]), load_rules(), []

def read(path):
    try:
        return len(read_lab_file(path, rules=rules).rows)
    except LabFileError as refusal:
        return str(refusal)

def watch(event, arguments):
    by_number = bool(arguments) and isinstance(arguments[0], int)  # opened before, by its name
    asks = event.startswith(("socket.", "subprocess.", "os.system", "urllib."))
    if asks or (event == "open" and not by_number):
        seen.append((event, str(arguments[0]) if arguments else ""))

for first in ("<Bundle xmlns='http://hl7.org/fhir'/>", "<!DOCTYPE x><x/>", "<x/>", "a;b"):
    (folder / "first").write_text(first, "utf-8")
    read(folder / "first")
sys.addaudithook(watch)
told = {}
for path in sorted(folder.rglob("*")):
    if path.is_file():
        seen.clear()
        began = time.monotonic()
        said = read(path)
        asked = [one for one in seen if one != ("open", str(path))]
        told[path.name] = [said, asked, time.monotonic() - began]
print(json.dumps(told))
"""
OWN = {
    "file.xml": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>',
    "host.xml": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>',
    "parameter.xml": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><x/>',
    "fhir.xml": (
        '<!DOCTYPE Bundle [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
        '<Bundle xmlns="http://hl7.org/fhir"><id value="&e;"/></Bundle>'
    ),
    "laughs.xml": "<!DOCTYPE x ["
    + "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    + '<!ENTITY e0 "lol">]><x>&e9;</x>',
    "quadratic.xml": f'<!DOCTYPE x [<!ENTITY e "{"a" * 50_000}">]><x>{"&e;" * 50_000}</x>',
}


def watched(folder: Path) -> dict[str, tuple[int | str, list[list[str]], float]]:
    """Return of each file how it was read, what else was opened meanwhile, and the seconds."""
    ended = subprocess.run(
        [sys.executable, "-c", WATCHED, str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    told: dict[str, tuple[int | str, list[list[str]], float]] = json.loads(ended.stdout)
    return told


def test_our_own_documents_with_a_dtd_are_refused_and_ask_for_nothing(tmp_path: Path) -> None:
    for name, text in OWN.items():
        (tmp_path / name).write_text(text, "utf-8")
    for name, (said, asked, seconds) in watched(tmp_path).items():
        assert name == "first" or isinstance(said, str), name
        assert (asked, seconds < 1) == ([], True), name


def test_what_is_opened_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x", "utf-8")
    script = WATCHED.replace("said = read(path)", 'said = open("/etc/hostname").close()')
    ended = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert ["open", "/etc/hostname"] in json.loads(ended.stdout)["a.csv"][1]


@pytest.fixture
def corpus(shared: Path, tmp_path: Path) -> Path:
    """Return a folder with the public documents that ask for files and hosts."""
    for path in (shared / "attack/xxe").rglob("*"):
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with tarfile.open(shared / "attack/fhir_validator_cases.tar.xz") as packed:
        for member in packed:
            name = Path(member.name)
            if member.isfile() and ("xxe" in name.name.lower() or "xhtml" in name.parts):
                found = packed.extractfile(member)
                assert found is not None
                (tmp_path / f"case_{name.name}").write_bytes(found.read())
    return tmp_path


def test_the_public_documents_are_refused_or_hold_nothing_and_ask_for_nothing(
    corpus: Path,
) -> None:
    told = watched(corpus)
    assert len(told) > 20
    for name, (said, asked, seconds) in told.items():
        text = (corpus / name).read_bytes()
        if b"<!DOCTYPE" in text.upper() and name.endswith(".xml"):
            assert isinstance(said, str), name
        assert (asked, seconds < 1) == ([], True), name
