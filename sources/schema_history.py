"""What a deliverer's files had before: the columns and types with which a new file is compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sources.arrival import Arrival
from sources.receipt import DeliveredTypes, Receipt, Status

_DATE_IN_NAME = re.compile(r"[0-9]{4}[-_.]?[0-9]{2}[-_.]?[0-9]{2}([-_.T]?[0-9]{6})?")


class EarlierSchemas:
    """What the deliverers of a feed delivered before, by the receipts of its loaded files."""

    def __init__(self, receipts: Iterable[Receipt]) -> None:
        self._delivered: dict[tuple[str | None, str | None], list[_Delivered]] = {}
        for r in sorted(receipts, key=lambda receipt: (receipt.batch_date, receipt.file_id)):
            if r.status is Status.LOADED and r.delivered_columns is not None:
                found = _Delivered((r.batch_date, r.file_id), _series(r.file), r.delivered_columns)
                self._delivered.setdefault((r.mapping, r.reader), []).append(found)

    def before(self, arrival: Arrival, reader: str) -> DeliveredTypes | None:
        """Columns and types of the deliverer's file before this one; None where there is none.

        A deliverer may send several files a day, such as one a company code: then it is the last one of the same
        series (names that differ in a date alone), if there is one.
        """
        of_deliverer = self._delivered.get((arrival.delivery.mapping.name, reader), [])
        earlier = [d for d in reversed(of_deliverer) if d.order < (arrival.batch_date, arrival.file_id)]
        series = _series(arrival.delivery.file)
        last = next((delivered for delivered in earlier if delivered.series == series), earlier[0] if earlier else None)
        return None if last is None else last.columns

    def add(self, arrival: Arrival, reader: str, columns: DeliveredTypes) -> None:
        """Count a file that is about to be loaded; files are added in the order in which they become versions."""
        delivered = _Delivered((arrival.batch_date, arrival.file_id), _series(arrival.delivery.file), columns)
        self._delivered.setdefault((arrival.delivery.mapping.name, reader), []).append(delivered)


@dataclass(frozen=True)
class _Delivered:
    order: tuple[date, str]
    series: str
    columns: DeliveredTypes


def _series(file: str) -> str:
    return _DATE_IN_NAME.sub("", file)
