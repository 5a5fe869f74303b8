from __future__ import annotations

import math
from pathlib import Path

import pytest
from small_portfolio import REGISTRY, feature

from ml.errors import FeatureRegistryError
from ml.features import REGISTRY_PATH, FeatureRegistry, load_registry

ENTRY = """
- name: vat_sales_yoy_3m
  indicator_id: S01
  family: supplier_credit
  sources: [tax]
  formula: "VAT sales of the last 90 days / the same 90 days a year before - 1"
  unit: ratio
  sign: -1
  window_days: 90
  missing: "no VAT invoice in either window"
  reason: "VAT sales changed by {value:+.0%} against a year ago (peers {peer:+.0%})"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "features.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_entry_is_read_and_renders_its_sentence(tmp_path: Path) -> None:
    (entry,) = load_registry(write(tmp_path, ENTRY))
    assert entry.sign == -1
    assert entry.sentence(-0.314, 0.05) == "VAT sales changed by -31% against a year ago (peers +5%)"


def test_a_missing_figure_reads_as_not_known(tmp_path: Path) -> None:
    (entry,) = load_registry(write(tmp_path, ENTRY))
    assert entry.sentence(-0.314, math.nan).endswith("(peers not known)")
    assert entry.sentence(math.nan, 0.1) == "Vat sales yoy 3m is not known: no VAT invoice in either window"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("sign: -1", "sign: 2"), r"Entry 1 \(vat_sales_yoy_3m\) of features.yaml is refused: sign"),
        (("family: supplier_credit", "family: weather"), "family"),
        (("{peer:+.0%}", "{median:+.0%}"), r"uses \{median\}"),
        (("{value:+.0%}", "{value:+.0q}"), "cannot be rendered"),
        (("  unit: ratio\n", ""), "unit: Field required"),
        (("  window_days: 90\n", "  window: 90\n"), "window: Extra inputs"),
        (("- name", "name"), "must be a list|not valid YAML"),
    ],
)
def test_a_broken_entry_is_refused_by_name(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(FeatureRegistryError, match=message):
        load_registry(write(tmp_path, ENTRY.replace(*change)))


def test_a_name_declared_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeatureRegistryError, match="'vat_sales_yoy_3m' is declared twice"):
        load_registry(write(tmp_path, ENTRY + ENTRY))


def test_the_digest_sees_every_word() -> None:
    changed = FeatureRegistry((*REGISTRY.features[:-1], feature("noise", 0, missing="another word")))
    assert changed.digest != REGISTRY.digest


@pytest.mark.skipif(not REGISTRY_PATH.exists(), reason="the registry is not in this checkout")
def test_the_projects_own_registry_renders_every_sentence() -> None:
    for entry in load_registry():
        for value, peer in ((0.5, 0.25), (0.5, math.nan), (math.nan, 0.25)):
            assert "nan" not in entry.sentence(value, peer).split()
