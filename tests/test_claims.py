"""No text asserts a diagnosis, promises a cure or says what must not be said; caveats are there."""

import re

import pytest
from clinic import case, lab
from golden import FOLDERS, interpretation_of, story_of
from leaves import leaves

from pipeline.interpret import interpret, with_numbered_files
from pipeline.language import Language
from pipeline.model import Audience, StatedGenotype
from pipeline.narrate import narrate
from pipeline.narrate.provenance import sentences_of
from pipeline.read import read_case_input
from pipeline.story import Story

pytestmark = pytest.mark.xdist_group("golden")
LANGUAGES = ("nl", "en")
FORBIDDEN = {
    "a diagnosis asserted": (
        r"\bu (?:heeft|hebt) (?:een )?(?:diabetes|prediabetes|insulineresistentie|pcos|masld|mafld|"
        r"het metabool syndroom)\b",
        r"\byou have (?:diabetes|prediabetes|insulin resistance|pcos|masld|mafld|"
        r"metabolic syndrome)\b",
        r"\b(?:lijdt aan|suffers from|is gediagnosticeerd|was diagnosed)\b",
        r"\bde diagnose (?:is|luidt)\b|\bthe diagnosis is\b",
        r"\b(?:heeft|has) (?:pcos|masld|mafld)\b",
    ),
    "a cure or a promise": (
        r"\bgenees(?!middel)\w*|\bgenezing\b|\bcures?\b|\bcured\b",
        r"\bgarande\w+|\bguarantee\w*",
        r"\b(?:om te keren|omkeerbaar|terug te draaien|reverses|reversible|reversing)\b",
        r"\bzal (?:verdwijnen|herstellen|genezen)\b|\bwill (?:disappear|recover|heal)\b",
        r"\bwonder\w*|\bmiracle\w*",
    ),
    "what the specification forbids": (
        r"7\.?000",
        r"overbelaste hpa|hpa-as overbelast|overloaded hpa|hpa overload",
        r"(?:bewijst|proof of|bewijs voor) (?:een )?(?:verhoogde )?(?:darm)?permeab\w*|leaky gut|"
        r"lekkende darm",
        r"proces om te keren",
    ),
    "a word of defect": (r"\bdefect\w*", r"\bmutatie\w*|\bmutations?\b", r"\bgenfout\w*"),
}
# Where a text must use a forbidden word to deny it: the whole sentence stands here.
ALLOWED = ("u heeft diabetes type 2", "you have type 2 diabetes")
ONLY_FUNCTIONAL = re.compile(r"functional|attention|target|streefwaarde", re.IGNORECASE)
ABNORMAL = re.compile(r"\b(?:afwijk\w+|abnormal\w*|ziekte|disease)\b", re.IGNORECASE)


def guilty(text: str) -> list[str]:
    """Return what a text is guilty of."""
    plain = text.casefold()
    for phrase in ALLOWED:
        plain = plain.replace(phrase, "")
    return [
        charge
        for charge, patterns in FORBIDDEN.items()
        if any(re.search(pattern, plain) for pattern in patterns)
    ]


def words(story: Story) -> str:
    return " ".join(one.text for section in story.sections for one in sentences_of(section))


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_text_makes_a_claim_that_is_not_ours_to_make(code: str) -> None:
    found = {key: guilty(text) for key, text in leaves(Language.load(code).texts)}
    assert {key: charges for key, charges in found.items() if charges} == {}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_story_makes_a_claim_that_is_not_ours_to_make(folder) -> None:  # type: ignore[no-untyped-def]
    for language in LANGUAGES:
        for audience in Audience:
            assert guilty(words(story_of(folder.name, language, audience))) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_target_of_the_practice_is_never_called_abnormal_or_a_disease(code: str) -> None:
    spoken = [
        text
        for file in ("findings", "client", "report")
        for key, text in leaves(Language.load(code).texts[file])
        if ONLY_FUNCTIONAL.search(key)
    ]
    assert spoken
    denied = ("geen ziekte", "no disease")
    left = [re.sub("|".join(denied), "", text) for text in spoken]
    assert [text for text in left if ABNORMAL.search(text)] == []


@pytest.mark.parametrize(
    ("sentence", "charge"),
    [
        ("U heeft diabetes.", "a diagnosis asserted"),
        ("You have PCOS.", "a diagnosis asserted"),
        ("Dit dieet geneest uw lever.", "a cure or a promise"),
        ("This reverses insulin resistance.", "a cure or a promise"),
        ("Het is mogelijk om dit proces om te keren.", "what the specification forbids"),
        ("Mitochondriën krijgen 7000 keer meer energie.", "what the specification forbids"),
        ("Zonuline is bewijs voor verhoogde permeabiliteit.", "what the specification forbids"),
        ("U heeft een defect gen.", "a word of defect"),
    ],
)
def test_a_guilty_sentence_is_caught(sentence: str, charge: str) -> None:
    assert charge in guilty(sentence)


# What must be said where its condition holds.

FATTY_LIVER = {"triglycerides": 2.4, "ggt": 60, "bmi": 33, "waist": 110}
CAVEATS = [
    ({"zonulin_serum": 118}, Audience.CLINICIAN, "zonuline-familiepeptiden|zonuline"),
    ({"zonulin_serum": 118}, Audience.CLIENT, "verwante eiwitten"),
    ({"cgm_mean": 5.5, "cgm_active": 90}, Audience.CLINICIAN, "GMI.*(?:nooit|niet).*HbA1c"),
    ({"cgm_mean": 5.5, "cgm_active": 90}, Audience.CLIENT, "GMI.*niet met uw HbA1c"),
    ({"ft3": 4.1, "rt3": 0.52}, Audience.CLINICIAN, "[Rr]everse T3|T3/rT3"),
    ({"ft3": 4.1, "rt3": 0.52}, Audience.CLIENT, "alleen ter informatie"),
    ({"oa_adipate": 8}, Audience.CLINICIAN, "[Oo]rganische zuren"),
    ({"oa_adipate": 8}, Audience.CLIENT, "geen reden voor een behandeling"),
    ({"hs_crp": 22}, Audience.CLINICIAN, "niet als laaggradige ontsteking"),
    ({"hs_crp": 22}, Audience.CLIENT, "na uw herstel opnieuw"),
    ({"glucose_fasting": 5.0, "insulin_fasting": 12}, Audience.CLINICIAN, "HOMA2"),
    ({"glucose_fasting": 5.0, "insulin_fasting": 12}, Audience.CLIENT, "geen diagnose"),
    ({"cortisol_serum_am": 500}, Audience.CLIENT, "hoeveel stress"),
    (
        {"triglycerides": 2.4, "ggt": 60, "bmi": 33, "waist": 110},
        Audience.CLINICIAN,
        "beeldvorming",
    ),
    ({"triglycerides": 2.4, "ggt": 60, "bmi": 33, "waist": 110}, Audience.CLIENT, "echo of scan"),
    ({"homocysteine": 13.2}, Audience.CLINICIAN, "aandachtspunt"),
    ({"homocysteine": 13.2}, Audience.CLIENT, "aandachtspunt"),
]


@pytest.mark.parametrize(("values", "audience", "said"), CAVEATS)
def test_a_caveat_is_said_where_its_condition_holds(
    values: dict[str, float], audience: Audience, said: str
) -> None:
    measured = {key: value for key, value in values.items() if key != "bmi"}
    if "bmi" in values:
        measured |= {"weight": 95, "height": 168}
    story = narrate(with_numbered_files(interpret(case(lab(measured)))), "nl", audience)
    tables = " ".join(str(section) for section in story.sections)
    assert re.search(said, tables), words(story)


def test_a_very_high_insulin_is_told_as_a_flag_before_anything_else() -> None:
    person = case(lab({"glucose_fasting": 4.0, "insulin_fasting": 52.8, "hba1c": 36}))
    for audience in Audience:
        section = narrate(interpret(person), "nl", audience).section("summary")
        assert section is not None
        boxes = [block.id for block in section.blocks if hasattr(block, "level")]
        assert boxes[0] == "SF-01"
        assert boxes.index("SF-01") < boxes.index("compensation")


def test_tcf7l2_is_said_to_belong_to_secretion() -> None:
    variant = StatedGenotype(rsid="rs7903146", call="CT", strand="plus", build="", assay="")
    person = case(lab({"glucose_fasting": 5.0}), genotypes=(variant,))
    assert "afgifte van insuline" in words(narrate(interpret(person), "nl"))


def test_ashwagandha_is_never_advised() -> None:
    for folder in FOLDERS:
        for item in interpretation_of(folder.name).plan:
            assert item.id != "D5-ashwagandha" or item.withheld_by
    seed = interpret(read_case_input(""))
    assert all(item.withheld_by for item in seed.plan if item.id == "D5-ashwagandha")
