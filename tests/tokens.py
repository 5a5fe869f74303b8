"""The token of one personal value, as the standard library makes it: what the engine's is compared with."""

from __future__ import annotations

import hmac

from pipelines.mask import Mask


def token(mask: Mask, value: str) -> str:
    """32 hex digits: the first half of the value's HMAC-SHA-256 (RFC 2104)."""
    return hmac.digest(mask.key, value.encode(), "sha256").hex()[:32]
