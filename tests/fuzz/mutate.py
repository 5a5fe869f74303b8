"""Mutations of valid files: of their bytes, lines, tags, numbers, dates, line ends and encodings.

Every choice is an integer of a `Choose`, so that the same code serves pseudo-random numbers and property tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Choose = Callable[[int], int]
"""A number from 0 up to, and without, the given one."""

_SPAN = 200
_TAG = re.compile(rb"</?[A-Za-z][^<>]{0,200}>")
_NUMBER = re.compile(rb"\d+(?:[.,]\d+)?")
_DATE = re.compile(rb"\d{4}-\d\d-\d\d|\b\d{6}\b|\b\d{8}\b")
_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "gb18030", "utf-8-sig", "cp037")
_LINE_ENDS = (b"\r\n", b"\r", b"\n\r", b"\n\n", b"\x0b", b"\x85", "\u2028".encode(), b"")
_NUMBERS = (
    b"0", b"-0", b"-1", b"+1", b"1e9", b"1E-400", b"1e999999999", b"9" * 30, b"9" * 400, b"0" * 40 + b"1",
    b"0." + b"3" * 60, b"1,5", b"1.234,56", b"1,234.56", b"1'234.56", b"1 000", b".5", b"5.", b",", b"-", b"0x1F",
    b"NaN", b"Infinity", b"-inf", "１２".encode(), "٣".encode(), "½".encode(), b"18446744073709551616",
    b"170141183460469231731687303715884105728", b"",
)  # fmt: skip
_DATES = (
    b"0000-00-00", b"2026-02-30", b"2026-13-01", b"9999-12-31", b"10000-01-01", b"-0001-01-01", b"1582-10-10",
    b"20260230", b"00000000", b"260230", b"000000", b"999999", b"2026-3-2", b"2026-03-02T25:61:61Z",
    b"2026-03-02+99:00", b"infinity", b"epoch", b"2026-03-02 (BC)", b"02.03.2026", b"today", b"",
)  # fmt: skip
_PIECES = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\x1a", b"\x1b[2J", b"\x7f", b"\t",
    b"\r", b"\n", b"\n\n", b'"', b'""', b'"\n', b"'", b"\\", b",", b";", b"|", b"=1+1", b"{", b"}", b"[", b"]",
    b"[[[[", b"<", b">", b"</", b"/>", b"&", b"&amp;", b"&#0;", b"&#x110000;", b"&lt;", b"&x;", b"<!--", b"-->",
    b"<![CDATA[", b"]]>", b"<?x?>", b"<!DOCTYPE a>", b"<?xml version='1.1'?>", b" xmlns=''", b" xmlns:a='b'",
    b"<a>" * 300, b"\n:61:", b"\n:86:", b"\n:62F:", b"\n:20:", b"\n:25:", b"\n-\n", b"-}", b"{1:", b"?20", b"//",
    b"/\n", b"\n88,", b"\n16,", b"\n49,", b"\n03,", b"\n99,", b",,,,", b"Z", b"null", b"true", b"\\u0000", b"\\ud800",
    "\u202e".encode(), "\u200b".encode(), "\U0001f600".encode(), "é".encode(), "中".encode(), b"x" * 5_000, b" " * 300,
)  # fmt: skip


def mutated(seeds: Sequence[bytes], choose: Choose) -> bytes:
    """A seed after one to six mutations, of half of the files of such that mostly leave it readable."""
    content = seeds[choose(len(seeds))]
    mutations = _MUTATIONS if choose(2) else _MILD
    for _ in range(1 + choose(6)):
        content = mutations[choose(len(mutations))](content, seeds, choose)
    return content


def _place(content: bytes, choose: Choose) -> int:
    return choose(len(content) + 1)


def _span(content: bytes, choose: Choose) -> tuple[int, int]:
    start = _place(content, choose)
    return start, min(len(content), start + 1 + choose(_SPAN))


def _flip(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    if not content:
        return content
    at = choose(len(content))
    return content[:at] + bytes([content[at] ^ 1 << choose(8)]) + content[at + 1 :]


def _byte(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    at = _place(content, choose)
    return content[:at] + bytes([choose(256)]) + content[at + 1 :]


def _delete(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    start, end = _span(content, choose)
    return content[:start] + content[end:]


def _repeat(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    start, end = _span(content, choose)
    return content[:end] + content[start:end] * (1 + choose(20)) + content[end:]


def _truncate(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    return content[: _place(content, choose)]


def _splice(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    other = seeds[choose(len(seeds))]
    return content[: _place(content, choose)] + other[_place(other, choose) :]


def _insert(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    at = _place(content, choose)
    return content[:at] + _PIECES[choose(len(_PIECES))] + content[at:]


def _replaced(pattern: re.Pattern[bytes], values: Sequence[bytes]) -> Callable[[bytes, Sequence[bytes], Choose], bytes]:
    def mutation(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
        found = list(pattern.finditer(content))
        if not found:
            return content
        match = found[choose(len(found))]
        return content[: match.start()] + values[choose(len(values))] + content[match.end() :]

    return mutation


def _tags(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    """Two tags in each other's place, or one in the place of both."""
    found = [match.span() for match in _TAG.finditer(content)]
    if len(found) < 2:
        return content
    (a, b), (c, d) = sorted((found[choose(len(found))], found[choose(len(found))]))
    if b > c:
        return content[:a] + content[b:]
    return content[:a] + content[c:d] + content[b:c] + (content[a:b] if choose(2) else b"") + content[d:]


def _element(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    """An element from its tag to the next end of its name, left out or doubled."""
    found = [match for match in _TAG.finditer(content) if not match[0].startswith(b"</")]
    if not found:
        return content
    match = found[choose(len(found))]
    name = re.split(rb"[\s/>]", match[0][1:], maxsplit=1)[0]
    end = content.find(b"</" + name + b">", match.end())
    if end < 0:
        return content
    end += len(name) + 3
    return content[: match.start()] + content[match.start() : end] * (choose(2) * 2) + content[end:]


def _lines(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    """A line left out, doubled, or in another's place."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    line, at = lines.pop(choose(len(lines))), choose(len(lines) + 1)
    return b"".join([*lines[:at], *([line] * choose(3)), *lines[at:]])


def _line_ends(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    end, parts = _LINE_ENDS[choose(len(_LINE_ENDS))], re.split(rb"\r\n|\n", content)
    if choose(2) or len(parts) < 2:
        return end.join(parts)
    at = 1 + choose(len(parts) - 1)
    return b"\n".join(parts[:at]) + end + b"\n".join(parts[at:])


def _encoding(content: bytes, seeds: Sequence[bytes], choose: Choose) -> bytes:
    encoding = _ENCODINGS[choose(len(_ENCODINGS))]
    return content.decode("utf-8", "replace").encode(encoding, "replace")


_MILD = (_replaced(_NUMBER, _NUMBERS), _replaced(_DATE, _DATES), _element, _lines)
_MUTATIONS = (
    *_MILD,
    _flip,
    _byte,
    _delete,
    _repeat,
    _truncate,
    _splice,
    _insert,
    _insert,
    _tags,
    _line_ends,
    _encoding,
)
