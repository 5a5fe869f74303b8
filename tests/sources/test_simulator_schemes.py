"""Schemes only add papers: what the economy wrote stays, the books stay whole, and the truth names what is there."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sources.contract import load_contracts
from sources.simulator import Portfolio, PortfolioError, extend, named_schemes, simulate
from sources.simulator.feeds import Feed, History
from sources.simulator.portfolio import default_go_live, documents, play
from sources.simulator.schemes import SCHEMES, plant_schemes
from sources.simulator.schemes.actor import choose_actors

START, UNTIL, LATER = date(2024, 1, 1), date(2024, 10, 8), date(2024, 11, 12)
SETTINGS = {"scale": 0.06, "seed": 3, "start": START}


@pytest.fixture(scope="module")
def history() -> History:
    return play(Portfolio(0.06, 3, START, UNTIL, default_go_live(START, UNTIL)))


@pytest.fixture(scope="module")
def honest(history: History) -> list[Feed]:
    return documents(history)


@pytest.fixture(scope="module")
def planted(history: History, honest: list[Feed]) -> tuple[list[Feed], pa.Table]:
    return plant_schemes(history, honest, SCHEMES)


@pytest.fixture(scope="module")
def db(planted: tuple[list[Feed], pa.Table]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for feed in planted[0]:
        connection.register(feed.name.replace(".", "_"), feed.table)
    connection.register("truth", planted[1])
    return connection


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("schemes")
    simulate(out, until=UNTIL, schemes=SCHEMES, **SETTINGS)
    return out


def nothing(db: duckdb.DuckDBPyConnection, query: str) -> None:
    assert db.execute(query).fetchall() == []


def digests(out: Path) -> dict[str, str]:
    landing = out / "landing"
    return {
        str(path.relative_to(landing)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


def test_no_scheme_leaves_the_documents_alone(history: History, honest: list[Feed]) -> None:
    feeds, truth = plant_schemes(history, honest, ())
    assert feeds is honest
    assert truth.num_rows == 0


def test_rows_of_the_economy_stand_as_they_were(honest: list[Feed], planted: tuple[list[Feed], pa.Table]) -> None:
    grown = 0
    for before, after in zip(honest, planted[0], strict=True):
        assert before.name == after.name
        contract = load_contracts()[before.name]
        keys = {tuple(row[name] for name in contract.key) for row in before.table.select(contract.key).to_pylist()}
        rows = after.table.select(contract.key).to_pylist()
        kept = [place for place, row in enumerate(rows) if tuple(row[name] for name in contract.key) in keys]
        assert after.table.take(pa.array(kept, pa.int64())).equals(before.table), before.name
        grown += after.table.num_rows - len(kept)
    assert grown > 300


def test_switching_one_scheme_off_leaves_the_others_alone(
    history: History, honest: list[Feed], planted: tuple[list[Feed], pa.Table]
) -> None:
    one = SCHEMES[-1]
    _, alone = plant_schemes(history, honest, [one])
    assert alone.to_pylist() == [row for row in planted[1].to_pylist() if row["scheme"] == one]


def test_nobody_plays_two_schemes_and_few_play_any(history: History) -> None:
    actors = [actor for group in choose_actors(history.world, SCHEMES).values() for actor in group]
    assert len({actor.supplier for actor in actors}) == len(actors) == len(SCHEMES)


def test_new_rows_follow_their_contracts(planted: tuple[list[Feed], pa.Table]) -> None:
    for feed in planted[0]:
        contract = load_contracts()[feed.name]
        assert (feed.day[1:] >= feed.day[:-1]).all(), feed.name
        first = feed.table.filter(pa.array(~feed.is_update))
        if contract.kind == "event":
            assert first.group_by(list(contract.key)).aggregate([]).num_rows == first.num_rows, feed.name
        for column in contract.columns:
            values = feed.table[column.name]
            assert not (column.required and values.null_count), (feed.name, column.name)
            if column.allowed_values:
                assert set(values.unique().to_pylist()) <= {*column.allowed_values, None}, (feed.name, column.name)


def test_certificates_are_financed_once_within_their_face(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with financed as (
            select certificate_id, sum(principal_amount) as amount from platform_financing group by all),
        moved as (
            select certificate_id, sum(amount) filter (where event_type = 'FINANCED') as amount,
                sum(amount) filter (where event_type = 'REDEEMED') as redeemed
            from platform_certificate_event group by all)
        select c.certificate_id from platform_certificate as c
        join financed as f using (certificate_id) join moved as m using (certificate_id)
        where f.amount > c.face_amount or f.amount <> m.amount or m.redeemed > c.face_amount
        """,
    )


def test_accounts_end_each_day_as_they_would_have(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with moved as (
            select account_no, booking_date as balance_date,
                sum(case credit_debit when 'CRDT' then amount else -amount end) as amount
            from bank_transaction group by all),
        chain as (
            select account_no, balance_date, amount,
                lag(amount) over (partition by account_no order by balance_date) as before
            from bank_balance)
        select * from chain full join moved using (account_no, balance_date)
        where chain.amount is null or (before is not null and chain.amount is distinct from before + moved.amount)
        """,
    )
    nothing(
        db,
        """
        select account_no, booking_date from bank_transaction where transaction_ref like 'X-%'
        group by all having sum(case credit_debit when 'CRDT' then amount else -amount end) <> 0
        """,
    )


def test_facilities_have_room(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with moves as (
            select facility_id, issue_date as day, 1 as rank, face_amount as amount from platform_certificate
            where parent_certificate_id is null and certificate_id not like 'CD%'
            union all
            select c.facility_id, e.occurred_at::date, 2, -e.amount
            from platform_certificate_event as e join platform_certificate as c using (certificate_id)
            where e.event_type = 'REDEEMED'),
        used as (
            select facility_id, sum(amount) over (partition by facility_id order by day, rank) as amount from moves),
        limits as (
            select facility_id, max(amount) as amount from platform_facility_event
            where event_type = 'LIMIT_SET' group by all)
        select * from used left join limits using (facility_id)
        where limits.amount is null or used.amount > limits.amount
        """,
    )


def test_what_the_truth_names_is_in_the_documents(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with subjects as (
            select 'CERTIFICATE' as subject_kind, certificate_id as subject_id from platform_certificate
            union all select 'FINANCING', financing_id from platform_financing
            union all select 'SUPPLIER', supplier_id from platform_supplier
            union all select 'REPAYMENT', repayment_id from platform_repayment
            union all select 'COLLATERAL', collateral_id from platform_funder_tape
            union all select 'COLLATERAL', funder_id || ':' || collateral_id from platform_funder_tape)
        select * from truth anti join (select distinct * from subjects) as s using (subject_kind, subject_id)
        where subject_kind <> 'PAIR'
        """,
    )
    nothing(db, "select * from truth where is_visible = (why_not is not null) or is_visible = (rule_id is null)")
    assert db.execute("select count(distinct scheme) from truth").fetchone() == (len(SCHEMES),)


def test_presented_invoices_are_unknown_to_books_and_tax_office(db: duckdb.DuckDBPyConnection) -> None:
    invented = "select subject_id from truth where rule_id = 'INVOICE_NOT_IN_BOOKS'"
    nothing(
        db,
        f"""
        select c.certificate_id from platform_certificate as c
        where c.certificate_id in ({invented}) and (
            c.submitted_invoice_no in (select supplier_invoice_no from erp_ap_invoice)
            or c.submitted_invoice_no in (select invoice_no from tax_vat_invoice))
        """,
    )


def test_one_collateral_stands_on_two_tapes_only_where_the_truth_says_so(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with shared as (
            select tape_date, seller_no, debtor_no, invoice_no from platform_funder_tape
            group by all having count(distinct funder_id) > 1),
        found as (
            select distinct t.funder_id || ':' || t.collateral_id as collateral_id
            from platform_funder_tape as t semi join shared as s using (tape_date, seller_no, debtor_no, invoice_no)),
        wanted as (select subject_id from truth where rule_id = 'FUNDER_OVERLAP')
        select * from wanted where subject_id not in (select collateral_id from found)
        union all
        select collateral_id from found where collateral_id not like '%:CT-%'
        """,
    )


def test_tapes_say_current_of_what_is_past_due_only_where_the_truth_says_so(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with edited as (
            select distinct t.collateral_id from platform_funder_tape as t
            join platform_certificate as c on c.certificate_id = t.collateral_id
            where t.tape_date > c.due_date and t.reported_status = 'CURRENT'),
        wanted as (select subject_id as collateral_id from truth where rule_id = 'STATUS_CONTRADICTS_CASH')
        select collateral_id from edited full join wanted using (collateral_id)
        where edited.collateral_id is null or wanted.collateral_id is null
            and edited.collateral_id not in (
                select collateral_id from platform_funder_tape where tape_date >= date '2024-09-30')
        """,
    )


def test_same_seed_same_bytes(home: Path, tmp_path: Path) -> None:
    simulate(tmp_path, until=UNTIL, schemes=SCHEMES, **SETTINGS)
    assert digests(tmp_path) == digests(home)


def test_extend_only_adds_and_gives_what_one_run_gives(home: Path, tmp_path: Path) -> None:
    out = shutil.copytree(home, tmp_path / "continued")
    extend(out, LATER)
    one = tmp_path / "one"
    simulate(one, until=LATER, schemes=SCHEMES, **SETTINGS)
    before, after = digests(home), digests(out)
    assert {name: after.get(name) for name in before} == before
    assert after == digests(one)
    known = pq.read_table(home / "truth" / "scheme.parquet").to_pylist()
    later = pq.read_table(out / "truth" / "scheme.parquet").to_pylist()
    assert len(later) > len(known)
    assert [row for row in known if row not in later] == []


def test_settings_keep_the_schemes_and_homes_without_them_play_none(home: Path, tmp_path: Path) -> None:
    assert Portfolio.load(home).schemes == SCHEMES
    simulate(tmp_path, until=date(2024, 5, 3), **SETTINGS)
    assert "schemes" not in json.loads((tmp_path / "portfolio.json").read_text())
    assert Portfolio.load(tmp_path).schemes == ()
    assert pq.read_table(tmp_path / "truth" / "scheme.parquet").num_rows == 0
    with pytest.raises(PortfolioError, match="another portfolio"):
        simulate(tmp_path, until=date(2024, 5, 3), schemes=SCHEMES, **SETTINGS)


def test_names_of_schemes(tmp_path: Path) -> None:
    assert named_schemes("all") == SCHEMES
    assert named_schemes("none") == ()
    assert named_schemes("camsing, TRICOLOR") == ("CAMSING", "TRICOLOR")
    with pytest.raises(PortfolioError, match="PONZI"):
        simulate(tmp_path, until=UNTIL, schemes=named_schemes("ponzi"), **SETTINGS)
