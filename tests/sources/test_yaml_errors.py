"""What people write in YAML: an error names file, line and key, and the nearest name there is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sources.contract import CONTRACT_FOLDER, ContractError, read_contract
from sources.deliver import deliver
from sources.mapping import OF_CONTRACT
from sources.mapping_files import MAPPING_FOLDER, load_mapping, read_mapping
from sources.yaml_model import MappingError
from tests.sources.landing_zone import DAY, Zone

FEED = "external.fx_rate"
RATES = """\
feed: external.fx_rate
delimiter: ";"
columns:
  base_currency: Von
  quote_currency: {constant: EUR}
  rate_date:
    from: Datum
    format: DD.MM.YYYY
  rate: Kurs
"""


def error_of(folder: Path, text: str) -> str:
    path = folder / "my_bank.yaml"
    path.write_text(text)
    with pytest.raises(MappingError) as error:
        read_mapping(path)
    return str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ("rate: Kurs", "rat: Kurs", 9, "columns.rat", "did you mean rate?"),
        ("rate: Kurs", "rate: {from: Kurs, factr: 2}", 9, "columns.rate.factr", "did you mean factor?"),
        ("rate: Kurs", "rate: {from: Kurs, factor: x}", 9, "columns.rate.factor", "decimal"),
        ("rate: Kurs", "rate: {from: Kurs, constant: 1}", 9, "columns.rate", "one of 'from'"),
        ("rate: Kurs", "rate: {from: k, format: YYYYMMDD}", 9, "columns.rate.format", "neither date nor timestamp"),
        ("DD.MM.YYYY", "DD.MM", 8, "columns.rate_date.format", "year, month and day once each"),
        ("DD.MM.YYYY", "DD.MM.YYYY\n    time_zone: Asia/Beijing", 9, "columns.rate_date.time_zone", "no time zone"),
        ("rate: Kurs", "rate: {constant: 1, trim: true}", 9, "columns.rate.trim", "a constant is taken as it is"),
        (
            "rate: Kurs",
            "rate: {from: k, sign: {from: s, negative: H, positive: H}}",
            9,
            "columns.rate.sign.positive",
            "'H'",
        ),
        ("rate: Kurs", "rate: {from: k, sign: {from: s, negative: H}}", 9, "columns.rate.sign.positive", "required"),
        ("rate: Kurs", "rate: {from: k, sign: behind}", 9, "columns.rate.sign", "'trailing'"),
        ("rate: Kurs", "rate: {from: k, decimal_mark: ',', thousands_sign: ','}", 9, "columns.rate", "must differ"),
        ("rate: Kurs", "rate: {expression: x, factor: 2}", 9, "columns.rate.factor", "an expression takes none"),
        ("rate: Kurs", "rate:\n    expression: as_number(Kurs", 10, "columns.rate.expression", "as_number(Kurs"),
        ("rate: Kurs", "rate:\n    expression: abs(t.Kurs)", 10, "columns.rate.expression", "declare t under tables"),
        ("    format: DD.MM.YYYY", "    trim: maybe", 8, "columns.rate_date.trim", "boolean"),
        ("{constant: EUR}", "{constant: euro}", 5, "columns.quote_currency.constant", "'euro'"),
        ("{constant: EUR}", "{from: a, codes: {E: EURO}}", 5, "columns.quote_currency.codes.E", "'EURO'"),
        ("{constant: EUR}", "{from: a, codes: {1: EUR}}", 5, "columns.quote_currency.codes", 'write "1" in quotes'),
        ("{constant: EUR}", "{constant: 010}", 5, "columns.quote_currency.constant", 'write "010" in quotes'),
        ("rate: Kurs", "rate: {constant: x}", 9, "columns.rate.constant", "'x' is no decimal(18,6)"),
        ("rate: Kurs", "rate: {constant: '1.1234567'}", 9, "columns.rate.constant", "is no decimal(18,6)"),
        (
            "\n    from: Datum\n    format: DD.MM.YYYY",
            " {constant: 2026-02-30}",
            6,
            "columns.rate_date.constant",
            "is no date",
        ),
        ("  rate: Kurs", "", 3, "columns", "rate is required"),
        ("feed: external.fx_rate", "feed: external.fx_rates", 1, "feed", "did you mean external.fx_rate?"),
        ("feed: external.fx_rate\n", "", 1, "feed", "required"),
        ("delimiter", "delimeter", 2, "delimeter", "did you mean delimiter?"),
        ('";"', '";"\nencoding: klingon', 3, "encoding", "klingon"),
        ('";"', '";"\ndelimiter: "|"', 3, "delimiter", "stands twice, first on line 2"),
        ('";"', '";"\nthousands_sign: .', 3, "thousands_sign", "must differ"),
        ('";"', '";"\nignored:\n  - no', 4, "ignored.0", '"no" in quotes'),
        ('";"', '";"\ntables: {h: {files: x, match: a = b}}', 3, "tables.h.match", "columns of h"),
        ('";"', '";"\nhistory: {known_from: rate_dat, lag_days: 1}', 3, "history.known_from", "rate_date?"),
        ("  rate: Kurs", "  rate: Kurs\n  off: Aus", 10, "columns", "the bare key off is read as false"),
        ("feed: external.fx_rate", "feed: external.fx_rate\nname: other", 2, "name", "remove the key"),
    ],
)
def test_an_error_of_a_mapping_names_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, key: str, says: str
) -> None:
    sentence = error_of(tmp_path, RATES.replace(old, new))
    assert sentence.startswith(f"mapping my_bank (my_bank.yaml, line {line}): key {key}: ")
    assert says in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("columns: {a: b", "line 1): not readable as YAML"),
        ("feed: external.fx_rate\nwhere: a: b", "line 2): not readable as YAML"),
        ("a: !!python/object/apply:os.getcwd []", "line 1): key a: there is no such key"),
        ("a: !!binary aGk=", "not read here"),
        ("", "holds no keys"),
        ("- a", "holds no keys"),
        ("[" * 5000, "nested too deep"),
        ("a: &x [*x]", "40 levels"),
        ("".join(f"k{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else '1'] * 9)}]\n" for n in range(7)), "50,000 values"),
        ("base: &b {a: 1}\nmore: {<<: *b}", "line 2): key more: merge keys"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    assert says in error_of(tmp_path, text)


def test_no_file_has_the_name_of_what_reads_a_delivery_without_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / f"{OF_CONTRACT}.yaml"
    path.write_text(RATES)
    with pytest.raises(MappingError, match="give the file another name"):
        read_mapping(path)


def test_an_amount_in_yaml_is_no_float(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(RATES.replace("rate: Kurs", "rate: {constant: 1.10}"))
    assert read_mapping(tmp_path / "m.yaml").columns["rate"].constant == "1.10"


def test_an_error_of_a_delivery_names_its_line(zone: Zone) -> None:
    text = "deliveries:\n  - {files: a.csv}\n  - files: b.csv\n    history: {known_from: rate_day, lag_days: 1}\n"
    zone.deliver(FEED, "_delivery.yaml", text)
    zone.deliver(FEED, "b.csv", "x")
    (receipt,) = zone.ingest(FEED)
    assert receipt.message is not None
    assert "(_delivery.yaml, line 4): key deliveries.1.history.known_from: " in receipt.message
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates\nhistry: true\n")
    (receipt,) = zone.ingest(FEED)
    assert "line 2): key histry: there is no such key (did you mean history?)." in (receipt.message or "")


def test_an_error_of_a_plan_names_its_line(tmp_path: Path) -> None:
    plan = tmp_path / "mine" / "_plan.yaml"
    plan.parent.mkdir()
    plan.write_text("deliveries:\n  - {feed: tax.taxpayer, files: a}\n  - {feed: tax.taxpayr, files: b}\n")
    with pytest.raises(MappingError, match=r"plan mine \(_plan.yaml, line 3\): key deliveries.1.feed: .*tax.taxpayer"):
        deliver("mine", tmp_path, tmp_path, DAY, (tmp_path,))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("physicalType: decimal(18,6)", "physicalType: money", "physicalType: 'money' is not known"),
        ("value: rate_date", "value: rate_day", "did you mean rate_date?"),
        ("classification: internal", "classification: secret", "classification"),
        ("required: true", "required: on", "the bare word on is read as true"),
    ],
)
def test_an_error_of_a_contract_names_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (CONTRACT_FOLDER / "external" / "fx_rate.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "external" / "fx_rate.yaml"
    path.parent.mkdir()
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ContractError, match=r"contract external.fx_rate \(fx_rate.yaml, line \d+\): key ") as error:
        read_contract(path)
    assert says in str(error.value)


def test_a_mapping_of_the_home_comes_before_the_one_of_the_project(tmp_path: Path) -> None:
    own = tmp_path / "sme_invoices" / "supplier.yaml"
    own.parent.mkdir()
    shutil.copy(MAPPING_FOLDER / "sme_invoices" / "supplier.yaml", own)
    own.write_text(own.read_text(encoding="utf-8").replace("files: companies.csv", "files: firms.csv"))
    assert load_mapping("sme_invoices/supplier", (tmp_path, MAPPING_FOLDER)).files == "firms.csv"
    assert load_mapping("sme_invoices/taxpayer", (tmp_path, MAPPING_FOLDER)).files == "companies.csv"


@pytest.mark.parametrize("name", ["../rates", "/etc/rates", "a/../rates", "rates\n", "Rates", "a//b", ".", ""])
def test_a_name_of_a_mapping_is_never_a_path_out_of_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "rates.yaml").write_text(RATES)
    (tmp_path / "a").mkdir()
    with pytest.raises(MappingError, match="mapping name"):
        load_mapping(name, (tmp_path / "a",))


def test_a_name_that_no_mapping_has_is_answered_with_the_nearest() -> None:
    with pytest.raises(MappingError, match=r"did you mean sme_invoices/input_invoice\?"):
        load_mapping("sme_invoices/input_invoce")
