"""What a home must be for the engine to find files below it."""

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
