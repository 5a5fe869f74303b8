"""Every position belongs to one root, also where an edge has two roots with one due day."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.simulator import Portfolio
from sources.simulator.certificates import build_financings, build_ledger
from sources.simulator.economy import make_world
from sources.simulator.feeds import History
from sources.simulator.journal import Journal
from sources.simulator.portfolio import documents, play
from sources.simulator.positions import due_day
from sources.simulator.state import World, opening_state
from sources.simulator.timeline import Timeline

START = date(2024, 1, 1)


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    """A portfolio in which certificates of one edge share a due day and were passed on and financed."""
    history = play(Portfolio(0.1, 7, START, date(2025, 4, 30), date(2025, 1, 1)))
    connection = duckdb.connect()
    for feed in documents(history):
        if feed.name.startswith("platform."):
            connection.register(feed.name.replace(".", "_"), feed.table)
    return connection


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(3, 0.06, Timeline(START))


def nothing(db: duckdb.DuckDBPyConnection, query: str) -> None:
    assert db.execute(query).fetchall() == []


def test_roots_of_one_edge_share_a_due_day_and_are_used(db: duckdb.DuckDBPyConnection) -> None:
    """Without such roots the other tests of this file prove nothing."""
    shared = db.execute(
        """
        with shared as (
            select holder_id, core_enterprise_id, due_date from platform_certificate
            where parent_certificate_id is null group by all having count(*) > 1)
        select count(distinct p.certificate_id), count(distinct f.financing_id)
        from shared join platform_certificate as r using (holder_id, core_enterprise_id, due_date)
        left join platform_certificate as p on p.parent_certificate_id = r.certificate_id
        left join platform_certificate as c on c.root_certificate_id = r.root_certificate_id
        left join platform_financing as f on f.certificate_id = c.certificate_id
        """
    ).fetchone()
    assert shared is not None
    assert min(shared) > 0


def test_faces_are_positive_and_children_add_up(db: duckdb.DuckDBPyConnection) -> None:
    nothing(db, "select * from platform_certificate where face_amount <= 0")
    nothing(
        db,
        """
        select p.certificate_id from platform_certificate as p
        join platform_certificate as c on c.parent_certificate_id = p.certificate_id
        group by p.certificate_id, p.face_amount having sum(c.face_amount) <> p.face_amount
        """,
    )


def test_descendants_carry_the_dates_of_their_root(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select c.certificate_id from platform_certificate as c
        join platform_certificate as r on r.certificate_id = c.root_certificate_id
        where (c.issue_date, c.due_date, c.core_enterprise_id) is distinct from
            (r.issue_date, r.due_date, r.core_enterprise_id)
        """,
    )


def test_financing_stays_within_the_face_of_a_certificate_that_was_not_split(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select certificate_id from platform_financing join platform_certificate using (certificate_id)
        group by certificate_id, face_amount having sum(principal_amount) > face_amount
        """,
    )
    nothing(
        db,
        """
        select f.financing_id from platform_financing as f
        join platform_certificate as c using (certificate_id)
        left join platform_certificate as child on child.parent_certificate_id = f.certificate_id
        where child.certificate_id is not null or f.financing_date < c.issue_date
            or (f.supplier_id, f.due_date) is distinct from (c.holder_id, c.due_date)
        """,
    )


def test_life_of_a_certificate_stands_in_order(db: duckdb.DuckDBPyConnection) -> None:
    """Issue, acceptance, passing on or financing, due day, redemption; a child is not used before it is made."""
    nothing(
        db,
        """
        with life as (
            select certificate_id,
                max(occurred_at) filter (where event_type = 'ISSUED') as issued_at,
                max(occurred_at) filter (where event_type = 'ACCEPTED') as accepted_at,
                min(occurred_at) filter (where event_type in ('SPLIT', 'TRANSFERRED')) as passed_at,
                min(occurred_at) filter (where event_type = 'FINANCED') as financed_at,
                max(occurred_at) filter (where event_type = 'FINANCED') as last_financed_at,
                min(occurred_at) filter (where event_type = 'REDEEMED') as redeemed_at
            from platform_certificate_event group by certificate_id)
        select c.certificate_id from platform_certificate as c
        left join life using (certificate_id)
        left join platform_certificate_event as made on made.child_certificate_id = c.certificate_id
        where c.certificate_id not like 'CD%' and (
            coalesce(made.occurred_at, accepted_at) is null or issued_at >= accepted_at
            or least(passed_at, financed_at) <= coalesce(made.occurred_at, accepted_at)
            or last_financed_at::date >= c.due_date or redeemed_at::date < c.due_date)
        """,
    )


def test_a_day_moves_to_the_business_day_that_lists_it() -> None:
    timeline = Timeline(START)
    for day in range(-9, 30):
        moved = int(timeline.next_business_day(np.array([day]))[0])
        assert day in timeline.days_moved_to(moved)
        if timeline.is_business_day(day):
            assert (timeline.next_business_day(timeline.days_moved_to(day)) == day).all()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_positions_become_certificates_of_their_own_root(world: World, data: st.DataObject) -> None:
    """Any issues on edges with recipients, passed on to two tiers and financed: each cent lies under its root."""
    edges = world.network.edges
    fed = {edge: np.flatnonzero(edges.feed == edge).tolist() for edge in range(len(edges))}
    sources = [edge for edge in range(edges.core_edges) if fed[edge]]
    pairs = st.tuples(st.sampled_from(sources[:3]), st.integers(0, 30).filter(world.timeline.is_business_day))
    journal, expected = Journal(), {}

    def pass_on(edge: int, day: int, due: int, held: int) -> None:
        """Pass on part of what an edge's seller received; a part of the rest is financed."""
        for child in fed[edge]:
            part = data.draw(st.integers(0, held // 2), f"on to {child}")
            if part:
                journal.add("transfer", day, edge=np.array([child]), due=np.array([due]), amount=np.array([part / 100]))
                pass_on(child, day, due, part)
                held -= part
        expected[edge, day] = (due, held, data.draw(st.integers(0, held), f"financed on {edge}"))

    for edge, day in sorted(data.draw(st.sets(pairs, min_size=1, max_size=6), "issues")):
        face = data.draw(st.integers(100, 10_000), "face")
        due = int(due_day(world, day, np.array([edge]))[0])
        # one day for all, so that issues of an edge share a due day more often than in the economy
        due = data.draw(st.sampled_from([due, 49]), "due")
        journal.add("issue", day, edge=np.array([edge]), due=np.array([due]), amount=np.array([face / 100]))
        pass_on(edge, day, due, face)
    none = np.zeros(1)
    for (edge, issued), (due, _, financed) in expected.items():
        if financed:
            row = {"edge": np.array([edge]), "issued": np.array([issued]), "due": np.array([due])}
            journal.add("finance", 31, **row, amount=np.array([financed / 100]), interest=none, fee=none)
    history = History(world, journal, opening_state(world), (), 60)
    ledger = build_ledger(history)
    financings = build_financings(history, ledger)
    assert (ledger.cents > 0).all()
    assert ((ledger.made == ledger.made[ledger.root]) & (ledger.due == ledger.due[ledger.root])).all()
    children = ledger.parent >= 0
    added = np.bincount(ledger.parent[children], ledger.cents[children], len(ledger.edge))
    assert (added[ledger.ended] == ledger.cents[ledger.ended]).all()
    leaves = np.flatnonzero(~ledger.ended)
    leaf_of = {(int(ledger.edge[leaf]), int(ledger.made[leaf])): leaf for leaf in leaves}
    assert len(leaf_of) == len(leaves)
    assert {position: int(ledger.cents[leaf]) for position, leaf in leaf_of.items()} == {
        position: held for position, (_, held, _) in expected.items()
    }
    financed_on = np.bincount(financings.certificate, financings.principal, len(ledger.edge))
    wanted = {position: financed for position, (_, _, financed) in expected.items()}
    assert {position: int(financed_on[leaf]) for position, leaf in leaf_of.items()} == wanted


def test_incidents_happen_and_each_ends_before_what_it_stands_in_the_way_of(db: duckdb.DuckDBPyConnection) -> None:
    """Nothing is financed or redeemed while frozen, nor financed in dispute; what is frozen was free."""
    kinds = db.execute("select distinct event_type from platform_certificate_event").fetchall()
    assert {"FROZEN", "UNFROZEN", "EXTENDED", "DISPUTED", "DISPUTE_RESOLVED", "CANCELLED"} <= {
        kind for (kind,) in kinds
    }
    nothing(
        db,
        """
        with signed as (
            select *,
                case event_type when 'FROZEN' then amount when 'UNFROZEN' then -amount else 0 end as frozen,
                case event_type when 'FINANCED' then amount when 'FINANCE_REPAID' then -amount else 0 end as financed,
                case event_type when 'DISPUTED' then 1 when 'DISPUTE_RESOLVED' then -1 else 0 end as disputed
            from platform_certificate_event),
        running as (
            select *, sum(frozen) over life as frozen_sum, sum(financed) over life as financed_sum,
                sum(disputed) over life as disputed_sum
            from signed
            window life as (partition by certificate_id order by occurred_at, financed desc, certificate_event_id))
        select certificate_event_id from running join platform_certificate using (certificate_id)
        where frozen_sum < 0 or disputed_sum not in (0, 1) or frozen_sum + financed_sum > face_amount
            or (event_type = 'REDEEMED' and frozen_sum <> 0) or (event_type = 'FINANCED' and disputed_sum <> 0)
        """,
    )


def test_a_draft_is_cancelled_before_its_certificate_is_issued(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select draft.certificate_id from platform_certificate as draft
        left join platform_certificate as c on c.certificate_id = replace(draft.certificate_id, 'CD', 'CT')
        left join platform_certificate_event as gone
            on gone.certificate_id = draft.certificate_id and gone.event_type = 'CANCELLED'
        left join platform_certificate_event as issued
            on issued.certificate_id = c.certificate_id and issued.event_type = 'ISSUED'
        where draft.certificate_id like 'CD%' and (
            gone.occurred_at > issued.occurred_at or issued.occurred_at is null or gone.amount <> draft.face_amount
            or c.submitted_invoice_no <> draft.submitted_invoice_no or c.face_amount = draft.face_amount)
        """,
    )


def test_what_was_put_off_had_no_funder_and_was_due_that_day(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select e.certificate_event_id from platform_certificate_event as e
        join platform_certificate as c using (certificate_id)
        left join platform_certificate_event as late
            on late.certificate_id = c.certificate_id and late.event_type = 'OVERDUE'
        where e.event_type = 'EXTENDED' and (
            e.occurred_at::date <> c.due_date or e.new_due_date <= c.due_date
            or late.occurred_at::date < e.new_due_date
            or e.certificate_id in (
                select certificate_id from platform_financing left join platform_repayment using (financing_id)
                where repayment_date is null or repayment_date > e.occurred_at::date))
        """,
    )


def test_events_of_facilities_add_up_to_what_is_financed(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with reported as (
            select facility_id, sum(case event_type when 'UTILISE' then amount when 'RELEASE' then -amount else 0 end)
                as amount
            from platform_facility_event group by all),
        financed as (
            select facility_id, sum(principal_amount) - coalesce(sum(amount), 0) as amount
            from platform_financing left join platform_repayment using (financing_id) group by all)
        select * from reported full join financed using (facility_id)
        where coalesce(reported.amount, 0) <> coalesce(financed.amount, 0)
        """,
    )
