"""How a life of certificates is told: rows of the platform's feeds, in step, late, restated and taken back."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

FIRST_DAY = date(2026, 3, 2)
HOLDERS = 6
FUNDERS = ("F1", "F2")


@dataclass(frozen=True)
class Recipe:
    """What decides a stream: fewer acts are the beginning of the same life, and each fault can be left out."""

    seed: int
    acts: int
    is_late: bool
    is_restated: bool
    is_reversed: bool


@dataclass(frozen=True)
class Version:
    """A delivered version of a row; a withdrawal repeats the content of the row that it ends."""

    feed: str
    key: str
    known_date: date
    content: dict[str, Any]
    is_withdrawn: bool = False


@dataclass
class Certificate:
    """A certificate as it truly is."""

    certificate_id: str
    holder: str
    tier: int
    face: int
    due: date
    parent: str | None = None
    frozen: int = 0
    disputed: int = 0
    taken: int = 0
    financings: dict[str, int] = field(default_factory=dict)

    @property
    def held(self) -> int:
        """Cents that are neither passed on nor paid nor given up."""
        return self.face - self.taken

    @property
    def financed(self) -> int:
        """Cents that funders have outstanding."""
        return sum(self.financings.values())

    @property
    def free(self) -> int:
        """Cents that the holder may dispose of."""
        return self.held - self.financed - min(self.frozen, self.held - self.financed)


class Teller:
    """Delivers what happens on a day, as its recipe allows not at once or not right at first."""

    def __init__(self, recipe: Recipe, name: str) -> None:
        self.recipe, self.name = recipe, name
        self.random = random.Random(recipe.seed)
        self.day, self.second, self.number = FIRST_DAY, 0, 0
        self.currency = self.random.choice(("CNY", "USD"))
        self.delivered: list[Version] = []

    def tell_certificate(self, certificate: Certificate) -> None:
        content = {
            "certificate_id": certificate.certificate_id,
            "root_certificate_id": f"{self.name}-R",
            "parent_certificate_id": certificate.parent,
            "core_enterprise_id": f"{self.name}-C",
            "facility_id": f"{self.name}-F1",
            "holder_id": certificate.holder,
            "tier": certificate.tier,
            "instrument_type": "VOUCHER",
            "face_amount": certificate.face,
            "currency": self.currency,
            "issue_date": self.day,
            "due_date": certificate.due,
        }
        wrong = self.random.choice(("face_amount", "due_date"))
        self.deliver("platform.certificate", certificate.certificate_id, content, wrong)

    def tell_event(
        self,
        certificate: Certificate,
        kind: str,
        amount: int,
        child: Certificate | None = None,
        new_due_date: date | None = None,
        is_same_instant: bool = False,
    ) -> None:
        self.number += 1
        self.second += not is_same_instant
        content = {
            "certificate_event_id": f"{self.name}-E{self.number}",
            "certificate_id": certificate.certificate_id,
            "root_certificate_id": f"{self.name}-R",
            "event_type": kind,
            "amount": amount,
            "currency": self.currency,
            "child_certificate_id": child.certificate_id if child else None,
            "from_holder_id": None if kind == "ISSUED" else certificate.holder,
            "to_holder_id": child.holder if child else None,
            "new_due_date": new_due_date,
            "occurred_at": datetime.combine(self.day, time()) + timedelta(seconds=self.second),
        }
        wrong = "new_due_date" if new_due_date else "amount"
        self.deliver("platform.certificate_event", content["certificate_event_id"], content, wrong)

    def tell_financing(self, certificate: Certificate, amount: int) -> str:
        self.number += 1
        funder = self.random.choice(FUNDERS)
        content = {
            "financing_id": f"{self.name}-L{self.number}",
            "certificate_id": certificate.certificate_id,
            "supplier_id": certificate.holder,
            "core_enterprise_id": f"{self.name}-C",
            "funder_id": funder,
            "facility_id": f"{self.name}-{funder}",
            "financing_date": self.day,
            "due_date": certificate.due,
            "principal_amount": amount,
            "currency": self.currency,
            "has_recourse": self.below(2) == 0,
        }
        wrong = self.random.choice(("principal_amount", "due_date"))
        self.deliver("platform.financing", content["financing_id"], content, wrong)
        return content["financing_id"]

    def tell_facility(self, funder: str, kind: str, amount: int) -> None:
        self.number += 1
        self.second += 1
        content = {
            "facility_event_id": f"{self.name}-B{self.number}",
            "facility_id": f"{self.name}-{funder}",
            "core_enterprise_id": f"{self.name}-C",
            "funder_id": funder,
            "event_type": kind,
            "amount": amount,
            "currency": self.currency,
            "event_at": datetime.combine(self.day, time()) + timedelta(seconds=self.second),
        }
        self.deliver("platform.facility_event", content["facility_event_id"], content, "amount")

    def deliver(self, feed: str, key: str, content: dict[str, Any], wrong: str) -> None:
        """Deliver a row on its day or late, and first with another value in the column ``wrong``."""
        known = self.day + timedelta(self.random.choice((0, 0, 0, 1, 2, 4)) if self.recipe.is_late else 0)
        if self.recipe.is_restated and self.below(5) == 0:
            value = content[wrong]
            other = value + timedelta(self.below(21) - 10) if isinstance(value, date) else self.up_to(2 * value)
            self.delivered.append(Version(feed, key, known, {**content, wrong: other}))
            known += timedelta(self.below(4) + 1)
        self.delivered.append(Version(feed, key, known, content))

    def below(self, bound: int) -> int:
        return self.random.randrange(bound)

    def up_to(self, amount: int) -> int:
        return amount if self.below(3) == 0 else self.random.randint(1, amount)

    def holder(self, other_than: str | None = None) -> str:
        return self.random.choice([f"{self.name}-S{n}" for n in range(HOLDERS) if f"{self.name}-S{n}" != other_than])


def rows_of(versions: Sequence[Version]) -> dict[str, list[dict[str, Any]]]:
    """Versions as the lake holds them, by feed: with lineage, and cents as decimals."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, version in enumerate(versions, start=1):
        rows.setdefault(version.feed, []).append(
            {
                **{name: _in_lake(name, value) for name, value in version.content.items()},
                "known_date": version.known_date,
                "batch_date": version.known_date,
                "file_id": f"{version.feed}-{version.known_date}",
                "row_no": -number if version.is_withdrawn else number,
            }
        )
    return rows


def _in_lake(name: str, value: Any) -> Any:
    return Decimal(value) / 100 if name == "amount" or name.endswith("_amount") else value
