"""`anchorwatch source`: what people see, and what the exit code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import cli
from tests.sources.landing_zone import RATE_HEADER, csv

RATES = """\
feed: external.fx_rate
delimiter: ";"
decimal_mark: ","
columns:
  base_currency: Von
  quote_currency: {constant: EUR}
  rate_date: {from: Datum, format: DD.MM.YYYY}
  rate: Kurs
"""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command, run as from a shell whose terminal has 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.argv", ["anchorwatch", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a mapping of its own, and files beside it."""
    monkeypatch.setenv("ANCHORWATCH_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "mappings").mkdir(parents=True)
    (tmp_path / "home" / "mappings" / "my_bank.yaml").write_text(RATES)
    (tmp_path / "good.csv").write_text(csv("Von;Datum;Kurs", "USD;02.03.2026;1,5"))
    (tmp_path / "bad.csv").write_text(csv("Von;Datum;Kurs;Rest", "USD;02.03.2026;1,5;x", "GBP;30.02.2026;1,5;[b]y"))
    return tmp_path


def test_a_file_that_would_load_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "source", "check", str(home / "good.csv"), "--mapping", "my_bank") == 0
    shown = capsys.readouterr().out
    assert "1 records: 1 would be loaded" in shown
    assert "utf-8, delimiter ';'" in shown


def test_a_file_with_refused_records(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping = str(home / "home" / "mappings" / "my_bank.yaml")
    assert run(monkeypatch, "source", "check", str(home / "bad.csv"), "--mapping", mapping) == 1
    shown = capsys.readouterr().out
    assert "2 records: 1 would be loaded, 1 refused" in shown
    assert "column Rest" in shown
    assert "rate_date '30.02.2026' is no date of the form DD.MM.YYYY." in " ".join(shown.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere.csv", "--mapping", "my_bank"), "nowhere.csv"),
        (("good.csv",), "Neither --mapping nor --feed is given"),
        (("good.csv", "--mapping", "my_bnk"), "did you mean my_bank?"),
        (("good.csv", "--mapping", "nowhere.yaml"), "There is no file"),
        (("good.csv", "--feed", "external.fx_rates"), "did you mean external.fx_rate?"),
        (("good.csv", "--feed", "external.fx_rate"), "lacks the required columns base_currency"),
        (
            ("good.csv", "--feed", "tax.taxpayer", "--mapping", "my_bank"),
            "is for external.fx_rate, not for tax.taxpayer",
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(home)
    assert run(monkeypatch, "source", "check", *arguments) == 2
    captured = capsys.readouterr()
    assert says in " ".join(captured.err.split())
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_a_file_with_the_names_of_the_contract_needs_no_mapping(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "own.csv").write_text(csv(RATE_HEADER, "USD,EUR,2026-03-02,1.5"))
    assert run(monkeypatch, "source", "check", str(home / "own.csv"), "--feed", "external.fx_rate") == 0


def test_nothing_is_written_into_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "source", "check", str(home / "good.csv"), "--mapping", "my_bank")
    assert [path.name for path in (home / "home").iterdir()] == ["mappings"]
