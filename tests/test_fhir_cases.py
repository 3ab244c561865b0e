"""The cases of the public FHIR validator: what is wrong in them reaches no accepted value."""

import json
import tarfile
from pathlib import Path

import pytest
import same_people
from clinic import AS_OF, RULES
from sizes import sized
from written import reading_of

from pipeline.intake import Intake, take_in

pytestmark = pytest.mark.fuzz
EVERY = sized(20, full=1)  # file of them is read
# Files with a row that is accepted, and how many. Those for which the validator has an error were
# looked at by hand: it lies in what no value rests on.
ACCEPTED = {
    "bnd-slicing-cgm.json": 1,
    "bp.json": 2,
    "bundle-duplicate-ids-not.json": 5,  # display names in German, relative addresses of entries
    "ips-nz-pj.json": 8,  # display names of sections
    "obs-de.json": 1,  # the version of LOINC that a profile asks for
    "obs-vital-signs-mdc.json": 1,
    "obs-vs-1.json": 2,  # an extension that is not known; a panel by another code
    "observation301.xml": 1,
    "observation401_ucum.json": 1,
}


@pytest.fixture(scope="module")
def cases(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the files of the validator's cases that are read: some, or at full size all."""
    folder = tmp_path_factory.mktemp("cases")
    with tarfile.open(shared / "attack/fhir_validator_cases.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    files = sorted(
        path
        for path in (folder / "validator").iterdir()
        if path.suffix in (".json", ".xml") and path.name != "manifest.json"
    )
    return [path for n, path in enumerate(files) if n % EVERY == 0 or path.name in ACCEPTED]


def test_every_case_is_refused_in_a_line_or_accepted_as_far_as_is_known(cases) -> None:
    readable = []
    for path in cases:
        reading = reading_of(path)
        readable += [path] * bool(reading is not None and len(reading.rows))
    intake = take_in(readable, as_of=AS_OF, rules=RULES)
    found = intake.accepted["source"].map(lambda number: intake.files[number - 1])
    assert found.value_counts().to_dict() == ACCEPTED


def withdrawn(name: str, words: tuple[str, str], folder: Path) -> tuple[Intake, int]:
    """Take in the twelve people with each result withdrawn, by one word or the other in turn."""
    bundle = json.loads(same_people.fhir_json())
    observations = [
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Observation"
    ]
    for number, one in enumerate(observations):
        one["status"] = words[number % 2]
    path = folder / name
    path.write_text(json.dumps(bundle), "utf-8")
    return take_in([path], as_of=AS_OF, rules=RULES), len(observations)


def test_what_was_entered_in_error_or_cancelled_is_never_accepted(tmp_path: Path) -> None:
    tried = 0
    for turn, words in enumerate(
        [("entered-in-error", "cancelled"), ("cancelled", "entered-in-error")]
    ):
        intake, count = withdrawn(f"{turn}.json", words, tmp_path)
        assert intake.accepted.empty
        assert intake.reasons == {"status-not-reported": count}
        assert not intake.case_ids
        tried += count
    assert tried >= 100
