"""Who sells to whom: trade edges, their terms and rhythms, and the parameters of firms' behaviour.

Edges are sorted by seller; sellers are sorted by tier, so the edges that sell to core enterprises come first. Each
edge of a deeper tier is *fed* by one edge of its buyer: certificates received along the feeding edge may be passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sources.simulator.parties import SECTORS, Floats, Ints, Parties
from sources.simulator.streams import Stream, Streams

Flags = NDArray[np.bool_]
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class Grouping:
    """Sums rows of an (n, B) array by a key per row."""

    order: Ints
    starts: Ints
    keys: Ints
    size: int

    @classmethod
    def by(cls, keys: Ints, size: int) -> Grouping:
        """Group rows by ``keys``; the result has ``size`` rows, zero where no row has the key."""
        order = np.argsort(keys, kind="stable")
        present, starts = np.unique(keys[order], return_index=True)
        return cls(order, starts, present, size)

    def sum(self, values: Floats) -> Floats:
        """(n, B) -> (size, B)."""
        result = np.zeros((self.size, *values.shape[1:]))
        if len(self.order):
            result[self.keys] = np.add.reduceat(values[self.order], self.starts, axis=0)
        return result


@dataclass(frozen=True)
class Edges:
    """Trade relations, one entry an edge. Volumes are annual net CNY; days are calendar days."""

    seller: Ints
    buyer_core: Ints
    buyer_supplier: Ints
    root_core: Ints
    feed: Ints
    core_edges: int
    volume: Floats
    weeks: Ints
    weekday: Ints
    phase: Ints
    lead_days: Ints
    receipt_lag_days: Ints
    terms_days: Ints
    confirm_days: Ints
    vat_rate: Floats
    retention_rate: Floats
    certificate_share: Floats
    has_recourse: Flags
    rate_pct: Floats
    by_seller: Grouping
    by_buyer: Grouping
    by_core: Grouping
    by_root: Grouping
    by_feed: Grouping

    def __len__(self) -> int:
        return len(self.seller)


@dataclass(frozen=True)
class Conduct:
    """Parameters of suppliers' economics, each (S, 1); money in CNY, shares of net sales."""

    material_share: Floats
    wage_share: Floats
    rent_share: Floats
    vat_rate: Floats
    input_vat_rate: Floats
    steel_share: Floats
    cement_share: Floats
    outside_sales: Floats
    outside_purchase_share: Floats
    customer_days: Ints
    vendor_days: Ints
    sales_weekday: Ints
    pay_weekday: Ints
    buffer_days: Floats
    overdraft: Floats
    loan: Floats
    renewal_day: Ints
    habit: Floats
    transfer_share: Floats
    owner_depth: Floats
    filing_day: Ints


@dataclass(frozen=True)
class Network:
    """Edges and conduct, with the parameters of core enterprises ((C, 1))."""

    edges: Edges
    conduct: Conduct
    core_purchases: Floats
    core_line: Floats
    core_tenor: Ints
    core_pay_weekday: Ints


def make_network(streams: Streams, parties: Parties) -> Network:
    """Draw the trade relations and the parameters that go with them."""
    rng = streams.on(Stream.NETWORK)
    seller, buyer_core, buyer_supplier, weight = _relations(rng, parties)
    count, core_edges = len(seller), int((buyer_core >= 0).sum())
    supplier_count, core_count = len(parties.suppliers), len(parties.cores)
    wage_share = _of_sector(parties, "wage_share") * rng.uniform(0.85, 1.15, supplier_count)
    margin = np.clip(0.053 + 0.012 * parties.quality + rng.normal(0, 0.012, supplier_count), 0.012, 0.12)
    rent_share = rng.uniform(0.01, 0.03, supplier_count)
    material_share = 1.0 - wage_share - rent_share - margin - 0.018
    chain_share = np.where(parties.tier == 1, 0.72, 0.62) * rng.uniform(0.7, 1.2, supplier_count)
    volume = parties.revenue[seller] * chain_share[seller] * weight
    volume = _cap_by_buyer(volume, buyer_supplier, 0.65 * material_share * parties.revenue)
    sold = np.bincount(seller, volume, supplier_count)
    bought = np.bincount(buyer_supplier[core_edges:], volume[core_edges:], supplier_count)
    feed, root_core = _feeds(seller, buyer_core, buyer_supplier, volume)
    building = np.array([SECTORS[index].is_building for index in parties.suppliers.sector])
    core_terms = rng.choice([30, 45, 60, 90], core_count, p=[0.2, 0.25, 0.35, 0.2])
    core_terms[0] = 60
    tier_terms = rng.choice([30, 45, 60], count, p=[0.4, 0.35, 0.25])
    core_share = np.clip(rng.normal(0.42, 0.15, core_count), 0.1, 0.75)
    core_recourse = rng.random(count) < 0.4
    weekly = rng.random(count)
    edges = Edges(
        seller=seller,
        buyer_core=buyer_core,
        buyer_supplier=buyer_supplier,
        root_core=root_core,
        feed=feed,
        core_edges=core_edges,
        volume=volume[:, None],
        weeks=np.select([weekly < 0.35, weekly < 0.75], [1, 2], 4),
        weekday=rng.integers(0, 5, count),
        phase=rng.integers(0, 4, count),
        lead_days=7 * rng.integers(1, 6, count),
        receipt_lag_days=rng.integers(1, 5, count),
        terms_days=np.where(buyer_core >= 0, core_terms[buyer_core], tier_terms),
        confirm_days=rng.integers(1, 5, core_count)[root_core] + 1,
        vat_rate=_of_sector(parties, "vat_rate")[seller][:, None],
        retention_rate=np.where((buyer_core == 0) & building[seller], 0.03, 0.0)[:, None],
        certificate_share=np.where(buyer_core >= 0, core_share[root_core], 0.0)[:, None],
        has_recourse=core_recourse,
        rate_pct=np.round(rng.uniform(2.9, 5.2, count), 2),
        by_seller=Grouping.by(seller, supplier_count),
        by_buyer=Grouping.by(buyer_supplier[core_edges:], supplier_count),
        by_core=Grouping.by(buyer_core[:core_edges], core_count),
        by_root=Grouping.by(root_core, core_count),
        by_feed=Grouping.by(feed[core_edges:], count),
    )
    monthly = parties.revenue / 12
    conduct = Conduct(
        material_share=_column(material_share),
        wage_share=_column(wage_share),
        rent_share=_column(rent_share),
        vat_rate=_column(_of_sector(parties, "vat_rate")),
        input_vat_rate=_column(_of_sector(parties, "vat_rate")),
        steel_share=_column(_of_sector(parties, "steel_share")),
        cement_share=_column(_of_sector(parties, "cement_share")),
        outside_sales=_column(parties.revenue - sold),
        outside_purchase_share=_column(np.clip(1.0 - bought / (material_share * parties.revenue), 0.2, 1.0)),
        customer_days=_column(rng.choice([14, 28, 42, 63], supplier_count)),
        vendor_days=_column(rng.choice([14, 28, 42], supplier_count)),
        sales_weekday=rng.integers(0, 5, supplier_count),
        pay_weekday=rng.integers(0, 5, supplier_count),
        buffer_days=_column(np.clip(19 * np.exp(0.45 * parties.quality + rng.normal(0, 0.4, supplier_count)), 6, 120)),
        overdraft=_column(np.round(monthly * rng.uniform(0.0, 0.7, supplier_count), -4)),
        loan=_column(np.round(monthly * rng.uniform(0.0, 3.0, supplier_count), -4)),
        renewal_day=_column(rng.integers(0, 365, supplier_count, dtype=np.int64)),
        habit=_column(np.clip(rng.normal(0.2, 0.25, supplier_count), 0.0, 0.9)),
        transfer_share=_column(np.clip(rng.normal(0.35, 0.2, supplier_count), 0.0, 0.7)),
        owner_depth=_column(monthly * np.exp(rng.normal(-0.5, 0.9, supplier_count))),
        filing_day=rng.integers(5, 10, supplier_count),
    )
    purchases = np.bincount(buyer_core[:core_edges], volume[:core_edges], core_count)
    return Network(
        edges=edges,
        conduct=conduct,
        core_purchases=_column(purchases.astype(np.float64)),
        core_line=_column(np.round(purchases / 12 * rng.uniform(0.5, 1.4, core_count), -5)),
        core_tenor=rng.choice([60, 90, 120, 180], core_count, p=[0.25, 0.35, 0.25, 0.15]),
        core_pay_weekday=rng.integers(0, 5, core_count),
    )


def _column(values: NDArray[_Scalar]) -> NDArray[_Scalar]:
    return values[:, None]


def _of_sector(parties: Parties, attribute: str) -> Floats:
    return np.array([getattr(SECTORS[index], attribute) for index in parties.suppliers.sector], dtype=np.float64)


def _relations(rng: np.random.Generator, parties: Parties) -> tuple[Ints, Ints, Ints, Floats]:
    """Sellers, buyers (core enterprise or supplier, -1 otherwise), and the edge's share of the seller's chain sales."""
    cores, tier = parties.cores, parties.tier
    popularity = np.exp(rng.normal(0, 0.5, len(cores)))
    popularity[0] = 2.2 * popularity.max()
    rows: list[tuple[int, int, int, float]] = []
    first, second = np.flatnonzero(tier == 1), np.flatnonzero(tier == 2)
    building = np.array([SECTORS[index].is_building for index in range(len(SECTORS))])
    for number, seller in enumerate(range(len(tier))):
        wanted = int(rng.choice([1, 2, 3], p=[0.5, 0.32, 0.18]))
        if tier[seller] == 1:
            match = building[cores.sector] == building[parties.suppliers.sector[seller]]
            chance = popularity * np.where(match, 1.0, 0.25)
            buyers = rng.choice(len(cores), min(wanted, len(cores)), replace=False, p=chance / chance.sum())
            # the first sellers make sure that no core enterprise is without a supplier
            if number < len(cores):
                buyers[0] = number if number not in buyers else buyers[0]
        else:
            pool = first if tier[seller] == 2 else second
            chance = parties.revenue[pool] ** 0.7
            buyers = rng.choice(pool, min(wanted, len(pool)), replace=False, p=chance / chance.sum())
        shares = rng.dirichlet(np.full(len(buyers), 4.0))
        for buyer, share in zip(buyers, shares, strict=True):
            core = int(buyer) if tier[seller] == 1 else -1
            rows.append((seller, core, -1 if core >= 0 else int(buyer), float(share)))
    table = np.array([row[:3] for row in rows], dtype=np.int64)
    return table[:, 0], table[:, 1], table[:, 2], np.array([row[3] for row in rows])


def _cap_by_buyer(volume: Floats, buyer: Ints, limit: Floats) -> Floats:
    """Scale edges down where a supplier would buy more from the chain than ``limit``."""
    chained = buyer >= 0
    total = np.bincount(buyer[chained], volume[chained], len(limit))
    factor = np.minimum(1.0, limit / np.maximum(total, 1.0))
    return np.where(chained, volume * factor[buyer], volume)


def _feeds(seller: Ints, buyer_core: Ints, buyer_supplier: Ints, volume: Floats) -> tuple[Ints, Ints]:
    """For each edge the largest edge of its buyer (-1 on the first tier), and the core enterprise at the root."""
    order = np.lexsort((-volume, seller))
    sellers, position = np.unique(seller[order], return_index=True)
    main_edge = np.full(int(seller.max()) + 1, -1, dtype=np.int64)
    main_edge[sellers] = order[position]
    feed = np.where(buyer_supplier >= 0, main_edge[buyer_supplier], -1)
    root = buyer_core.copy()
    for _ in range(3):
        root = np.where(root >= 0, root, np.where(feed >= 0, root[feed], -1))
    return feed, root
