"""What is said of delivered content is one line that can be printed, whatever the content holds."""

from __future__ import annotations

import unicodedata

# Line breaks, control signs, and those that turn writing around or cannot be seen.
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_CHARACTERS = 300
_IN_ITS_PLACE = "\N{REPLACEMENT CHARACTER}"
_PATTERN = "[" + "".join(rf"\p{{{category}}}" for category in _UNPRINTABLE if category != "Cs") + "]"


def in_one_line(text: str) -> str:
    """The text with a sign in place of each character that cannot be printed."""
    if text.isprintable():
        return text
    return "".join(_IN_ITS_PLACE if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


def shortened(text: str) -> str:
    """The beginning of a text of others, such as an error of a library that quotes what it read."""
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"


def in_one_line_sql(text: str) -> str:
    """The same of a SQL text."""
    return f"regexp_replace({text}, '{_PATTERN}', '{_IN_ITS_PLACE}', 'g')"
