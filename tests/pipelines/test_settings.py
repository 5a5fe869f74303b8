"""What cannot be set is refused with a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipelines.cli import run


def test_a_home_with_a_comma_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANCHORWATCH_HOME", str(tmp_path / "Ltd, London"))
    monkeypatch.setattr(sys, "argv", ["anchorwatch", "status"])
    assert run() == 2
    said = capsys.readouterr().err
    assert "has a comma in its path; choose a folder without one." in " ".join(said.split())
    assert not (tmp_path / "Ltd, London").exists()


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("AUDIENCE", "The Bank", "of small letters and underscores."),
        ("ENGINE_MEMORY", "much", "a whole number and MB or GB, as in 3GB."),
        ("ENGINE_MEMORY", "0GB", "a whole number and MB or GB, as in 3GB."),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_its_rule(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    rule: str,
) -> None:
    monkeypatch.setenv("ANCHORWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(f"ANCHORWATCH_{variable}", value)
    monkeypatch.setattr(sys, "argv", ["anchorwatch", "status"])
    assert run() == 2
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith(f"anchorwatch: ANCHORWATCH_{variable} cannot be used; it must be the ")
    assert said.endswith(rule)
    assert value not in said
