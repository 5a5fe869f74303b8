"""Tokens for personal identifiers: what leaves the platform of a personal column is a keyed hash of its value.

The same value has the same token in every column and on every night, so tables still join, and nobody without the key
can try values until one fits. The key is a secret of the home; it is neither logged nor published.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.settings import Settings
from sources.contract import load_contracts

_TOKEN_BYTES = 16
_SHORTEST_KEY_BYTES = 16
_BLOCK_BYTES = 64
# The token of a column `value`, by the engine and therefore by all its threads: the first half of its HMAC-SHA-256.
TOKEN_SQL = f"left(sha256(?::blob || unhex(sha256(?::blob || encode(value)))), {2 * _TOKEN_BYTES})"


class MaskError(Exception):
    """There is no usable key; the message says why and what to do, and nothing of the key."""


@dataclass(frozen=True)
class Mask:
    """The key of all tokens of a home."""

    key: bytes = field(repr=False)

    @property
    def pads(self) -> tuple[bytes, bytes]:
        """The parameters of `TOKEN_SQL`, as secret as the key: its outer and inner pad (RFC 2104)."""
        key = hashlib.sha256(self.key).digest() if len(self.key) > _BLOCK_BYTES else self.key
        filled = key.ljust(_BLOCK_BYTES, b"\0")
        return bytes(byte ^ 0x5C for byte in filled), bytes(byte ^ 0x36 for byte in filled)


def personal_columns() -> frozenset[str]:
    """Names of the columns that a contract classifies as personal."""
    return frozenset(name for contract in load_contracts().values() for name in contract.personal_columns)


def masked_columns() -> frozenset[str]:
    """Names of the columns of which only tokens leave: personal ones, and what makes an invoice comparable.

    A bank that has the same key finds an invoice that was financed elsewhere by the token; without it nobody can guess.
    """
    return personal_columns() | {"invoice_fingerprint"}


def mask_of(settings: Settings) -> Mask:
    """The mask of a home: by ``ANCHORWATCH_MASK_KEY``, the file ``ANCHORWATCH_MASK_KEY_FILE``, or the home's own key.

    The home's own is made the first time, readable by its owner alone.

    Raises:
        MaskError: a key is too short, cannot be read or can be read by others.
    """
    if settings.mask_key is not None:
        return _mask(settings.mask_key.get_secret_value().encode(), "ANCHORWATCH_MASK_KEY")
    if settings.mask_key_file is not None:
        return _mask(_read(settings.mask_key_file), str(settings.mask_key_file))
    path = settings.own_mask_key
    if not path.exists():
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise MaskError(f"Others may read the mask key {path}; `chmod 600` it.")
    return _mask(_read(path), str(path))


def _mask(key: bytes, place: str) -> Mask:
    if len(key) < _SHORTEST_KEY_BYTES:
        raise MaskError(f"The mask key of {place} has fewer than {_SHORTEST_KEY_BYTES} characters; make a longer one.")
    return Mask(key)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise MaskError(
            f"The mask key {path} cannot be read ({error.strerror}); correct its place or rights."
        ) from error


def _make(path: Path) -> None:
    """A new key, under its name only when it is whole: a key cut short would mask with what anybody can guess."""
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(secrets.token_hex(32) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(path)
