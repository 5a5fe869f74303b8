"""What happens to a few certificates beside their regular life: all of it on paper, the economy's cash does not move.

* A draft with a mistyped amount is refused by the supplier and cancelled before anybody accepts it.
* The buyer disputes a delivery; the two settle it before the due date, or before a funder takes the certificate.
* A court seizes what a supplier under enforcement holds until the debt is settled or the certificate is paid.
* A funder looks at an application for a night; the part applied for is frozen until it pays out.
* A core enterprise that cannot pay on the due day agrees on a later one with the holder of what no funder has.

Each follows from what had happened by its day, so that a later end of the run only adds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sources.simulator.certificates import Financings, Ledger
from sources.simulator.feeds import History
from sources.simulator.state import NEVER
from sources.simulator.streams import Stream, Streams

_DRAFT_SHARE, _DISPUTE_SHARE, _EXTENSION_SHARE = 0.004, 0.006, 0.5
_NIGHT_SHARE, _SEIZED_SPELLS_SHARE = 0.04, 0.5
_ENFORCEMENT = 3  # cause of distress in ``hardship``
_MISTYPED_CENTS = 90_000
_EXTENSION_DAYS, _SHORTEST_DISPUTE_DAYS = 30, 7
_FIRST_HOUR, _MORNING, _REDEEMED_BEFORE, _COURT, _EVENING = 0, 5, 7, 10, 14
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Incidents:
    """Events of one kind: certificate position, day, cents, hour of the day, and the due day of an extension.

    ``is_draft`` marks events on the draft that went before the certificate, whose amount is ``draft_cents``.
    """

    kind: str
    certificate: Ints
    day: Ints
    cents: Ints
    hour: int
    new_due: Ints
    is_draft: bool = False


def drafts(history: History, ledger: Ledger) -> Ints:
    """Roots before which a draft was issued and cancelled on the same day."""
    return np.flatnonzero((ledger.parent < 0) & (_draws(history, ledger)[:, 0] < _DRAFT_SHARE))


def draft_cents(ledger: Ledger, certificate: Ints) -> Ints:
    """The mistyped face of the drafts before these certificates."""
    return ledger.cents[certificate] + _MISTYPED_CENTS


def extended_due(history: History, ledger: Ledger, financings: Financings) -> Ints:
    """Due day that was agreed on for each certificate; NEVER where none was put off."""
    extended = np.full(len(ledger.edge), NEVER)
    unpaid = (ledger.due <= history.last_day) & (ledger.redeemed != ledger.due)
    own = ~ledger.ended & (ledger.parent < 0)
    on_the_due_day = _financed(financings, ledger.due)
    chosen = own & unpaid & (on_the_due_day == 0) & (_draws(history, ledger)[:, 3] < _EXTENSION_SHARE)
    days = history.world.timeline.next_business_day(ledger.due + _EXTENSION_DAYS)
    extended[chosen] = days[chosen]
    return extended


def incidents(history: History, ledger: Ledger, financings: Financings) -> list[Incidents]:
    """Every incident up to the run's last day."""
    due = extended_due(history, ledger, financings)
    put_off = np.flatnonzero(due != NEVER)
    found = [
        *_drafted(history, ledger),
        *_disputed(history, ledger, financings),
        *_seized(history, ledger, financings),
        *_applied(history, ledger, financings),
        Incidents("EXTENDED", put_off, ledger.due[put_off], ledger.cents[put_off], _REDEEMED_BEFORE, due[put_off]),
    ]
    return [_until(part, history.last_day) for part in found]


def _until(part: Incidents, last_day: int) -> Incidents:
    known = part.day <= last_day
    columns = (part.certificate[known], part.day[known], part.cents[known])
    return Incidents(part.kind, *columns, part.hour, part.new_due[known], part.is_draft)


def _event(kind: str, certificate: Ints, day: Ints, cents: Ints, hour: int, is_draft: bool = False) -> Incidents:
    return Incidents(kind, certificate, day, cents, hour, np.full(len(certificate), NEVER), is_draft)


def _draws(history: History, ledger: Ledger) -> Floats:
    """(n, 4): uniform draws of each certificate, by its day of making."""
    streams, days = Streams(history.world.seed), np.arange(history.last_day + 2)
    bounds = np.searchsorted(ledger.made, days)
    parts = [
        streams.on(Stream.INCIDENT, day).random((int(high - low), 4))
        for day, (low, high) in enumerate(pairwise(bounds))
        if high > low
    ]
    return np.concatenate([np.zeros((0, 4)), *parts])


def _financed(financings: Financings, day: Ints) -> Ints:
    """Cents of each certificate with a funder on the evening of its ``day``."""
    at = day[financings.certificate]
    still = (financings.repaid == NEVER) | (financings.repaid > at)
    taken = (financings.day <= at) & still
    return np.bincount(financings.certificate[taken], financings.principal[taken], len(day)).astype(np.int64)


def _drafted(history: History, ledger: Ledger) -> list[Incidents]:
    certificate = drafts(history, ledger)
    day, cents = ledger.made[certificate], draft_cents(ledger, certificate)
    return [
        _event("ISSUED", certificate, day, cents, _FIRST_HOUR, is_draft=True),
        _event("CANCELLED", certificate, day, cents, _FIRST_HOUR + 1, is_draft=True),
    ]


def _disputed(history: History, ledger: Ledger, financings: Financings) -> list[Incidents]:
    timeline, draws = history.world.timeline, _draws(history, ledger)
    raised = timeline.next_business_day(ledger.made + 4 + np.floor(draws[:, 2] * 12).astype(np.int64))
    length = _SHORTEST_DISPUTE_DAYS + np.floor(draws[:, 1] / _DISPUTE_SHARE * 30).astype(np.int64)
    first_financed = np.full(len(ledger.edge), history.last_day + 1)
    np.minimum.at(first_financed, financings.certificate, financings.day)
    chosen = (
        (ledger.parent < 0)
        & ~ledger.ended
        & (draws[:, 1] < _DISPUTE_SHARE)
        & (first_financed > raised)
        & (raised + _SHORTEST_DISPUTE_DAYS < ledger.due)
    )
    certificate = np.flatnonzero(chosen)
    settled = np.minimum(timeline.next_business_day(raised + length), ledger.due - 1)
    # a funder takes the certificate once the two have settled
    financed = first_financed <= history.last_day
    settled = np.where(financed, np.minimum(settled, first_financed), settled)[certificate]
    raised, cents = raised[certificate], ledger.cents[certificate]
    return [
        _event("DISPUTED", certificate, raised, cents, _COURT),
        _event("DISPUTE_RESOLVED", certificate, settled, cents, _MORNING),
    ]


def _seized(history: History, ledger: Ledger, financings: Financings) -> list[Incidents]:
    """Certificates of suppliers under enforcement. Who is known to be in distress finances nothing until it is over."""
    timeline, seller = history.world.timeline, history.world.network.edges.seller
    spells, cures = history.journal.table("distress"), history.journal.table("cure")
    draws = np.concatenate([np.zeros((0, 2)), *_draws_of_spells(history, spells["day"])])
    chosen = (spells["cause"] == _ENFORCEMENT) & (draws[:, 0] < _SEIZED_SPELLS_SHARE)
    held, with_funder = _by_key(seller[ledger.edge]), _by_key(seller[financings.edge])
    parts: list[tuple[Ints, ...]] = [(np.zeros(0, dtype=np.int64),) * 4]
    for spell in np.flatnonzero(chosen).tolist():
        supplier = spells["supplier"][spell]
        waits = 2 + int(draws[spell, 1] * 8)
        day = int(timeline.next_business_day(spells["known"][spell : spell + 1] + waits)[0])
        later = cures["day"][(cures["supplier"] == supplier) & (cures["day"] > spells["day"][spell])]
        ends = int(later.min()) if len(later) else history.last_day + 1
        if day >= ends:
            continue
        certificate, rows = held(supplier), with_funder(supplier)
        place = np.searchsorted(certificate, financings.certificate[rows])
        repaid = financings.repaid[rows]
        open_then = (financings.day[rows] <= day) & ((repaid == NEVER) | (repaid > day))
        taken = np.bincount(place[open_then], financings.principal[rows][open_then], len(certificate))
        cents = ledger.cents[certificate] - taken.astype(np.int64)
        lasts = ~ledger.ended[certificate] & (ledger.made[certificate] < day) & (ledger.due[certificate] > day)
        certificate, cents = certificate[lasts & (cents > 0)], cents[lasts & (cents > 0)]
        paid = np.where(ledger.redeemed[certificate] == NEVER, history.last_day + 1, ledger.redeemed[certificate])
        parts.append((certificate, np.full(len(certificate), day), cents, np.minimum(paid, ends)))
    certificate, frozen, cents, released = (np.concatenate(column) for column in zip(*parts, strict=True))
    return [
        _event("FROZEN", certificate, frozen, cents, _COURT),
        _event("UNFROZEN", certificate, released, cents, _REDEEMED_BEFORE),
    ]


def _by_key(keys: Ints) -> Callable[[int], Ints]:
    """Positions of a key, ascending."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]

    def positions(key: int) -> Ints:
        low, high = np.searchsorted(ordered, [key, key + 1])
        return order[low:high]

    return positions


def _draws_of_spells(history: History, days: Ints) -> list[Floats]:
    """(n, 2) for each day on which spells of distress began, in order of day."""
    streams = Streams(history.world.seed)
    begun, count = np.unique(days, return_counts=True)
    return [
        streams.on(Stream.INCIDENT, day, part=2).random((number, 2))
        for day, number in zip(begun.tolist(), count.tolist(), strict=True)
    ]


def _applied(history: History, ledger: Ledger, financings: Financings) -> list[Incidents]:
    """Financings that a funder looked at overnight, from one weekday to the next."""
    streams, timeline = Streams(history.world.seed), history.world.timeline
    begun, count = np.unique(financings.day, return_counts=True)
    draws = [
        streams.on(Stream.INCIDENT, day, part=1).random(number)
        for day, number in zip(begun.tolist(), count.tolist(), strict=True)
    ]
    waited = np.concatenate([np.zeros(0), *draws]) < _NIGHT_SHARE
    after_a_weekday = np.array([timeline.is_business_day(day - 1) for day in begun.tolist()], dtype=bool)
    chosen = waited & np.repeat(after_a_weekday, count) & (ledger.made[financings.certificate] < financings.day)
    row = np.flatnonzero(chosen)
    certificate, day, cents = financings.certificate[row], financings.day[row], financings.principal[row]
    return [
        _event("FROZEN", certificate, day - 1, cents, _EVENING),
        _event("UNFROZEN", certificate, day, cents, _MORNING),
    ]
