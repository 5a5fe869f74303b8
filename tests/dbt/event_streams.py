"""Random lives of certificates as a platform would deliver them: in step, late, restated and taken back.

A life is legal: nothing is passed on that is not held, nothing is financed twice. Its delivery need not be: rows come
days after what they tell, are first delivered wrong, or tell of things that never happened and are withdrawn later.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.dbt.stream_delivery import FIRST_DAY, FUNDERS, Certificate, Recipe, Teller, Version


def make_stream(recipe: Recipe, name: str) -> list[Version]:
    """The deliveries about one root; every identifier begins with ``name``."""
    return _Life(recipe, name).versions()


class _Life(Teller):
    """One life: a root that is issued, and what holders, funders and courts do with it and its parts."""

    def __init__(self, recipe: Recipe, name: str) -> None:
        super().__init__(recipe, name)
        self.certificates: list[Certificate] = []
        self.is_accepted = self.is_over = False

    def versions(self) -> list[Version]:
        """Live the life and deliver it."""
        for funder in FUNDERS:
            self.tell_facility(funder, "LIMIT_SET", self.random.randint(1, 10**8))
        root = Certificate(
            f"{self.name}-R",
            self.holder(),
            1,
            self.random.randint(1, 10**7),
            FIRST_DAY + timedelta(self.below(25) + 5),
        )
        self.certificates.append(root)
        self.tell_certificate(root)
        self.tell_event(root, "ISSUED", root.face)
        for _ in range(self.recipe.acts):
            self.day += timedelta(self.random.choice((0, 0, 1, 1, 2, 4)))
            self._act(root)
            if self.recipe.is_reversed and self.below(4) == 0:
                self._untrue()
        return self.delivered

    def _act(self, root: Certificate) -> None:
        if self.is_over:
            return
        if not self.is_accepted:
            if self.below(8) == 0:
                self.tell_event(root, "CANCELLED", root.face)
                self.is_over = True
            else:
                self.tell_event(root, "ACCEPTED", root.face)
                self.is_accepted = True
            return
        certificate = self.random.choice(self.certificates)
        acts = self._legal(certificate)
        if acts:
            self.random.choice(acts)(certificate)

    def _legal(self, certificate: Certificate) -> list[Callable[[Certificate], None]]:
        """Acts that the state of the certificate allows on the day."""
        acts: list[Callable[[Certificate], None]] = []
        is_due, is_late = self.day >= certificate.due, self.day > certificate.due
        if certificate.free > 0:
            acts.append(self._freeze)
            if not is_late:
                acts += [self._finance, self._finance]
        if certificate.held > 0:
            acts.append(self._dispute)
            if not is_late and not certificate.taken:
                acts.append(self._extend)
        if certificate.free == certificate.face and not is_late:
            acts += [self._divide, self._divide, self._divide]
        if certificate.frozen:
            acts.append(self._unfreeze)
        if certificate.disputed:
            acts.append(self._resolve)
        if certificate.financed:
            acts.append(self._repay)
        if is_due and certificate.held > certificate.financed:
            acts += [self._redeem, self._redeem, self._write_off]
        return [*acts, lambda _: self._change_facility()]

    def _divide(self, parent: Certificate) -> None:
        count = min(self.random.choice((1, 2, 2, 3)), parent.face)
        cuts = sorted(self.random.sample(range(1, parent.face), count - 1)) if count > 1 else []
        sizes = [high - low for low, high in zip([0, *cuts], [*cuts, parent.face], strict=True)]
        self.second += 1
        for number, size in enumerate(sizes):
            is_kept = number == 0 and count > 1 and self.below(2) == 0
            holder = parent.holder if is_kept else self.holder(other_than=parent.holder)
            child = Certificate(
                f"{parent.certificate_id}{number}",
                holder,
                parent.tier + (not is_kept),
                size,
                parent.due,
                parent.certificate_id,
            )
            self.certificates.append(child)
            self.tell_certificate(child)
            kind = "SPLIT" if is_kept else "TRANSFERRED"
            self.tell_event(parent, kind, size, child=child, is_same_instant=True)
        parent.taken += parent.face

    def _freeze(self, certificate: Certificate) -> None:
        amount = self.up_to(certificate.free)
        certificate.frozen += amount
        self.tell_event(certificate, "FROZEN", amount)

    def _unfreeze(self, certificate: Certificate) -> None:
        amount = self.up_to(certificate.frozen)
        certificate.frozen -= amount
        self.tell_event(certificate, "UNFROZEN", amount)

    def _finance(self, certificate: Certificate) -> None:
        amount = self.up_to(certificate.free)
        certificate.financings[self.tell_financing(certificate, amount)] = amount
        self.tell_event(certificate, "FINANCED", amount)

    def _repay(self, certificate: Certificate) -> None:
        financing = self.random.choice(sorted(key for key, open_ in certificate.financings.items() if open_))
        amount = self.up_to(certificate.financings[financing])
        certificate.financings[financing] -= amount
        self.number += 1
        content = {
            "repayment_id": f"{self.name}-P{self.number}",
            "financing_id": financing,
            "repayment_date": self.day,
            "amount": amount,
            "currency": self.currency,
            "payer_type": self.random.choice(("SUPPLIER", "CORE_ENTERPRISE")),
        }
        self.deliver("platform.repayment", content["repayment_id"], content, "amount")
        self.tell_event(certificate, "FINANCE_REPAID", amount)

    def _dispute(self, certificate: Certificate) -> None:
        amount = self.up_to(certificate.held)
        certificate.disputed += amount
        self.tell_event(certificate, "DISPUTED", amount)

    def _resolve(self, certificate: Certificate) -> None:
        amount = self.up_to(certificate.disputed)
        certificate.disputed -= amount
        self.tell_event(certificate, "DISPUTE_RESOLVED", amount)

    def _extend(self, certificate: Certificate) -> None:
        certificate.due += timedelta(self.below(20) + 1)
        self.tell_event(certificate, "EXTENDED", certificate.held, new_due_date=certificate.due)

    def _redeem(self, certificate: Certificate) -> None:
        amount = self.up_to(certificate.held - certificate.financed)
        certificate.taken += amount
        self.tell_event(certificate, "REDEEMED", amount)

    def _write_off(self, certificate: Certificate) -> None:
        amount = self.up_to(certificate.held - certificate.financed)
        certificate.taken += amount
        self.tell_event(certificate, "WRITTEN_OFF", amount)

    def _change_facility(self) -> None:
        kind = self.random.choice(("LIMIT_SET", "BLOCK", "UNBLOCK"))
        self.tell_facility(self.random.choice(FUNDERS), kind, self.random.randint(1, 10**8))

    def _untrue(self) -> None:
        """Something that never happened: it is delivered and withdrawn."""
        certificate = self.random.choice(self.certificates)
        kind = self.random.choice(
            (
                "FROZEN",
                "UNFROZEN",
                "FINANCED",
                "FINANCE_REPAID",
                "REDEEMED",
                "WRITTEN_OFF",
                "DISPUTED",
                "EXTENDED",
                "ACCEPTED",
                "TRANSFERRED",
                "CANCELLED",
            )
        )
        amount = self.up_to(certificate.face)
        first = len(self.delivered)
        child = None
        if kind == "TRANSFERRED":
            self.number += 1
            holder = self.holder(other_than=certificate.holder)
            child = Certificate(
                f"{certificate.certificate_id}x{self.number}",
                holder,
                certificate.tier + 1,
                amount,
                certificate.due,
                certificate.certificate_id,
            )
            self.tell_certificate(child)
        elif kind == "FINANCED":
            self.tell_financing(certificate, amount)
        due = certificate.due + timedelta(self.below(20) + 1) if kind == "EXTENDED" else None
        self.tell_event(certificate, kind, amount, child=child, new_due_date=due)
        for version in {version.key: version for version in self.delivered[first:]}.values():
            known = version.known_date + timedelta(self.below(4) + 1)
            self.delivered.append(Version(version.feed, version.key, known, version.content, is_withdrawn=True))
