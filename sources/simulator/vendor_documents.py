"""The vendor masters of the core enterprises, kept by people: numbers are left out or copied, names are typed.

Who trades with whom, and what is paid to which account, depends on none of it: the trouble has a random stream of its
own. Beside the vendors that trade stand dormant ones that look like them, and a few firms from abroad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sources.simulator.columns import dates, labels, pick, running_number
from sources.simulator.feeds import SCHEME, Feed, History, make_feed
from sources.simulator.foreign_vendors import foreign_vendors
from sources.simulator.parties import REGIONS, SECTORS, credit_code
from sources.simulator.state import World
from sources.simulator.streams import Stream, Streams
from sources.simulator.typed_names import BY_BANKS, BY_HAND, NameParts, typed
from sources.simulator.vendor_record import VendorRecord

NO_NUMBER_SHARE = 0.12
_NO_ACCOUNT_SHARE = 0.12
_COMPLETED_SHARE = 0.15
_RENAMED_SHARE = 0.008
_PARENT_NUMBER_SHARE = 0.003
_LOOK_ALIKE_SHARE = 0.02
_FOREIGN_SHARE = 0.008
_NO_HOLDER_NUMBER_SHARE = 0.08
_LATEST_CHANGE_DAY = 900
_DORMANT_TERMS_DAYS = 30
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class HolderRecord:
    """What a bank keeps of an account's holder; ``party_no`` is None where it never asked."""

    name: str
    party_no: str | None
    trouble: str


def company_codes(history: History) -> list[str]:
    """One company code a core enterprise."""
    return [str(1000 + index) for index in range(len(history.world.parties.cores))]


def vendor_numbers(history: History) -> pa.Array:
    """Vendor number of each edge that sells to a core enterprise, counted within its company code."""
    edges = history.world.network.edges
    return labels("1", running_number(edges.buyer_core[: edges.core_edges]), 6)


def vendors(history: History) -> Feed:
    """A record on the first day for each trading vendor, versions with a number that came later, dormant records."""
    edges, parties, timeline = history.world.network.edges, history.world.parties, history.world.timeline
    trading, dormant = trading_records(history.world), dormant_records(history.world)
    edge = np.array([number for number, _ in trading], dtype=np.int64)
    records = [record for _, record in trading] + dormant
    day = np.array([record.day for record in records], dtype=np.int64)
    seller = edges.seller[edge]
    created = np.concatenate([np.minimum(-20, parties.registered_day[seller] // 2), day[len(edge) :] - 5])
    terms = np.concatenate([edges.terms_days[edge], np.full(len(dormant), _DORMANT_TERMS_DAYS)])
    numbers = pa.concat_arrays([vendor_numbers(history).take(pa.array(edge)), dormant_numbers(dormant)])
    known = np.flatnonzero(day <= history.last_day)
    columns = {
        "company_code": pick(company_codes(history), np.array([record.core for record in records])),
        "erp_vendor_no": numbers,
        "vendor_name": pa.array([record.name for record in records], pa.string()),
        "party_no": pa.array([record.party_no for record in records], pa.string()),
        "party_no_scheme": pa.array([record.scheme for record in records], pa.string()),
        "bank_account_no": pa.array([record.account_no for record in records], pa.string()),
        "payment_terms_days": pa.array(terms),
        "is_blocked": pa.array(np.zeros(len(records), dtype=bool)),
        "created_date": dates(timeline, created),
        "updated_date": dates(timeline, day),
    }
    return make_feed("erp.vendor", day[known], {name: values.take(pa.array(known)) for name, values in columns.items()})


def dormant_numbers(dormant: list[VendorRecord]) -> pa.Array:
    """Vendor numbers of the records without trade, counted within their company codes."""
    return labels("8", running_number(np.array([record.core for record in dormant], dtype=np.int64)), 6)


def trading_records(world: World) -> list[tuple[int, VendorRecord]]:
    """The records of vendors that trade, each with the edge it stands for, in order of edge and day."""
    rng = Streams(world.seed).on(Stream.IDENTITY)
    parties, edges = world.parties, world.network.edges
    count = edges.core_edges
    draw = rng.random(count)
    order = rng.permutation(count)
    wrong = set(order[: max(2, round(_PARENT_NUMBER_SHARE * count))].tolist())
    records: list[tuple[int, VendorRecord]] = []
    for edge in range(count):
        seller = int(edges.seller[edge])
        number, core = str(parties.suppliers.numbers[seller]), int(edges.buyer_core[edge])
        account: str | None = str(parties.suppliers.accounts[seller])
        parts = name_parts(world, seller)
        name, trouble, given = parts.registered, "NONE", number
        if edge in wrong:
            parent = (seller + int(rng.integers(1, len(parties.suppliers)))) % len(parties.suppliers)
            given, trouble = str(parties.suppliers.numbers[parent]), "PARENT_NUMBER"
        elif draw[edge] < NO_NUMBER_SHARE:
            way = str(rng.choice(list(BY_HAND), p=list(BY_HAND.values())))
            name, trouble = typed(way, parts, rng), f"NO_NUMBER_{way}"
            if rng.random() < _NO_ACCOUNT_SHARE:
                account, trouble = None, f"{trouble}_NO_ACCOUNT"
            records.append((edge, VendorRecord(core, name, None, None, account, 0, trouble, number)))
            if rng.random() < _COMPLETED_SHARE:
                day = int(rng.integers(30, _LATEST_CHANGE_DAY))
                records.append((edge, VendorRecord(core, name, number, SCHEME, account, day, trouble, number)))
            continue
        elif draw[edge] < NO_NUMBER_SHARE + _RENAMED_SHARE:
            name, trouble = parts.renamed(rng).registered, "OLD_NAME"
        records.append((edge, VendorRecord(core, name, given, SCHEME, account, 0, trouble, number)))
    return records


def dormant_records(world: World) -> list[VendorRecord]:
    """Vendors without trade: namesakes of suppliers in other regions, near neighbours of their names, firms abroad.

    A namesake may be paid into the account of the supplier whose name it shares, as firms of one group are.
    """
    rng = Streams(world.seed).on(Stream.IDENTITY, part=1)
    parties, edges = world.parties, world.network.edges
    cores, taken = len(parties.cores), set(parties.suppliers.names.tolist())
    used = {str(number) for group in (parties.suppliers, parties.cores) for number in group.numbers}
    records = []
    for position in range(max(4, round(_LOOK_ALIKE_SHARE * edges.core_edges))):
        seller = int(rng.integers(len(parties.suppliers)))
        original = name_parts(world, seller)
        is_namesake = position % 2 == 0
        parts = original.moved(rng) if is_namesake else original.neighbour(rng)
        if parts.registered in taken:
            continue
        taken.add(parts.registered)
        number = credit_code(rng, REGIONS[[place for _, place, _ in REGIONS].index(parts.region)][2], used)
        has_number, shares_account, late = rng.random(3) < (0.3, 0.3, 0.4)
        account = f"69{int(rng.integers(10**12, 10**13))}"
        if is_namesake and shares_account:
            account = str(parties.suppliers.accounts[seller])
        records.append(
            VendorRecord(
                core=int(rng.integers(cores)),
                name=parts.registered,
                party_no=number if has_number else None,
                scheme=SCHEME if has_number else None,
                account_no=account,
                day=int(rng.integers(1, _LATEST_CHANGE_DAY)) if late else 0,
                trouble=("NAMESAKE" if is_namesake else "NEIGHBOUR") + ("" if has_number else "_NO_NUMBER"),
                true_party_no=number,
            )
        )
    abroad = foreign_vendors(
        Streams(world.seed).on(Stream.IDENTITY, part=2), max(3, round(_FOREIGN_SHARE * edges.core_edges)), cores
    )
    return [*records, *abroad]


def holder_records(world: World) -> list[HolderRecord]:
    """What banks keep of the holders of accounts: suppliers, then core enterprises."""
    rng = Streams(world.seed).on(Stream.IDENTITY, part=3)
    parties = world.parties
    records = []
    for seller, (name, number) in enumerate(
        zip(parties.suppliers.names.tolist(), parties.suppliers.numbers.tolist(), strict=True)
    ):
        if rng.random() < _NO_HOLDER_NUMBER_SHARE:
            way = str(rng.choice(list(BY_BANKS), p=list(BY_BANKS.values())))
            records.append(HolderRecord(typed(way, name_parts(world, seller), rng), None, f"NO_NUMBER_{way}"))
        else:
            records.append(HolderRecord(name, number, "NONE"))
    cores = zip(parties.cores.names.tolist(), parties.cores.numbers.tolist(), strict=True)
    return [*records, *(HolderRecord(name, number, "NONE") for name, number in cores)]


def name_parts(world: World, supplier: int) -> NameParts:
    """The registered name of a supplier in parts."""
    firms = world.parties.suppliers
    region, business = REGIONS[firms.region[supplier]][1], SECTORS[firms.sector[supplier]].suffix
    return NameParts.of(str(firms.names[supplier]), region, business)
