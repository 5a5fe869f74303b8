"""An arrival: a delivered file that the run is about to ingest, its identity and its first night."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sources.contract import WITHHELD, Contract
from sources.control import Control
from sources.landing import Delivery
from sources.receipt import DeliveredTypes, Receipt, Status
from sources.sentence import in_one_line

_QUOTED = re.compile(r"(?<!\w)('[^']*'|\"[^\"]*\")(?!\w)")
_SPEAKING = re.compile(r"[^\W_]")  # signs alone, as in a parser's "expected '>'", say nothing of anybody


@dataclass(frozen=True)
class Counts:
    """Rows of one file by what became of them, and the dates of the loaded ones (None where there are none)."""

    loaded: int = 0
    quarantined: int = 0
    duplicate: int = 0
    min_known_date: date | None = None
    min_event_date: date | None = None
    max_event_date: date | None = None
    absent: int | None = None
    withdrawn: int | None = None


@dataclass(frozen=True)
class Arrival:
    """One delivered file, its content's SHA-256 ('' when it must not be opened) and its batch date.

    ``restates`` is the receipt of what lay under the same folder and name before, whatever became of it.
    """

    contract: Contract
    delivery: Delivery
    batch_date: date
    sha256: str
    control: Control | None = None
    restates: Receipt | None = None

    @property
    def file_id(self) -> str:
        """Delivery date and 16 hex digits, so that ids of later deliveries sort after those of earlier ones.

        The id of a file that restates another goes on from that one's, so that it sorts after it and before the rest.
        """
        delivery = self.delivery
        content = self.sha256 or f"{delivery.size_bytes} {delivery.modified_ns}"
        parts = (self.contract.name, delivery.business_date.isoformat(), delivery.file, content)
        digest = hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]
        if self.restates is None:
            return f"{delivery.business_date:%Y%m%d}-{digest}"
        first, _, place = self.restates.file_id.partition(".")
        return f"{first}.{int(place.partition('-')[0] or 0) + 1:06d}-{digest}"

    @property
    def raw_dataset(self) -> str:
        """Lake dataset of the feed's rows."""
        return raw_dataset(self.contract)

    @property
    def partition(self) -> str:
        """Lake partition of everything that comes of this file."""
        return f"batch_date={self.batch_date}"

    def receipt(
        self,
        status: Status,
        loaded_at: datetime,
        *,
        reader: str | None = None,
        message: str | None = None,
        counts: Counts = Counts(),
        delivered_columns: DeliveredTypes | None = None,
    ) -> Receipt:
        """The receipt of this file."""
        delivery = self.delivery
        return Receipt(
            source=self.contract.source,
            feed=self.contract.feed,
            business_date=delivery.business_date,
            batch_date=self.batch_date,
            file=delivery.file,
            file_id=self.file_id,
            sha256=self.sha256,
            size_bytes=delivery.size_bytes,
            modified_ns=delivery.modified_ns,
            reader=reader,
            mapping=delivery.mapping.name,
            is_history=delivery.history is not None,
            status=status,
            message=None if message is None else in_one_line(self._without_values(message)),
            delivered_rows=counts.loaded + counts.quarantined + counts.duplicate,
            loaded_rows=counts.loaded,
            quarantined_rows=counts.quarantined,
            duplicate_rows=counts.duplicate,
            min_known_date=counts.min_known_date,
            min_event_date=counts.min_event_date,
            max_event_date=counts.max_event_date,
            delivered_columns=delivered_columns,
            loaded_at=loaded_at,
            restates_file_id=self.restates.file_id if self.restates else None,
            absent_rows=counts.absent,
            withdrawn_rows=counts.withdrawn,
            controls=self.control.names if self.control else None,
            control_sha256=self.control.sha256 if self.control else None,
        )

    def _without_values(self, message: str) -> str:
        """A sentence on a file of persons' data quotes mapping and columns alone: anything else may be of a person."""
        if not self.contract.personal_columns:
            return message
        mapping = self.delivery.mapping
        names = {"", *self.contract.column_names, *mapping.read_columns, *mapping.ignored}
        names |= {text[1:-1] for text in _QUOTED.findall(mapping.where or "")}

        def shown(text: re.Match[str]) -> str:
            return text[0] if text[0][1:-1] in names or not _SPEAKING.search(text[0]) else f"'{WITHHELD}'"

        return _QUOTED.sub(shown, message)


def raw_dataset(contract: Contract) -> str:
    """Name of the lake dataset that holds a feed's loaded rows."""
    return f"raw/{contract.source}/{contract.feed}"


def batch_date_of(business_date: date, last_night: date | None) -> date:
    """The first night that may use a file delivered on ``business_date`` and found after ``last_night``."""
    return business_date if last_night is None else max(business_date, last_night + timedelta(days=1))
