"""The client's Dutch is plain: short sentences, no jargon, a readable score as a floor.

The score is no proof of B1; it only keeps a text from becoming a hard one.
"""

import re

import pytest
from leaves import leaves

from pipeline.language import Language

DUTCH = Language.load("nl")
LONGEST = 20  # words in a sentence
USUAL = 12  # words in a sentence, on average
EASIEST_ALLOWED = 50  # Flesch-Douma: 45-60 is standard
JARGON = re.compile(
    r"\b(?:hypoglykemi\w*|hyperglykemi\w*|hyperinsulin\w*|hypothyre\w*|elastografi\w*|steatose|"
    r"contra-?indicati\w*|interventie\w*|suppleti\w*|supplementati\w*|etiologi\w*|prevalent\w*|"
    r"significant\w*|dysregulatie|dysbiose|pathologi\w*|anamnese|titratie|posologie|comorbid\w*|"
    r"endogeen|exogeen|asymptomatisch\w*|cardiovasculair\w*|metabool\w*|defect\w*)\b",
    re.IGNORECASE,
)
FIXED = ("phases.",)  # sentences that are laid down word by word
WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")
VOWELS = re.compile(r"[aeiouyáéíóúàèëïöü]+", re.IGNORECASE)


def of_clients() -> dict[str, str]:
    """Return every text for the client: those of client.toml, and each other that says so."""
    found = {f"client.{key}": text for key, text in leaves(DUTCH.texts["client"])}
    for file, texts in DUTCH.texts.items():
        for key, text in leaves(texts, f"{file}."):
            if any(part == "client" or part.startswith("client_") for part in key.split(".")):
                found[key] = text
    return found


TEXTS = of_clients()
LABELS = ("labels.", "confidence.", "sections.", "glossary_terms.", ".title", "effects.")


def sentences(text: str) -> list[str]:
    filled = re.sub(r"\{\w+\}", "x", text)
    return [part for part in re.split(r"(?<=[.?!:])\s+", filled) if WORD.search(part)]


def words(sentence: str) -> list[str]:
    return WORD.findall(sentence)


def syllables(word: str) -> int:
    return max(1, len(VOWELS.findall(word)))


def flesch_douma(texts: list[str]) -> float:
    """Return 206.84 - 0.93 × words per sentence - 77 × syllables per word (Douma 1960)."""
    spoken = [words(one) for text in texts for one in sentences(text)]
    count = sum(map(len, spoken))
    return (
        206.84
        - 0.93 * count / len(spoken)
        - 77 * sum(syllables(word) for one in spoken for word in one) / count
    )


def too_long(text: str) -> list[str]:
    return [one for one in sentences(text) if len(words(one)) > LONGEST]


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_a_sentence_for_a_client_is_short_and_free_of_jargon(key: str) -> None:
    assert too_long(TEXTS[key]) == []
    assert JARGON.findall(TEXTS[key]) == []


def test_sentences_are_short_on_average_and_easy_to_read() -> None:
    told = [text for key, text in TEXTS.items() if not any(label in key for label in LABELS)]
    lengths = [len(words(one)) for text in told for one in sentences(text)]
    assert sum(lengths) / len(lengths) <= USUAL
    assert flesch_douma(told) >= EASIEST_ALLOWED


def test_the_client_is_addressed_as_u() -> None:
    familiar = re.compile(r"\b(?:je|jij|jou|jouw|jullie)\b", re.IGNORECASE)
    assert [key for key, text in TEXTS.items() if familiar.search(text)] == []


def test_a_hard_text_would_be_found() -> None:
    hard = (
        "De endogene hyperinsulinemie persisteert ondanks adequate suppletie van micronutriënten en"
        " intensivering van leefstijlinterventies binnen een multidisciplinair behandeltraject met"
        " gestructureerde longitudinale evaluatie van cardiovasculaire risicofactoren."
    )
    assert too_long(hard)
    assert JARGON.findall(hard)
    assert flesch_douma([hard]) < EASIEST_ALLOWED
