"""Extracts: new rows of a database become a delivered file in landing, from which any night can be replayed.

An extract is a YAML file, ``<home>/extracts/<name>.yaml``::

    feed: bank.transaction
    mapping: my_bank_ledger
    url_variable: LEDGER_URL
    query: select * from booking where updated_at >= :high_water
    high_water: updated_at
    start: 2026-01-01

The high-water mark is kept in the file that reached it and nowhere else, and the file appears by a rename: a pull that
is killed has read nothing, one that ended is not repeated. Rows at the mark are read again, as others may have come
with the same mark; those that stand in an extract already are left out. A row that is committed late, behind the mark,
is found by a query that looks back (``>= :high_water - interval '1 hour'``): ingest tells what it knows already.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pydantic import Field, field_validator, model_validator

from sources.contract import load_contracts
from sources.database import PARAMETER, Batch, DatabaseError, Mark, Value, is_ahead, open_database
from sources.instructions import DELIVERY_FILE, delivery_file_of
from sources.known_rows import KnownRows
from sources.mapping import History
from sources.mapping_files import MAPPING_FOLDERS, load_mapping
from sources.yaml_model import MappingError, YamlModel, nearest, parse_model, read_yaml

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_METADATA_KEY = b"anchorwatch.extract"


class ExtractError(Exception):
    """A pull cannot be done; the message says which, why, and what to do."""


class Extract(YamlModel):
    """A query whose new rows are delivered to a feed; see the module for its keys.

    ``start`` is the first mark. ``history`` is of the first extract alone, as in ``_delivery.yaml``.
    """

    set_by_loader: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    feed: str
    mapping: str | None = None
    url_variable: str | None = Field(default=None, pattern="^[A-Za-z_][A-Za-z0-9_]*$")
    url_file: Path | None = None
    query: str = Field(min_length=1)
    high_water: str = Field(min_length=1)
    start: int | Decimal | str
    history: bool | History = False

    @field_validator("query")
    @classmethod
    def _has_parameter(cls, value: str) -> str:
        if f":{PARAMETER}" not in value:
            raise ValueError(f"it must compare with :{PARAMETER}, such as where updated_at >= :{PARAMETER}")
        return value

    @model_validator(mode="after")
    def _one_url(self) -> Extract:
        if (self.url_variable is None) == (self.url_file is None):
            raise ValueError("give the database's URL by one of url_variable (its environment variable) and url_file")
        return self

    def has_file(self, name: str) -> bool:
        """Whether a file of this name is one that a pull of this extract made."""
        return re.fullmatch(rf"{re.escape(self.name)}-[0-9]{{1,9}}\.parquet", name) is not None

    def url(self, environment: Mapping[str, str]) -> str:
        """The database's URL, which is a secret; ExtractError when it is not there."""
        if self.url_variable is not None:
            url, place = environment.get(self.url_variable, ""), f"the environment variable {self.url_variable}"
        else:
            place = f"the file {self.url_file}"
            try:
                url = Path(str(self.url_file)).expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
                raise ExtractError(
                    f"extract {self.name}: {place} cannot be read ({reason}); put the URL there."
                ) from None
        if not url.strip():
            raise ExtractError(f"extract {self.name}: {place} is not set; put the database's URL there.")
        return url.strip()


@dataclass(frozen=True)
class Pulled:
    """What a pull delivered: the file (None where there was no new row), its rows, the mark reached."""

    path: Path | None
    rows: int
    mark: Mark


def load_extract(name: str, folder: Path, mapping_folders: Sequence[Path] = MAPPING_FOLDERS) -> Extract:
    """Read and check ``<folder>/<name>.yaml``; MappingError when there is none or it cannot be used."""
    path = folder / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        near = nearest(name, (file.stem for file in folder.glob("*.yaml")))
        raise MappingError(
            f"there is no extract {name!r} in {folder}{near}; write {name}.yaml there or correct the name."
        )
    document = read_yaml(path, f"extract {name}")
    if not isinstance(document.content, dict):
        raise document.fault("the file holds no keys; give feed, query, high_water, start and url_variable")
    document.content["name"] = name
    extract = parse_model(Extract, document)
    if extract.feed not in load_contracts():
        raise document.fault(f"there is no contract {extract.feed}{nearest(extract.feed, load_contracts())}", "feed")
    if extract.mapping is not None and load_mapping(extract.mapping, mapping_folders).feed != extract.feed:
        raise document.fault(f"it is not for {extract.feed}", "mapping")
    return extract


def pull(extract: Extract, landing: Path, delivery_date: date, url: str, now: datetime) -> Pulled:
    """Deliver the rows from the mark of the newest extract on; ``now`` (aware) bounds a mark that is a time.

    ExtractError, with landing as it was, when the database cannot be read or what it gives cannot be delivered.
    """
    feed_folder = landing.joinpath(*extract.feed.split("."))
    feed_folder.mkdir(parents=True, exist_ok=True)
    with _lock(feed_folder, extract.name):
        earlier = _earlier(feed_folder, extract)
        if earlier and delivery_date < earlier[-1].date:
            raise ExtractError(
                f"extract {extract.name}: its newest file is of {earlier[-1].date}, and new rows cannot be delivered "
                f"before it; take that date or a later one."
            )
        mark = earlier[-1].mark if earlier else Mark.written(extract.start)
        at_mark = [own.path for own in earlier if own.mark == mark]
        number = 1 + max((own.number for own in earlier if own.date == delivery_date), default=0)
        path = feed_folder / delivery_date.isoformat() / f"{extract.name}-{number}.parquet"
        try:
            with KnownRows(at_mark, extract.high_water, mark) as known:
                batches = open_database(url).batches(extract.query, extract.high_water, mark)
                rows, mark = _write(path, batches, extract, mark, known, now)
        except DatabaseError as error:
            raise ExtractError(f"extract {extract.name}: {error}.") from None
        if not rows:
            return Pulled(None, 0, mark)
        try:
            _declare(path, extract, is_first=not earlier)
            os.replace(_temporary(path), path)
        finally:
            _temporary(path).unlink(missing_ok=True)
        _sync(path.parent)
        return Pulled(path, rows, mark)


@dataclass(frozen=True)
class _Earlier:
    """An extract in landing, and the mark it reached."""

    path: Path
    date: date
    number: int
    mark: Mark


def _earlier(feed_folder: Path, extract: Extract) -> list[_Earlier]:
    """Extracts of this name in landing, oldest first."""
    found = []
    for path in feed_folder.glob(f"[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/{extract.name}-*.parquet"):
        if extract.has_file(path.name):
            number = int(path.stem.removeprefix(f"{extract.name}-"))
            found.append(_Earlier(path, date.fromisoformat(path.parent.name), number, _mark_of(path, extract)))
    return sorted(found, key=lambda own: (own.date, own.number))


def _mark_of(path: Path, extract: Extract) -> Mark:
    place = "/".join(path.parts[-4:])
    try:
        kept = json.loads((pq.read_metadata(path).metadata or {})[_METADATA_KEY])
        mark, column = Mark(kept["high_water"], kept["kind"]), kept["column"]
        _ = mark.value
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise ExtractError(
            f"extract {extract.name}: {place} holds no high-water mark ({type(error).__name__}); it was not made by a "
            "pull or is damaged: restore it, or name it otherwise."
        ) from error
    if column != extract.high_water:
        raise ExtractError(
            f"extract {extract.name}: {place} counts by {column}, the extract by {extract.high_water}; give the "
            "extract another name, and it begins at start."
        )
    return mark


def _write(
    path: Path, batches: Iterator[Batch], extract: Extract, mark: Mark, known: KnownRows, now: datetime
) -> tuple[int, Mark]:
    """Write the new rows under the temporary name; return their number and the mark that they reach."""
    temporary = _temporary(path)
    writer: pq.ParquetWriter | None = None
    rows, highest = 0, mark
    try:
        for batch in batches:
            highest = _higher(highest, batch.highest, extract, now)
            fresh = known.without(batch.rows)
            if not len(fresh):
                continue
            if writer is None:
                temporary.parent.mkdir(exist_ok=True)
                writer = pq.ParquetWriter(temporary, fresh.schema, compression="zstd")
            writer.write_batch(fresh)
            rows += len(fresh)
        if writer is not None:
            kept = {"column": extract.high_water, "high_water": highest.text, "kind": highest.kind}
            writer.add_key_value_metadata({_METADATA_KEY.decode(): json.dumps(kept)})
            writer.close()
            _sync(temporary)
    except BaseException:
        if writer is not None:
            writer.close()
        temporary.unlink(missing_ok=True)
        raise
    return rows, highest


def _higher(mark: Mark, value: Value, extract: Extract, now: datetime) -> Mark:
    if is_ahead(value, now):
        raise DatabaseError(
            f"{extract.high_water} reaches {value}, which lies ahead: rows of today would be passed over from then on; "
            "leave such rows out of the query"
        )
    reached = Mark.of(value)
    if reached.kind != mark.kind:
        return reached
    return max(mark, reached, key=_value)


def _value(mark: Mark) -> Any:
    return mark.value


def _declare(path: Path, extract: Extract, *, is_first: bool) -> None:
    """Say in ``_delivery.yaml`` how the extract is to be read, before what is said there of other files.

    An extract brings changed rows alone, whatever lay under its name before.
    """
    own = {"mapping": extract.mapping, "restatement": "partial"} if extract.mapping else {"restatement": "partial"}
    entries: list[dict[str, Any]] = [{"files": f"{extract.name}-*.parquet", **own}]
    if is_first and extract.history is not False:
        history = extract.history if extract.history is True else extract.history.model_dump()
        entries.insert(0, {"files": path.name, **own, "history": history})
    there = _entries(path.parent)
    if all(entry in there for entry in entries):
        return
    replaced = {entry["files"] for entry in entries}
    others = [entry for entry in there if not (isinstance(entry, dict) and entry.get("files") in replaced)]
    # The first entry that fits a file counts, so that those of single files come first.
    single = [entry for entry in others if isinstance(entry, dict) and extract.has_file(str(entry.get("files")))]
    others = [entry for entry in others if entry not in single]
    target = path.with_name(DELIVERY_FILE)
    temporary = _temporary(target)
    text = yaml.safe_dump({"deliveries": [*single, *entries, *others]}, sort_keys=False, allow_unicode=True)
    temporary.write_text(text, encoding="utf-8")
    _sync(temporary)
    os.replace(temporary, target)


def _entries(folder: Path) -> list[Any]:
    """Entries that hold for a delivery folder so far: its own or its feed's."""
    written = delivery_file_of(folder)
    if written is None:
        return []
    content = read_yaml(written, f"delivery of {written.parent.name}").content
    return content["deliveries"] if isinstance(content, dict) and "deliveries" in content else [content]


def _temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _lock(feed_folder: Path, name: str) -> Iterator[None]:
    """One pull of an extract at a time; the lock ends with the process."""
    with (feed_folder / f".{name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExtractError(f"extract {name}: another pull of it is at work; wait until it has ended.") from None
        yield
