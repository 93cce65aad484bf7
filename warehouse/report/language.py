"""How a reader's language writes things: texts, names, numbers, dates, units and what is not there.

Belongs here: texts of the report by key, and formats after CLDR (babel). Does not belong here: which figures are shown.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup, escape

from warehouse.languages import Language as Code
from warehouse.report.reasons import in_words
from warehouse.yaml_file import read_yaml

_LOCALES = {"kk": "kk_KZ", "ru": "ru_KZ", "en": "en_GB"}
TEXTS = Path(__file__).parent / "texts"
_MINUS = "\N{MINUS SIGN}"
_LARGE = 10_000
_MILLION = 1_000_000


@dataclass(frozen=True)
class Language:
    """A language of the report. `texts` is the tree of its file in `texts/`."""

    code: str
    texts: Mapping[str, Any]

    @cached_property
    def locale(self) -> Locale:
        """Rules of CLDR for the language as it is written in Kazakhstan (English: as in Britain)."""
        return Locale.parse(_LOCALES[self.code])

    @property
    def name(self) -> str:
        """The language's name for itself."""
        return str(self.texts["language"])

    def term(self, group: str, key: str | None) -> str:
        """A term of a group of texts; the key itself, made readable, where the group has none."""
        if key is None:
            return ""
        return str(self.texts[group].get(key, key.replace("_", " ")))

    def named(self, row: Mapping[str, Any], prefix: str = "name") -> str:
        """Name of a place, operator or measure in this language; else in the next best that the row has."""
        order = {"kk": ("kk", "ru", "en"), "ru": ("ru", "kk", "en"), "en": ("en", "ru", "kk")}[self.code]
        return next((str(row[f"{prefix}_{code}"]) for code in order if row.get(f"{prefix}_{code}")), "")

    def number(self, value: float, digits: int = 0) -> str:
        """A number with `digits` decimals."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return str(format_decimal(_no_minus_zero(value, digits), format=pattern, locale=self.locale)).replace(
            "-", _MINUS
        )

    def percent(self, value: float, digits: int = 1, *, sign: bool = True) -> str:
        """A percentage given as 0-100; what is not the whole is never rounded up to it, nor down to nothing."""
        shown = round(value, digits)
        if shown == 100 and value < 100 - 1e-9:
            shown = 100 - 10**-digits
        elif shown == 0 and value > 1e-9:
            shown = 10**-digits
        if not sign:
            return self.number(shown, digits)
        decimals = "0." + "0" * digits if digits else "0"
        pattern = re.sub("0", decimals, str(self.locale.percent_formats[None].pattern))
        text = format_percent(_no_minus_zero(shown, digits) / 100, format=pattern, locale=self.locale)
        return str(text).replace("-", _MINUS)

    def date(self, value: dt.date | None, form: str = "medium") -> str:
        """A date; nothing where there is none."""
        return "" if value is None else str(format_date(value, form, locale=self.locale))

    def plural(self, unit: str, value: float) -> str:
        """The word for a unit after a number."""
        forms = self.texts["unit"][unit]
        return str(forms.get(self.locale.plural_form(value if value % 1 else int(value)), forms["other"]))

    def value(self, value: float | None, unit: str | None, withheld: str | None = None) -> Markup:
        """A figure with its unit, or what stands in its place when it is withheld or not known."""
        if value is None:
            return self.absent(withheld)
        if unit == "percent":
            return escape(self.percent(value))
        if unit == "US dollars" and abs(value) >= _MILLION:
            before, _, after = str(self.texts["money"]).partition("{value}")
            number = self.number(value / _MILLION, 1)
            return Markup('{}{}<span class="unit">{}</span>').format(before, number, after)
        if unit is None or unit not in self.texts["unit"]:
            return escape(self.number(value, 0 if float(value).is_integer() else 1))
        digits = 0 if float(value).is_integer() or abs(value) >= _LARGE or unit in _WHOLE else 1
        shown = round(value, digits)
        return Markup('{} <span class="unit">{}</span>').format(
            self.number(shown, digits), self.plural(unit, shown)
        )

    def span(self, low: float, high: float, unit: str | None) -> Markup:
        """From one figure to another; a unit that is a word is told beside them already."""
        if unit in ("percent", "US dollars"):
            return Markup("{} – {}").format(self.value(low, unit), self.value(high, unit))
        return Markup("{} – {}").format(self.number(low), self.number(high))

    @cached_property
    def _reasons(self) -> dict[str, Markup]:
        return {}

    def reason(self, withheld: str) -> Markup:
        """Why a figure is withheld; the few reasons of a release are told for thousands of figures."""
        if withheld not in self._reasons:
            self._reasons[withheld] = in_words(withheld, self.code, self.texts)
        return self._reasons[withheld]

    def absent(self, withheld: str | None) -> Markup:
        """What stands where no figure does: `withheld` gives the reason, None says that nobody knows it."""
        if withheld:
            word = self.texts["figure"]["withheld"]
            return Markup('<span class="withheld" title="{}">{}</span>').format(
                self.reason(withheld).striptags(), word
            )
        word = self.texts["figure"]["unknown"]
        return Markup(
            '<span class="unknown"><span aria-hidden="true">–</span><span class="sr">{}</span></span>'
        ).format(word)


_WHOLE = frozenset(
    {"settlements", "households", "people", "cities", "satellites", "days", "US dollars", "km"}
)


def _no_minus_zero(value: float, digits: int) -> float:
    return 0.0 if round(value, digits) == 0 else value


def _kept_together(texts: Any) -> Any:
    """Texts in which no line ends inside a number or before its percent sign."""
    if isinstance(texts, dict):
        return {key: _kept_together(value) for key, value in texts.items()}
    if isinstance(texts, list):
        return [_kept_together(value) for value in texts]
    return re.sub(r"(?<=\d) (?=\d{3}\b|%)", "\N{NO-BREAK SPACE}", texts)


@cache
def load_languages() -> tuple[Language, ...]:
    """The languages of the report, each with its texts."""
    return tuple(Language(code.value, _kept_together(read_yaml(TEXTS / f"{code}.yaml"))) for code in Code)
