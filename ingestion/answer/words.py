"""The words of an answer in Kazakh, Russian and English.

Belongs here: reading `texts/*.yaml` and finding the words for a rule. Does not belong here: any form they are put in.
English remedies stand with their rules (`ingestion.faults`, the contracts); the other languages translate them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ingestion.contract import Contract
from ingestion.faults import FILE_RULES
from ingestion.layout import Layout
from ingestion.rules import remedy
from warehouse.languages import Language
from warehouse.yaml_file import read_yaml

TEXTS_DIR = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Words:
    """One language: words of the page, extracts, anomalies and what is counted, and name and remedy of each rule."""

    language: Language
    name: str
    ui: Mapping[str, str]
    extracts: Mapping[str, str]
    anomalies: Mapping[str, str]
    measures: Mapping[str, str]
    rules: Mapping[str, Mapping[str, str]]
    files: Mapping[str, Mapping[str, str]]

    def extract(self, contract: Contract) -> str:
        """Name of a kind of extract, with its id, which is the same in every language."""
        return f"{self.extracts.get(contract.id, contract.name)} ({contract.id})"

    def rule(self, rule: str, layout: Layout | None) -> str:
        """Name of a rule that a row breaks."""
        return self._of_row(rule, layout).get("name", rule.replace("_", " "))

    def remedy(self, rule: str, layout: Layout) -> str:
        """What to do about a row that breaks a rule."""
        english = remedy(layout, rule)
        translated = self._of_row(rule, layout).get("remedy")
        if translated is None:
            return english
        # The examples of numbers depend on the layout, and are the same in every language.
        _, comma, examples = english.partition(", such as ")
        return f"{translated}: {examples.replace(' or ', '; ')}" if comma else translated

    def file_rule(self, rule: str) -> str:
        """Name of a rule that a whole file breaks."""
        return self.files.get(rule, {}).get("name", rule.replace("_", " "))

    def file_remedy(self, rule: str) -> str:
        """What to do about a file that breaks a rule."""
        return self.files.get(rule, {}).get("remedy", FILE_RULES[rule])

    def _of_row(self, rule: str, layout: Layout | None) -> Mapping[str, str]:
        own = self.rules.get(f"{layout.extract_kind}.{rule}") if layout else None
        return own or self.rules.get(rule, {})


@cache
def load_words(language: Language) -> Words:
    """The words of one language; raises KeyError when its file lacks a part."""
    told = read_yaml(TEXTS_DIR / f"{language}.yaml")
    return Words(
        language,
        told["language"],
        told["ui"],
        told.get("extracts", {}),
        told["anomalies"],
        told["measures"],
        told.get("rules", {}),
        told.get("files", {}),
    )
