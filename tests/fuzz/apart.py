"""A delivery ingested in a process of its own, and halved until it is known which file breaks a promise."""

from __future__ import annotations

import multiprocessing
import traceback
from collections import Counter
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.promise import broken_promises
from tests.sources.landing_zone import new_zone

SECONDS_A_FILE = 20
SECONDS_A_BATCH = 120
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.fuzz.promise", "tests.fuzz.seeds"])


def ingested(feed: str, files: Mapping[str, bytes], sender: Connection) -> None:
    """Send what became of the files, and the promises that were broken, by file; '' where it is not known of which."""
    fates: Counter[str] = Counter()
    broken: dict[str, str] = {}
    with TemporaryDirectory() as folder:
        zone = new_zone(Path(folder))
        for name, content in files.items():
            zone.deliver(feed, name, content)
        try:
            receipts = zone.ingest(feed)
            broken = broken_promises(zone, feed, files, receipts)
            for receipt in receipts:
                fates[receipt.status] += 1
                fates["loaded"] += receipt.loaded_rows
                fates["quarantined"] += receipt.quarantined_rows
                fates["duplicate"] += receipt.duplicate_rows
        except BaseException:
            broken[""] = traceback.format_exc()
    sender.send((fates, broken))


def checked(feed: str, files: Mapping[str, bytes]) -> tuple[Counter[str], dict[str, str]]:
    """Fates of the files and of their rows, and what was broken by the name of the file."""
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=ingested, args=(feed, files, sender))
    process.start()
    sender.close()
    fates: Counter[str] = Counter()
    try:
        if receiver.poll(SECONDS_A_FILE if len(files) == 1 else SECONDS_A_BATCH):
            fates, broken = receiver.recv()
        else:
            broken = {"": "not done in time"}
    except EOFError:
        process.join()
        broken = {"": f"the process ended with {process.exitcode}"}
    finally:
        process.kill()
        process.join()
    whole = broken.pop("", None)
    if whole is None or len(files) == 1:
        return fates, broken | ({} if whole is None else dict.fromkeys(files, whole))
    names = sorted(files)
    for half in (names[: len(names) // 2], names[len(names) // 2 :]):
        some, found = checked(feed, {name: files[name] for name in half})
        fates += some
        broken |= found
    # What two halves do not show comes of the files together.
    return fates, broken or dict.fromkeys(names, f"together: {whole}")
