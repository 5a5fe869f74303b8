"""Whose record is it: by number, by score, by a person; and what every night knew of it at the time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tiny_portfolio import Delivery
from tiny_warehouse import Warehouse, WarehouseFactory

NIGHTS = [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2)]
MODELS = ["dim_party", "party_identifier", "identity_conflict", "int_vendor", "int_account_holder"]
BEIJING, SHANGHAI, RUIDA, XINDA = (f"9100000000000000{letter}X" for letter in "ABCD")


def supplier(number: str, party_no: str, name: str, account: str | None = None, address: str | None = None) -> Any:
    return {
        "supplier_id": number,
        "party_no": party_no,
        "party_no_scheme": "CN-USCC",
        "supplier_name": name,
        "settlement_account_no": account,
        "address": address,
        "status": "ACTIVE",
    }


def vendor(
    key: str, name: str, number: str | None = None, account: str | None = None, scheme: str | None = "CN-USCC"
) -> Any:
    company_code, erp_vendor_no = key.split(":")
    return {
        "company_code": company_code,
        "erp_vendor_no": erp_vendor_no,
        "vendor_name": name,
        "party_no": number,
        "party_no_scheme": scheme if number else None,
        "bank_account_no": account,
        "updated_date": NIGHTS[0],
    }


def decision(number: str, left: str, right: tuple[str, str], verdict: str, on: date) -> Any:
    return {
        "decision_id": number,
        "left_kind": "erp.vendor",
        "left_key": left,
        "right_kind": right[0],
        "right_key": right[1],
        "verdict": verdict,
        "decided_by": "officer",
        "decided_date": on,
        "reason": "papers",
    }


DELIVERIES = [
    Delivery(
        NIGHTS[0],
        "platform.supplier",
        [
            supplier("S1", BEIJING, "北京恒建建筑工程有限公司", "6201"),
            supplier("S2", SHANGHAI, "上海恒建建筑工程有限公司", "6202"),
            supplier("S3", RUIDA, "江苏瑞达电气有限公司", "6203"),
        ],
    ),
    Delivery(
        NIGHTS[0],
        "bank.account",
        [
            {
                "account_no": "62-03",
                "bank_code": "BK",
                "holder_name": "江蘇瑞達電氣有限公司",
                "account_type": "OTHER",
                "currency": "CNY",
                "status": "ACTIVE",
                "updated_date": NIGHTS[0],
            }
        ],
    ),
    Delivery(
        NIGHTS[0],
        "erp.vendor",
        [
            vendor("1000:V0", "北京恒建建筑工程有限公司", BEIJING),
            vendor("1000:V1", "恒建（北京）建筑工程"),
            vendor("1000:V2", "恒建建筑工程有限公司"),
            vendor("1000:V3", "瑞达电气", account="6203"),
            vendor("1000:V4", "江苏瑞达电气有限公司", BEIJING, "6203"),
            vendor("1000:V5", "上海祥云货运有限公司", SHANGHAI),
            vendor("2000:V6", "四川新达化工有限公司"),
        ],
    ),
    Delivery(
        NIGHTS[1],
        "platform.identity_decision",
        [
            decision("D1", "1000:V2", ("platform.supplier", "S1"), "SAME", NIGHTS[1]),
            decision("D2", "1000:V4", ("CN-USCC", BEIJING), "DIFFERENT", NIGHTS[1]),
            decision("D3", "1000:V4", ("platform.supplier", "S3"), "SAME", NIGHTS[1]),
        ],
    ),
    Delivery(NIGHTS[2], "platform.supplier", [supplier("S4", XINDA, "四川新达化工有限公司", "6204")]),
    Delivery(
        NIGHTS[2],
        "erp.vendor",
        [
            vendor("1000:V7", "Müller Bau GmbH", "DE100", "DE77", scheme="VAT"),
            vendor("2000:V8", "MUELLER BAU G.m.b.H.", "LEI100", "DE77", scheme="LEI"),
            vendor("2000:V9", "Mueller Bau", account="DE 77"),
        ],
    ),
    Delivery(
        NIGHTS[3],
        "platform.identity_decision",
        [
            decision("D1", "1000:V2", ("platform.supplier", "S1"), "WITHDRAWN", NIGHTS[3]),
            decision("D4", "1000:V1", ("CN-USCC", BEIJING), "DIFFERENT", NIGHTS[3]),
        ],
    ),
    Delivery(NIGHTS[3], "erp.vendor", [vendor("3000:VA", "Müller Bau GmbH", "DE200", "DE77", scheme="VAT")]),
]


WITHDRAWAL = Delivery(date(2026, 4, 3), "erp.vendor", [], withdrawn=[vendor("1000:V1", "恒建（北京）建筑工程")])


def build(warehouse: Warehouse, night: date, since: date | None = None) -> Warehouse:
    project = warehouse.project
    warehouse.build(night, since, project.with_upstream(project.models(*MODELS)))
    return warehouse


@pytest.fixture(scope="module")
def nightly(warehouses: WarehouseFactory) -> dict[date, dict[str, list[tuple[Any, ...]]]]:
    """Tables after each night that had only what was delivered by then."""
    warehouse, tables, last = warehouses.empty(), {}, None
    for night in NIGHTS:
        warehouse.deliver([delivery for delivery in DELIVERIES if delivery.batch_date <= night])
        tables[night] = build(warehouse, night, last).tables(("intermediate", "core"))
        last = night
    return tables


@pytest.fixture(scope="module")
def at_once(warehouses: WarehouseFactory) -> Warehouse:
    """Everything delivered and built in one go on the last night."""
    warehouse = warehouses.empty()
    warehouse.deliver(DELIVERIES)
    return build(warehouse, NIGHTS[-1])


def placed(warehouse: Warehouse, on: date) -> dict[str, tuple[str, str | None, str | None]]:
    """Status, rule and official number of the party of each record, as known on a night."""
    rows = warehouse.query(
        f"""
        select links.record_key, links.status, links.rule, parties.party_no
        from intermediate.int_party_link as links join core.dim_party as parties using (party_id)
        where links.valid_from <= date '{on}' and (links.valid_to is null or links.valid_to > date '{on}')
        """
    )
    return {key: (status, rule, number) for key, status, rule, number in rows}


def test_nights_one_by_one_equal_one_build(nightly: Any, at_once: Warehouse) -> None:
    expected = at_once.tables(("intermediate", "core"))
    assert [name for name, rows in nightly[NIGHTS[-1]].items() if rows != expected[name]] == []


def test_an_earlier_night_ignores_later_deliveries(nightly: Any, warehouses: WarehouseFactory) -> None:
    warehouse = warehouses.empty()
    warehouse.deliver(DELIVERIES)
    actual = build(warehouse, NIGHTS[1]).tables(("intermediate", "core"))
    assert [name for name, rows in actual.items() if rows != nightly[NIGHTS[1]][name]] == []


def test_numbers_then_names_then_a_person(at_once: Warehouse) -> None:
    first = placed(at_once, NIGHTS[0])
    assert first["S1"] == first["1000:V0"] == ("EXACT", "NUMBER", BEIJING)
    assert first["1000:V1"] == ("MATCHED", "NAME", BEIJING)
    assert first["1000:V2"] == ("DOUBTFUL", "NAME", None), "two namesakes, and the region was left out"
    assert first["1000:V3"] == ("MATCHED", "NAME_ACCOUNT", RUIDA)
    assert first["62-03"] == ("MATCHED", "NAME_ACCOUNT", RUIDA)
    assert first["1000:V5"] == ("EXACT", "NUMBER", SHANGHAI), "an old name is no reason to disbelieve a number"
    assert first["2000:V6"] == ("SEPARATE", None, None)


def test_a_number_that_name_and_account_belie_is_not_believed(at_once: Warehouse) -> None:
    assert placed(at_once, NIGHTS[0])["1000:V4"] == ("DOUBTFUL", "NUMBER", None)


def test_a_decision_binds_from_its_night_until_it_is_withdrawn(at_once: Warehouse) -> None:
    assert placed(at_once, NIGHTS[1])["1000:V2"] == ("DECIDED", "DECISION", BEIJING)
    assert placed(at_once, NIGHTS[1])["1000:V4"] == ("DECIDED", "DECISION", RUIDA)
    assert placed(at_once, NIGHTS[1])["1000:V1"] == ("MATCHED", "NAME", BEIJING)
    last = placed(at_once, NIGHTS[3])
    assert last["1000:V2"] == ("DOUBTFUL", "NAME", None)
    assert last["1000:V1"][0] != "MATCHED"
    assert last["1000:V1"][2] is None, "what was ruled out stays out"


def test_a_party_known_by_name_keeps_its_identifier_and_names_its_successor(nightly: Any, at_once: Warehouse) -> None:
    before = {row[0]: row for row in nightly[NIGHTS[1]]["core.dim_party"]}
    [(own, successor)] = at_once.query(
        """
        select record_party_id, successor.party_no from intermediate.int_party_link as links
        join core.dim_party as party on links.record_party_id = party.party_id
        join core.dim_party as successor on party.succeeded_by_party_id = successor.party_id
        where record_key = '2000:V6' and links.valid_to is null
        """
    )
    assert own in before
    assert successor == XINDA
    history = at_once.query(
        "select party_id = md5('CN-USCC:' || '" + XINDA + "')[:16], valid_from, valid_to from core.party_identifier "
        "where party_no_scheme = 'ERP_VENDOR' and issuer = '2000' and party_no = 'V6' order by valid_from"
    )
    assert history == [(False, NIGHTS[0], NIGHTS[2]), (True, NIGHTS[2], None)]


def test_numbers_of_several_schemes_are_one_party(at_once: Warehouse) -> None:
    numbers = at_once.query(
        f"""
        select party_no_scheme, party_no, status from core.party_identifier
        where party_id = substr(md5('VAT:DE100'), 1, 16) and valid_from = date '{NIGHTS[2]}'
        order by 1, 2
        """
    )
    assert numbers == [
        ("ERP_VENDOR", "V7", "EXACT"),
        ("ERP_VENDOR", "V8", "EXACT"),
        ("ERP_VENDOR", "V9", "MATCHED"),
        ("LEI", "LEI100", "MATCHED"),
        ("VAT", "DE100", "EXACT"),
    ]


def test_two_numbers_of_one_scheme_are_two_parties_and_a_question(at_once: Warehouse) -> None:
    parties = at_once.query("select count(distinct party_id) from core.party_identifier where party_no like 'DE_00'")
    assert parties == [(2,)]
    assert at_once.query(
        "select party_name, other_party_name from core.identity_conflict where conflict_type = 'TWO_NUMBERS'"
    ) == [("Müller Bau GmbH", "Müller Bau GmbH")]


def test_doubtful_pairs_are_questions_until_they_are_answered(nightly: Any) -> None:
    def asked(night: date) -> set[tuple[str, str, str]]:
        return {(row[1], row[3], row[7]) for row in nightly[night]["core.identity_conflict"]}

    assert asked(NIGHTS[0]) >= {
        ("NO_NUMBER", "1000:V2", "S2"),
        ("NUMBER_OF_ANOTHER", "1000:V4", "S3"),
        ("ONE_NUMBER_TWO_NAMES", "1000:V5", "S2"),
    }
    assert {key for _, key, _ in asked(NIGHTS[1])} == {"1000:V5"}


def test_identifiers_of_numbers_are_what_they_were(at_once: Warehouse) -> None:
    assert at_once.query(
        f"select count(*) from core.dim_party where party_no = '{BEIJING}' "
        f"and party_id = substr(md5('CN-USCC:{BEIJING}'), 1, 16) and supplier_id = 'S1'"
    ) == [(1,)]


def test_no_account_number_is_shown(at_once: Warehouse) -> None:
    shown = at_once.query("select record_key, other_record_key from core.identity_conflict")
    shown += at_once.query("select party_no, matched_record_key from core.party_identifier")
    assert not {"62-03", "6203"} & {value for row in shown for value in row}


def test_a_withdrawn_record_belongs_to_nobody(warehouses: WarehouseFactory) -> None:
    warehouse = warehouses.empty()
    warehouse.deliver([*DELIVERIES, WITHDRAWAL])
    build(warehouse, WITHDRAWAL.batch_date)
    assert "1000:V1" not in placed(warehouse, WITHDRAWAL.batch_date)
    assert placed(warehouse, NIGHTS[0])["1000:V1"] == ("MATCHED", "NAME", BEIJING)
    assert warehouse.query("select max(valid_to) from intermediate.int_vendor where erp_vendor_no = 'V1'") == [
        (WITHDRAWAL.batch_date,)
    ]
