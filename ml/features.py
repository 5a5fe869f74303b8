"""The feature registry: each model input declared once, with its sign, its meaning and its reason sentence.

`features.yaml` is the one declaration that the warehouse's tests, training and scoring read. A model keeps the
entries it was fitted on in its manifest, so that an old version still renders the sentences it was approved with.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ml.errors import FeatureRegistryError

REGISTRY_PATH = Path(__file__).with_name("features.yaml")

# Whose state a feature tells: of the supplier alone, of the core enterprises behind it, or of all at once. What many
# suppliers share moves for all of them in one night, and that is no fault.
Level = Literal["supplier", "core_enterprise", "market"]

UNKNOWN = "not known"
UNKNOWN_ZH = "未知"

Family = Literal[
    "external",
    "identity",
    "anchor_operation",
    "anchor_finance",
    "anchor_supply_chain",
    "anchor_financing",
    "supplier_credit",
    "capital_flow",
    "information_flow",
    "accounts_receivable",
    "fraud",
    "unclassified",
]


class Figure(float):
    """A number in a sentence: formats like a float, and reads "not known" where it is missing."""

    def __format__(self, spec: str) -> str:
        return UNKNOWN if math.isnan(self) else super().__format__(spec)


class Feature(BaseModel):
    """One model input: a column of `features.supplier_daily`.

    `sign` is the direction of risk and the model's monotone constraint: +1 higher is riskier, -1 higher is safer, 0
    free. `reason` is a format string over `{value}` and `{peer}`, both in the feature's own unit, and `reason_zh` the
    same in Chinese.

    A feature with `categories` is a text column: the model sees a value's place in the list, and one place for all
    values outside it. `infinite="kept"` takes an infinite value for what it is, larger than any number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    indicator_id: str
    family: Family
    level: Level = "supplier"
    sources: tuple[str, ...] = ()
    formula: str
    unit: Literal["ratio", "days", "count", "amount", "index", "flag", "pct", "category"]
    sign: Literal[-1, 0, 1]
    categories: tuple[str, ...] | None = None
    infinite: Literal["refused", "kept"] = "refused"
    window_days: int | None = Field(default=None, ge=0)
    missing: str
    reason: str
    reason_zh: str | None = None
    reason_missing: str | None = None

    @model_validator(mode="after")
    def _categories_have_no_direction(self) -> Feature:
        if (self.categories is not None) != (self.unit == "category"):
            raise ValueError("a feature has categories if and only if its unit is category")
        if self.categories is not None and self.sign:
            raise ValueError("categories have no order, so the sign must be 0")
        return self

    @model_validator(mode="after")
    def _sentences_can_be_rendered(self) -> Feature:
        for template in filter(None, (self.reason, self.reason_zh, self.reason_missing)):
            fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
            if not fields <= {"value", "peer"}:
                unknown = ", ".join(sorted(fields - {"value", "peer"}))
                raise ValueError(f"its reason sentence uses {{{unknown}}}; only {{value}} and {{peer}} are known")
            try:
                self._rendered(template, 0.0, 0.0)
            except ValueError as error:
                raise ValueError(f"its reason sentence cannot be rendered ({error})") from None
        return self

    def sentence(self, value: float, peer: float) -> str:
        """The reason sentence for one supplier: its value beside the median of its peers, NaN where not known."""
        if not math.isnan(value):
            return self._rendered(self.reason, value, peer)
        if self.reason_missing is not None:
            return self._rendered(self.reason_missing, value, peer)
        return f"{self.name.replace('_', ' ').capitalize()} is {UNKNOWN}: {self.missing}"

    def sentence_zh(self, value: float, peer: float) -> str | None:
        """The reason sentence in Chinese; None where the entry has none."""
        if self.reason_zh is None:
            return None
        if math.isnan(value):
            return f"指标{self.indicator_id}（{self.name}）未知"
        return self._rendered(self.reason_zh, value, peer).replace(UNKNOWN, UNKNOWN_ZH)

    def _rendered(self, template: str, value: float, peer: float) -> str:
        if self.categories is None:
            return template.format(value=Figure(value), peer=Figure(peer))
        return template.format(value=self._category(value), peer=self._category(peer))

    def _category(self, code: float) -> str:
        if math.isnan(code):
            return UNKNOWN
        categories = self.categories or ()
        return categories[int(code)] if code < len(categories) else "another value"


@dataclass(frozen=True)
class FeatureRegistry:
    """The features of a model in the order of its design matrix."""

    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        if not self.features:
            raise FeatureRegistryError("The feature registry declares no feature; add at least one entry.")
        seen: set[str] = set()
        for feature in self.features:
            if feature.name in seen:
                raise FeatureRegistryError(
                    f"Feature '{feature.name}' is declared twice in the registry; keep one of the two entries."
                )
            seen.add(feature.name)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @cached_property
    def signs(self) -> tuple[int, ...]:
        return tuple(feature.sign for feature in self.features)

    @cached_property
    def digest(self) -> str:
        """sha256 over all entries in order: a changed word in a sentence is another registry."""
        content = [feature.model_dump(mode="json") for feature in self.features]
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)


def column_feature(
    name: str,
    *,
    sign: Literal[-1, 0, 1] = 0,
    categories: tuple[str, ...] | None = None,
    infinite: Literal["refused", "kept"] = "refused",
) -> Feature:
    """The entry of a column that no registry describes."""
    spoken = re.sub(r"[{}]", "", name).strip() or "value"
    figures = "{value} (most peers {peer})" if categories is not None else "{value:.4g} (peers {peer:.4g})"
    return Feature(
        name=name,
        indicator_id="",
        family="unclassified",
        formula="column as delivered",
        unit="index" if categories is None else "category",
        sign=sign,
        categories=categories,
        infinite=infinite,
        missing="not delivered",
        reason=f"{spoken} is {figures}",
    )


def load_registry(path: Path = REGISTRY_PATH) -> FeatureRegistry:
    """Reads and checks `features.yaml`.

    Raises:
        FeatureRegistryError: the file is absent, is no list, or an entry breaks a rule; names the entry and the field.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FeatureRegistryError(
            f"The feature registry {path} does not exist; restore it from the project."
        ) from None
    except yaml.YAMLError as error:
        raise FeatureRegistryError(f"The feature registry {path} is not valid YAML: {error}") from None
    if not isinstance(entries, list):
        raise FeatureRegistryError(
            f"The feature registry {path} must be a list of features; begin each with '- name:'."
        )
    return FeatureRegistry(tuple(_parse(entry, position, path) for position, entry in enumerate(entries, start=1)))


def _parse(entry: object, position: int, path: Path) -> Feature:
    name = entry.get("name", "without name") if isinstance(entry, dict) else "not a mapping"
    where = f"Entry {position} ({name}) of {path.name}"
    try:
        return Feature.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "entry"
        raise FeatureRegistryError(f"{where} is refused: {field}: {first['msg']}.") from None
