"""Tokens of personal identifiers: stable, keyed, and with a key that nobody else sees."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from pipelines.mask import TOKEN_SQL, Mask, MaskError, mask_of, masked_columns, personal_columns
from pipelines.settings import Settings
from sources.contract import load_contracts
from tests.tokens import token

SECRET = "a secret of thirty-two characters"


def home(tmp_path: Path, **others: object) -> Settings:
    settings = Settings.model_validate({"home": tmp_path / "home", **others})
    settings.root.mkdir(exist_ok=True)
    return settings


@pytest.mark.parametrize("length", [16, 63, 64, 65, 200], ids=str)
def test_a_token_is_a_keyed_hash(length: int) -> None:
    mask, values = Mask(bytes(range(32, 32 + length))), ["", "6222 0212", "恒建", "a|b", "x" * 200]
    with duckdb.connect() as con:
        query = f"select {TOKEN_SQL} from (select unnest(?) as value)"
        tokens = con.execute(query, [*mask.pads, [*values, None]]).fetchall()
    assert [made for (made,) in tokens] == [*(token(mask, value) for value in values), None]


def test_a_mask_shows_nothing_of_its_key() -> None:
    assert SECRET not in repr(Mask(SECRET.encode()))


def test_a_home_makes_its_key_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = home(tmp_path)
    first = mask_of(settings).key
    assert stat.S_IMODE(settings.own_mask_key.stat().st_mode) == 0o600
    assert mask_of(settings).key == first
    (tmp_path / "other").mkdir()
    assert mask_of(home(tmp_path / "other")).key != first


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    settings = home(tmp_path)
    mask_of(settings)
    settings.own_mask_key.chmod(0o640)
    with pytest.raises(MaskError, match="chmod 600"):
        mask_of(settings)


def test_a_key_comes_from_a_variable_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")
    expected = SECRET.encode()
    assert mask_of(home(tmp_path, mask_key=SecretStr(SECRET))).key == expected
    assert mask_of(home(tmp_path, mask_key_file=tmp_path / "key")).key == expected
    monkeypatch.setenv("ANCHORWATCH_MASK_KEY", SECRET)
    settings = Settings(home=tmp_path / "home")
    assert mask_of(settings).key == expected
    assert not settings.own_mask_key.exists()
    assert SECRET not in repr(settings) + str(settings.environment())


@pytest.mark.parametrize("key", ["", "abc~123"])
def test_a_short_key_is_refused_without_saying_it(tmp_path: Path, key: str) -> None:
    (tmp_path / "key").write_text(key)
    with pytest.raises(MaskError, match="fewer than 16 characters") as error:
        mask_of(home(tmp_path, mask_key_file=tmp_path / "key"))
    assert not key or key not in str(error.value)


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="cannot be read"):
        mask_of(home(tmp_path, mask_key_file=tmp_path / "no such key"))


def test_personal_columns_are_those_of_the_contracts() -> None:
    listed = {c.name for contract in load_contracts().values() for c in contract.columns if c.classification == "pii"}
    assert personal_columns() == listed
    assert {"account_no", "contact_phone"} <= listed


def test_invoices_are_comparable_between_banks_of_one_key_alone() -> None:
    fingerprint = "CN-USCC:1|CN-USCC:2|INV0001|2026-02-10|113.00|CNY"
    ours, theirs, others = (token(Mask(key * 16), fingerprint) for key in (b"k", b"k", b"x"))
    assert ours == theirs
    assert ours != others
    assert masked_columns() - personal_columns() == {"invoice_fingerprint"}
