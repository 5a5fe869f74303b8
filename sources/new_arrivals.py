"""Which delivered files a run has to take in: those without a receipt that answers for them as they lie there now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from sources.against_control import ControlDisagrees, check_bytes
from sources.arrival import Arrival, batch_date_of
from sources.contract import Contract
from sources.control import Control
from sources.landing import Delivery, scan_landing, settled_control, sha256_of
from sources.readers import FileRefused
from sources.readers.choose import settled
from sources.receipt import Receipt, Status, newest_receipts


def new_arrivals(
    contract: Contract,
    landing: Path,
    as_of: date,
    last_night: date | None,
    receipts: Sequence[Receipt],
    max_file_bytes: int,
    mapping_folders: Sequence[Path],
) -> list[Arrival]:
    """Delivered files without a receipt that answers for them, in the order in which their rows become versions.

    Files that wait are left out, and so are those that are joined with a table which waits or is refused.
    """
    newest = newest_receipts(receipts)
    arrivals = []
    held: set[Path] = set()
    for delivery in scan_landing(landing, contract, as_of, max_file_bytes, mapping_folders):
        earlier = newest.get((delivery.business_date, delivery.file))
        if earlier and earlier.status is not Status.REFUSED and _in_state_of(earlier, delivery):
            continue
        control, waits = settled_control(delivery)
        if waits:
            held |= {delivery.path} if delivery.joined_as else set()
            continue
        sha256 = "" if delivery.problem else _sha256(delivery, earlier)
        if not delivery.problem:
            # a file that no reader takes keeps its mapping, and is refused with the sentence when it is opened
            with suppress(FileRefused):
                delivery = replace(delivery, mapping=settled(delivery.path, delivery.mapping, contract))
        batch_date = batch_date_of(delivery.business_date, last_night)
        arrival = Arrival(contract, _held_against(delivery, control, sha256), batch_date, sha256, control, earlier)
        if arrival.delivery.problem and delivery.joined_as:
            held.add(delivery.path)
        if earlier is None or not _is_settled(earlier, arrival):
            arrivals.append(arrival)
    ready = [arrival for arrival in arrivals if not _is_joined_with(arrival.delivery, held)]
    return sorted(ready, key=lambda arrival: (arrival.batch_date, arrival.file_id))


def _sha256(delivery: Delivery, earlier: Receipt | None) -> str:
    if earlier is not None and earlier.sha256 and _in_state_of(earlier, delivery):
        return earlier.sha256
    return sha256_of(delivery.path)


def _in_state_of(receipt: Receipt, delivery: Delivery) -> bool:
    return (receipt.size_bytes, receipt.modified_ns) == (delivery.size_bytes, delivery.modified_ns)


def _is_settled(earlier: Receipt, arrival: Arrival) -> bool:
    """Whether a receipt answers for the file as it lies there now.

    A refused file is looked at again when what it is read by has changed: its control or its mapping.
    """
    delivery = arrival.delivery
    same_bytes = earlier.sha256 == arrival.sha256 if arrival.sha256 else _in_state_of(earlier, delivery)
    if earlier.status is not Status.REFUSED or not same_bytes:
        return same_bytes
    control_sha256 = arrival.control.sha256 if arrival.control else None
    return (earlier.mapping, earlier.control_sha256) == (delivery.mapping.name, control_sha256)


def _held_against(delivery: Delivery, control: Control | None, sha256: str) -> Delivery:
    """The delivery, with a problem where its control says another name, date, size or SHA-256."""
    if control is None or delivery.problem:
        return delivery
    try:
        check_bytes(control, delivery.path, delivery.business_date, sha256)
    except ControlDisagrees as error:
        return replace(delivery, problem=str(error))
    return delivery


def _is_joined_with(delivery: Delivery, held: Collection[Path]) -> bool:
    """Whether a table that the file is joined with waits or was refused; the file waits with it."""
    return any(
        path.parent == delivery.path.parent and fnmatchcase(path.name, table.files)
        for table in delivery.mapping.tables.values()
        for path in held
    )
