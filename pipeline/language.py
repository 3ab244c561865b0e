"""Column and language floor. A language's texts, numbers, dates and units, from a folder."""

import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from string import Formatter
from typing import Any, Self

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from pipeline.errors import RulesError
from pipeline.model import Finding, Limit
from pipeline.resources import resource_path

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
_COMPARATORS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥"}
_INSIDE = {">": "≤", ">=": "<", "<": "≥", "<=": ">"}  # how the side that is not beyond is printed
_FIRST_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number on its way into a sentence: its unit is UCUM, its comparator as the laboratory's."""

    value: float
    decimals: int
    unit: str = "1"
    comparator: str | None = None
    signed: bool = False  # print the plus of a rise

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """Return the value of a finding as it is printed."""
        return cls(
            value=finding.value,
            decimals=finding.decimals,
            unit=finding.unit,
            comparator=finding.comparator,
        )

    @classmethod
    def exact(cls, value: float, unit: str = "1") -> Self:
        """Return a number with just the decimals it has: 10 as "10", 2.5 as "2,5"."""
        return cls(value=value, decimals=_decimals_of(value), unit=unit)


Field = str | int | dt.date | Quantity | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The texts of one language and the way it writes numbers, dates and lists."""

    code: str
    texts: Mapping[str, Mapping[str, object]]  # by file name, without its suffix

    @classmethod
    def load(cls, code: str) -> "Language":
        """Return the language whose texts stand in ``pipeline/rules/texts/<code>``.

        Raises RulesError where there is no such folder, or a text file is not TOML.
        """
        return _load(code)

    @property
    def locale(self) -> str:
        """Return the name by which Babel knows this language's numbers, dates and lists."""
        return self.text("report.formats.locale")

    # -- numbers, dates, lists

    def number(self, x: float, decimals: int, *, signed: bool = False) -> str:
        """Return ``x`` rounded half up, with the language's decimal mark and no thousands mark."""
        return _number(x, decimals, signed, self.locale)

    def quantity(self, quantity: Quantity) -> str:
        """Return comparator, number and unit, held together by no-break spaces."""
        number = self.number(quantity.value, quantity.decimals, signed=quantity.signed)
        sign = _COMPARATORS[quantity.comparator] if quantity.comparator else ""
        parts = (sign, number, self.unit(quantity.unit))
        return NO_BREAK_SPACE.join(part for part in parts if part)

    def date(self, day: dt.date) -> str:
        """Return a date in words: "8 september 2025", "8 September 2025"."""
        return format_date(day, format=self._pattern("date"), locale=self.locale)

    def short_date(self, day: dt.date) -> str:
        """Return a date in digits, as the language writes it in a table."""
        return format_date(day, format=self._pattern("short_date"), locale=self.locale)

    def when(self, iso: str) -> str:
        """Return an ISO date in words; of a month ("2023-11") or a year just that."""
        if len(iso) == len("2023"):
            return iso
        if len(iso) == len("2023-11"):
            day = dt.date.fromisoformat(f"{iso}-01")
            return format_date(day, format=self._pattern("month"), locale=self.locale)
        return self.date(dt.date.fromisoformat(iso))

    def listing(self, items: Iterable[str]) -> str:
        """Return "a, b en c": the items as one list in running text."""
        return format_list(list(items), style="standard", locale=self.locale)

    # -- words

    def text(self, key: str, **fields: Field) -> str:
        """Return the text of ``key`` with its fields filled in, each printed as the language does.

        ``key`` is dotted and starts with the file's name: ``"flags.SF-03.cgm"``. A sentence that
        begins with a field gets a capital, unless its first word has one of its own (hs-CRP, eGFR).

        Raises RulesError where the key is missing, is no text, or needs a field that is not given.
        """
        template = self._find(key)
        if not isinstance(template, str):
            raise RulesError(f"Unable to find text '{key}' in language '{self.code}'.")
        printed = {name: self._print(value) for name, value in fields.items()}
        try:
            sentence = template.format_map(printed)
        except KeyError as error:
            raise RulesError(f"Text '{key}' in '{self.code}' needs the field {error}.") from None
        is_sentence = template.startswith("{") and template.endswith(".")
        return capitalised(sentence) if is_sentence else sentence

    def count(self, key: str, n: int, **fields: Field) -> str:
        """Return the text of ``key`` in the number (one, other) that ``n`` asks for, as field n."""
        form = Locale.parse(self.locale).plural_form(n)
        return self.text(f"{key}.{form}", n=n, **fields)

    def has(self, key: str) -> bool:
        """Return whether the language has a text of this key."""
        return isinstance(self._find(key), str)

    def needs(self, key: str) -> frozenset[str]:
        """Return the fields that a text asks for."""
        found = Formatter().parse(str(self._find(key)))
        return frozenset(field for _, field, _, _ in found if field)

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the names that stand directly below ``prefix``, in the order of the file."""
        below = self._find(prefix)
        return tuple(below) if isinstance(below, Mapping) else ()

    def marker(self, id: str) -> str:
        """Return the full name of a marker, as a table prints it."""
        return self.text(f"markers.{id}.name")

    def short(self, id: str) -> str:
        """Return the name of a marker as it reads in a sentence, without a capital of its own."""
        return self.text(f"markers.{id}.short")

    def unit(self, ucum: str) -> str:
        """Return a UCUM unit as it is printed; of a number without a unit nothing."""
        key = f"report.units.{ucum.replace('.', '_')}"
        return self.text(key) if self.has(key) else ucum

    def inside(self, limit: Limit) -> str:
        """Return what still lies inside a limit, "< 2,5", with just the decimals it has."""
        number = self.number(limit.value, _decimals_of(limit.value))
        return f"{_INSIDE[limit.op]}{NO_BREAK_SPACE}{number}"

    def beyond(self, limit: Limit) -> str:
        """Return a limit as it is crossed, "≥ 2,5", with just the decimals it has."""
        number = self.number(limit.value, _decimals_of(limit.value))
        return f"{_COMPARATORS[limit.op]}{NO_BREAK_SPACE}{number}"

    def interval(self, limits: Sequence[Limit]) -> str:
        """Return a pair of limits as "4,00–6,09", one as "≤ 25", more than one a side in a row."""
        sides = {limit.side for limit in limits}
        if len(limits) != 2 or len(sides) != 2:
            return "; ".join(self.inside(limit) for limit in limits)
        low, high = sorted(limits, key=lambda limit: limit.value)
        decimals = max(_decimals_of(low.value), _decimals_of(high.value))
        open_end = f"<{NO_BREAK_SPACE}" if high.op == ">=" else ""
        return f"{self.number(low.value, decimals)}–{open_end}{self.number(high.value, decimals)}"

    # -- inside

    def _pattern(self, name: str) -> str:
        return self.text(f"report.formats.{name}")

    def _print(self, value: Field) -> str:
        match value:
            case str():
                return value
            case Quantity():
                return self.quantity(value)
            case dt.date():
                return self.date(value)
            case int():
                return self.number(value, 0)
        return self.listing(value)

    def _find(self, key: str) -> object:
        found: Any = self.texts
        try:
            for part in key.split("."):
                found = found[part]
        except (KeyError, TypeError):  # no such key, or below a text
            return None
        return found


@lru_cache(maxsize=8_192)  # a report says the same few numbers again and again
def _number(x: float, decimals: int, signed: bool, locale: str) -> str:
    rounded = Decimal(str(x)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    rounded += 0  # no "minus nought"
    pattern = "0." + "0" * decimals if decimals else "0"
    printed = format_decimal(rounded, format=pattern, locale=locale)
    sign = "+" if signed and rounded > 0 else ""
    return sign + printed.replace("-", MINUS)


@lru_cache
def _load(code: str) -> Language:
    """Read every text file of a language once."""
    folder = resource_path("pipeline/rules/texts") / code
    if not re.fullmatch("[a-z]{2,3}", code) or not folder.is_dir():
        raise RulesError(f"Unrecognised language '{code}': there are no texts for it.")
    try:
        files = sorted(folder.glob("*.toml"))
        texts = {file.stem: tomllib.loads(file.read_text("utf-8")) for file in files}
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"Unable to read the texts of '{code}': {error}.") from None
    return Language(code=code, texts=texts)


def capitalised(sentence: str) -> str:
    """Return a sentence with a capital, unless its first word is a symbol with one of its own."""
    first = _FIRST_WORD.match(sentence)
    if first is None or any(letter.isupper() for letter in first.group()):
        return sentence
    return sentence[0].upper() + sentence[1:]


def _decimals_of(x: float) -> int:
    """Return how many decimals it takes to write ``x`` exactly."""
    exponent = Decimal(str(x)).normalize().as_tuple().exponent
    return max(0, -int(exponent))
