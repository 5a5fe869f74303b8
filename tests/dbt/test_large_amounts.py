"""A book of trillions is built as one of thousands is: no product or sum runs out of digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from conduct_portfolio import misconduct
from exposure_portfolio import exposures
from feature_portfolio import DELIVERIES, LAST
from tiny_portfolio import Delivery
from tiny_warehouse import WarehouseFactory

TIMES = 100_000_000


def larger(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The same deliveries with every amount of money so many times as large; prices and ratios stay."""

    def scaled(row: dict[str, object]) -> dict[str, object]:
        return {
            name: value * TIMES if isinstance(value, Decimal) and name.endswith("amount") else value
            for name, value in row.items()
        }

    return [
        replace(
            delivery,
            rows=[scaled(dict(row)) for row in delivery.rows],
            withdrawn=[scaled(dict(row)) for row in delivery.withdrawn],
        )
        for delivery in deliveries
    ]


@pytest.mark.parametrize(
    "portfolio", [exposures, misconduct, lambda: DELIVERIES], ids=["exposure", "conduct", "feature"]
)
def test_no_figure_of_a_large_book_overflows(
    portfolio: Callable[[], Sequence[Delivery]], warehouses: WarehouseFactory
) -> None:
    warehouse = warehouses.empty()
    warehouse.deliver(larger(portfolio()))
    last = max(LAST, *(delivery.batch_date for delivery in portfolio()))
    warehouse.build(last, models=warehouse.project.all_models, with_tests=False)
    [(largest,)] = warehouse.query("select max(outstanding_amount) from exposure.exposure_daily")
    assert largest > 10**10
