"""Hostile JSON Lines: lines without an end, depth, numbers of any length, NUL, other encodings."""

from __future__ import annotations

from tests.sources.hostile.case import MB, RATES, Hostile, Repeated, holding, parts

_RATE = b'{"base_currency": "EUR", "quote_currency": "USD", "rate_date": "2026-03-02", "rate": %b}\n'
_SOUND = _RATE % b"1.08"
_BEFORE, _AFTER = _RATE.split(b"%b")

_NAMES = b"{" + b",".join(b'"c%d":1' % i for i in range(60_000)) + b"}\n"


def _beside(name: str, said: str, *pieces: bytes | Repeated) -> Hostile:
    """One hostile line beside a sound one."""
    return Hostile(f"{name}.jsonl", RATES, parts(_SOUND, *pieces, b"\n"), said, 1, 1)


JSON_LINES = (
    _beside("line", "line is longer than", _BEFORE, b'"', Repeated(b"x", 100 * MB), b'"}'),
    _beside("deep", "nested too deeply", _BEFORE, b"[" * 500_000, b"]" * 400_000, b"}"),
    _beside("deep-objects", "nested too deeply", _BEFORE, b'{"a":' * 100_000, b"1", b"}" * 100_001),
    _beside("digits", "is no decimal", _BEFORE, b"9" * 500_000, b"}"),
    _beside("exponent", "too large or small", _BEFORE, b"1e999999999}"),
    _beside("infinity", "no JSON number", _BEFORE, b"Infinity}"),
    _beside("nul", "NUL", _BEFORE, b"1\0}"),
    _beside("nul-escape", "NUL", b'{"base_currency": "E\\u0000R", "quote_currency": "USD", "rate_date": "2026-03-02"}'),
    _beside(
        "surrogate",
        "half of a character",
        b'{"base_currency": "\\ud800", "quote_currency": "USD", "rate_date": "2026-03-02"}',
    ),
    _beside("twice", "more than once", b'{"base_currency": "EUR", ' + _SOUND[1:-1]),
    _beside("latin", "not utf-8", _BEFORE, b'"\xe9"}'),
    Hostile("one-line.jsonl", RATES, parts(Repeated(b"[", 100 * MB)), "one JSON array"),
    Hostile("array.json", RATES, holding(b"[" + _SOUND[:-1] + b"]"), "array"),
    Hostile("utf-16.jsonl", RATES, holding(_SOUND.decode().encode("utf-16")), "not utf-8", 0, 2),
    Hostile(
        "names.jsonl",
        RATES,
        holding(_NAMES),
        "lacks the required columns",
    ),
)
