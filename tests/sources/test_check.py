"""The dry run of a file says what a night would do with it, and shows nothing personal."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.check import check_file, mask
from sources.contract import load_contracts
from sources.ingest import Limits
from sources.mapping import identity_mapping
from sources.mapping_files import load_mapping
from sources.readers import FileRefused
from tests.sources.landing_zone import RATE_HEADER, Zone, csv, new_zone
from tests.sources.test_cn_bank_flow import HEADER, flow

RATES = identity_mapping(load_contracts()["external.fx_rate"])
FLOWS = load_mapping("cn_bank_flow/bank_transaction")


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    lines = [
        HEADER,
        flow("A1", "2026-03-02 09:15:00", '"12,345.60"', "", text=""),
        flow("A2", "20260302 10:00:00", "0.00", "500.00", "工资"),
        flow("A2", "20260302 10:00:00", "0.00", "500.00", "工资"),
        *(flow(f"B{number}", "2026-03-02 25:00:00", "1.00", "") for number in range(12)),
        flow("C1", "2026-03-02 11:00:00", "1.00", "", currency="卢比"),
        "a,b",
    ]
    path = tmp_path / "flow.csv"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("gb18030"))
    return path


def test_a_file_for_which_memory_is_short_is_checked_with_more_of_it(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(csv(RATE_HEADER, *(f"USD,CNY,2026-03-01,{number}.5" for number in range(60_000))))
    with pytest.raises(FileRefused, match="more memory than the engine may use"):
        check_file(path, RATES, limits=Limits(engine_memory="6MB", more_memory=("6MB",)))
    assert check_file(path, RATES, limits=Limits(engine_memory="6MB", more_memory=("7MB", "100MB"))).loaded == 60_000


def test_what_the_file_is_and_what_would_become_of_its_records(flows: Path) -> None:
    done = check_file(flows, FLOWS)
    assert (done.reader, done.encoding, done.delimiter) == ("delimited", "gb18030", ",")
    assert (done.delivered, done.loaded, done.refused, done.repeated) == (17, 2, 14, 1)
    assert [(rule.rule, rule.column, rule.records) for rule in done.rules] == [
        ("type", "booking_date", 12),
        ("code", "currency", 1),
        ("field_count", None, 1),
    ]
    date_rule, code_rule, record_rule = done.rules
    assert [example.line_no for example in date_rule.examples] == list(range(5, 15))
    (example,) = code_rule.examples
    assert (example.line_no, example.value) == (17, "卢比")
    assert example.message == "currency '卢比' is not in the mapping's code table."
    assert record_rule.examples[0].message == "The record has 2 fields, the header has 14."


def test_records_that_another_of_the_same_key_would_replace_are_told(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    days = ("2026-03-02,1.5", "2026-03-02,1.6", "2026-03-02,1.6", "2026-03-03,1.5")
    path.write_text(csv(RATE_HEADER, *(f"USD,EUR,{day}" for day in days)))
    done = check_file(path, RATES)
    assert (done.loaded, done.repeated) == (3, 1)
    assert [note for note in done.notes if "replaced" in note] == [
        "1 of the records to be loaded would be replaced by a later one that has the same base_currency, "
        "quote_currency, rate_date; correct the mapping where both are to stand."
    ]
    path.write_text(csv(RATE_HEADER, *(f"USD,EUR,{day}" for day in days[1:])))
    assert not any("replaced" in note for note in check_file(path, RATES).notes)


def test_examples_are_as_many_as_asked_for(flows: Path) -> None:
    assert [len(rule.examples) for rule in check_file(flows, FLOWS, examples=1).rules] == [1, 1, 1]
    assert [len(rule.examples) for rule in check_file(flows, FLOWS, examples=0).rules] == [0, 0, 0]


def test_a_column_shows_what_it_holds(flows: Path) -> None:
    columns = {column.column: column for column in check_file(flows, FLOWS).columns}
    amount, value_date = columns["amount"], columns["value_date"]
    assert amount.is_required
    assert (amount.filled, amount.minimum, amount.maximum) == (16, "1.00", "12345.60")
    assert (value_date.origin, value_date.filled, value_date.example) == (None, 0, None)


def test_nothing_personal_is_shown(flows: Path) -> None:
    shown = repr(check_file(flows, FLOWS))
    assert "6222" not in shown
    assert "中铁" not in shown
    columns = {column.column: column for column in check_file(flows, FLOWS).columns}
    assert columns["account_no"].example == "9999999999999999"
    assert columns["account_no"].minimum is None
    assert columns["counterparty_name"].example == "xxxx, xxx"


def test_a_personal_value_is_masked_in_its_sentence_too(zone: Zone) -> None:
    columns = {
        "account_no": {"expression": "concat(a, as_date(d, 'D.M.YYYY'))"},
        "balance_date": "b",
        "balance_type": {"constant": "CLBD"},
        "amount": "k",
        "currency": {"constant": "EUR"},
    }
    zone.map("balances", {"feed": "bank.balance", "columns": columns})
    path = zone.root / "b.csv"
    path.write_text(csv("a,d,b,k", "DE89,DE89 3704,2026-03-02,1"))
    ((example,),) = [rule.examples for rule in check_file(path, load_mapping("balances", zone.mapping_folders)).rules]
    assert example.value == "xx xxxx: xx99 9999"
    assert example.message == "account_no cannot be told: 'xx xxxx: xx99 9999'."


def test_the_mask_keeps_only_the_shape() -> None:
    assert mask("DE89 3704-00, Müller & 中铁 ٣") == "xx99 9999-99, xxxxxx & xx 9"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.tuples(
            st.sampled_from(["USD", "GBP", "usd", "", '"USD']),
            st.sampled_from(["2026-03-01", "2026-02-30", ""]),
            st.sampled_from(["1.5", "-1", "x", "1,5"]),
        ),
        max_size=12,
    )
)
def test_it_counts_what_a_night_counts(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, str, str]]
) -> None:
    zone = new_zone(tmp_path_factory.mktemp("zone"))
    lines = [f"{base},EUR,{day},{rate}" for base, day, rate in records]
    path = zone.deliver("external.fx_rate", "r.csv", csv(RATE_HEADER, *lines))
    done = check_file(path, RATES)
    (receipt,) = zone.ingest("external.fx_rate")
    assert (done.delivered, done.loaded, done.refused, done.repeated) == (
        receipt.delivered_rows,
        receipt.loaded_rows,
        receipt.quarantined_rows,
        receipt.duplicate_rows,
    )
    assert sum(rule.records for rule in done.rules) == receipt.quarantined_rows


def test_a_file_refused_whole_for_a_column_still_shows_why(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(csv(RATE_HEADER, *(f"USD,EUR,{day}.3.2026,1.5" for day in range(1, 13))))
    assert check_file(path, RATES).refusal is None
    done = check_file(path, RATES.model_copy(update={"on_retyped_column": "refuse"}))
    assert "rate_date" in (done.refusal or "")
    assert [(rule.rule, rule.column, rule.records) for rule in done.rules] == [("type", "rate_date", 12)]


def test_what_it_needs_beside_the_file_is_read_from_its_folder(zone: Zone) -> None:
    columns = {"base_currency": "c", "quote_currency": {"constant": "EUR"}, "rate_date": "days.d", "rate": "k"}
    tables = {"days": {"files": "days*", "match": "no = days.no"}}
    zone.map("rates", {"feed": "external.fx_rate", "files": "rates*", "columns": columns, "tables": tables})
    mapping = load_mapping("rates", zone.mapping_folders)
    path = zone.root / "rates.csv"
    path.write_text(csv("no,c,k", "1,USD,1.5"))
    with pytest.raises(FileRefused, match="deliver both together"):
        check_file(path, mapping)
    (zone.root / "days.csv").write_text(csv("no,d", "1,2026-03-02"))
    assert check_file(path, mapping).loaded == 1


def test_a_name_that_the_mapping_does_not_take_in_landing_is_told(zone: Zone) -> None:
    columns = {
        "base_currency": "base_currency",
        "quote_currency": "quote_currency",
        "rate_date": "rate_date",
        "rate": "rate",
    }
    zone.map("rates", {"feed": "external.fx_rate", "files": "rates*", "columns": columns})
    path = zone.root / "other.csv"
    path.write_text(csv(RATE_HEADER, "USD,EUR,2026-03-02,1.5"))
    (note,) = check_file(path, load_mapping("rates", zone.mapping_folders)).notes
    assert note == "In landing the mapping takes files rates*, which other.csv is not."


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"a,b\n1,2\n", "lacks the required"), (b"\x00\x01", "header")],
)
def test_a_file_that_cannot_be_used_is_refused_as_a_night_would(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=says):
        check_file(path, RATES)


def test_limits_hold(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(csv(RATE_HEADER, "USD,EUR,2026-03-02,1.5"))
    with pytest.raises(FileRefused, match="the limit is 10"):
        check_file(path, RATES, limits=Limits(max_file_bytes=10))


def test_nothing_is_left_behind(flows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    check_file(flows, FLOWS)
    assert [*temporary.iterdir()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flow.csv", "temporary"]
