"""Middle floor. Places stated genotypes on the GRCh38 plus strand: ``place_genotypes``.

Source: specification, section 10. Nothing here enters the phase, a class or a safety flag.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from pipeline.model import Genotype, Sex, StatedGenotype
from pipeline.rules import Rules
from pipeline.rules.loader import Variant

_NO_CALLS = frozenset(("", "-", "--", "00", "0", "NC", "NN"))
_CALL = re.compile(r"([ACGT])[/|;]?([ACGT])?")
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


class _NotPlacedError(Exception):
    """A call that cannot be placed; its word says why."""


def place_genotypes(
    stated: Sequence[StatedGenotype], sex: Sex | None, rules: Rules
) -> tuple[Genotype, ...]:
    """Return each stated genotype on the plus strand with its effect alleles counted, or why not.

    In the order they were stated. Calls of one variant that contradict each other are all shown,
    and none of them is counted.
    """
    placed = tuple(_place(one, sex, rules.genotypes.get(one.rsid)) for one in stated)
    return tuple(_unless_contradicted(one, placed) for one in placed)


def _place(stated: StatedGenotype, sex: Sex | None, variant: Variant | None) -> Genotype:
    if variant is None:
        return _unplaced(stated, "not-in-panel")
    try:
        plus = _on_plus_strand(_letters(stated.call), stated.strand, variant)
        plus = _hemizygous(plus, sex) if variant.x_linked else _diploid(plus)
    except _NotPlacedError as why:
        return _of_panel(_unplaced(stated, str(why)), variant)
    found = replace(_unplaced(stated, ""), plus=plus, copies=plus.count(variant.effect))
    found = _of_panel(found, variant)
    return replace(found, notes=(*found.notes, *_own_notes(found)))


def _unplaced(stated: StatedGenotype, why: str) -> Genotype:
    return Genotype(
        stated=stated,
        gene="",
        variant="",
        plus=None,
        effect_allele="",
        copies=None,
        evidence="",
        reason=why,
    )


def _of_panel(found: Genotype, variant: Variant) -> Genotype:
    return replace(
        found,
        gene=variant.gene,
        variant=variant.name,
        effect_allele=variant.effect,
        evidence=variant.evidence,
        notes=variant.notes,
        sources=variant.sources,
        verified=variant.verified,
    )


def _own_notes(found: Genotype) -> tuple[str, ...]:
    """Return what two copies of C677T ask for: homocysteine, whatever else is known."""
    both = found.stated.rsid == "rs1801133" and found.copies == 2
    return ("measure-homocysteine",) if both else ()


# From the letters of a call to the plus strand.


def _letters(call: str) -> str:
    letters = call.strip().upper()
    if letters in _NO_CALLS:
        raise _NotPlacedError("no-call")
    match = _CALL.fullmatch(letters)
    if match is None:
        raise _NotPlacedError("alleles-unknown")
    return "".join(letter for letter in match.groups() if letter)


def _on_plus_strand(letters: str, strand: str, variant: Variant) -> str:
    """Return the letters on the plus strand, sorted.

    A strand that is not declared is recognised by the alleles; never that of a palindrome.
    """
    if not variant.alleles:
        raise _NotPlacedError("alleles-unverified")
    flipped = letters.translate(_COMPLEMENT)
    if strand:
        return _fitting(letters if strand == "plus" else flipped, {*variant.alleles, *variant.rare})
    if variant.is_palindromic:
        raise _NotPlacedError("strand-unknown")
    fits = [one for one in (letters, flipped) if set(one) <= set(variant.alleles)]
    if len(fits) > 1:
        raise _NotPlacedError("strand-unknown")
    return _fitting(fits[0] if fits else letters, set(variant.alleles))


def _fitting(letters: str, alleles: set[str]) -> str:
    if not set(letters) <= alleles:
        raise _NotPlacedError("alleles-unknown")
    return "".join(sorted(letters))


def _diploid(letters: str) -> str:
    if len(letters) == 1:
        raise _NotPlacedError("one-allele")
    return letters


def _hemizygous(letters: str, sex: Sex | None) -> str:
    """Return one letter for a man, who has one X: an array doubles it."""
    if sex is None:
        raise _NotPlacedError("sex-unknown")
    if sex == "F":
        return _diploid(letters)
    if len(set(letters)) > 1:
        raise _NotPlacedError("heterozygous-in-man")
    return letters[0]


def _unless_contradicted(one: Genotype, all_placed: Sequence[Genotype]) -> Genotype:
    """Return a genotype without its count where another assay says otherwise."""
    same = [other for other in all_placed if other.stated.rsid == one.stated.rsid and other.plus]
    if one.plus is None or len({other.plus for other in same}) == 1:
        return one
    notes = tuple(note for note in one.notes if note != "measure-homocysteine")
    return replace(one, copies=None, reason="assays-disagree", notes=notes)
