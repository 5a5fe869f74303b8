"""Delivered files ingested in a process of its own: their receipts, and the peak memory of ingesting them all."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Sequence
from multiprocessing.connection import Connection

from sources.receipt import Receipt
from tests.sources.landing_zone import Zone

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["sources.ingest", "tests.sources.landing_zone"])


def ingested_alone(zone: Zone, feeds: Sequence[str], patience_seconds: float) -> tuple[list[Receipt], int]:
    """Ingest what lies in the landing zone: receipts, and MiB of memory.

    AssertionError when it takes longer than the patience, or kills the process.
    """
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_ingest, args=(feeds, zone, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(patience_seconds):
            raise AssertionError(f"{', '.join(feeds)}: not done after {patience_seconds} s")
        made: tuple[list[Receipt], int] = receiver.recv()
    except EOFError:
        process.join()
        raise AssertionError(f"{', '.join(feeds)}: the process ended with {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
    return made


def _ingest(feeds: Sequence[str], zone: Zone, sender: Connection) -> None:
    receipts = [receipt for feed in feeds for receipt in zone.ingest(feed)]
    # A process that was forked and runs no other program inherits no peak.
    sender.send((receipts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))
