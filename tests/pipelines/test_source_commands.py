"""`anchorwatch source`: what people see, and what the exit code says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines import cli
from sources.contract import load_contracts
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
    return cli.run()


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
        (("nowhere.csv", "--mapping", "my_bank"), "There is no file nowhere.csv"),
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


def test_a_drafted_mapping_is_used_as_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    lines = ["From;To;Date;Exchange rate", *(f"USD;EUR;{day}.03.2026;1,{day:02d}" for day in range(1, 32))]
    (home / "rates.csv").write_text("\n".join(lines) + "\n")
    assert run(monkeypatch, "source", "new", "rates.csv", "--feed", "external.fx_rate", "--out", "draft.yaml") == 0
    assert "line 8: base_currency is required; fill it in." in capsys.readouterr().out
    text = (home / "draft.yaml").read_text()
    (home / "draft.yaml").write_text(
        text.replace("  # base_currency:", "  base_currency: From").replace(
            "  # quote_currency:", "  quote_currency: To"
        )
    )
    assert run(monkeypatch, "source", "check", "rates.csv", "--mapping", "draft.yaml") == 0
    assert "31 records: 31 would be loaded" in capsys.readouterr().out
    assert run(monkeypatch, "source", "new", "rates.csv", "--feed", "external.fx_rate", "--out", "draft.yaml") == 2
    assert "There is a file draft.yaml already" in capsys.readouterr().err


def test_without_a_place_the_draft_is_all_that_is_on_standard_output(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "source", "new", str(home / "good.csv"), "--feed", "external.fx_rate") == 0
    captured = capsys.readouterr()
    assert yaml.safe_load(captured.out)["feed"] == "external.fx_rate"
    assert "quote_currency is required" in captured.err


def test_what_cannot_be_drafted_is_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "words.csv").write_text("just words\nand more\n")
    assert run(monkeypatch, "source", "new", str(home / "words.csv"), "--feed", "external.fx_rate") == 2
    assert "No mapping can be drafted from words.csv: No delimiter" in " ".join(capsys.readouterr().err.split())


def test_the_list_shows_every_feed_and_the_homes_own_mappings(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "home" / "mappings" / "broken.yaml").write_text("feed: nowhere\ncolumns: {}\n")
    assert run(monkeypatch, "source", "list") == 0
    shown = capsys.readouterr().out
    assert all(feed in shown for feed in load_contracts())
    assert "my_bank (home)" in shown
    assert "sme_invoices/input_invoice" in shown
    assert "mapping broken (broken.yaml, line 1): key feed" in shown
