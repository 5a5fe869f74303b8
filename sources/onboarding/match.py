"""Which delivered column a contract column may be: by its name, by terms of the field, by the contract's words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field
from rapidfuzz import fuzz

from sources.contract import Column
from sources.yaml_model import YamlModel, parse_model, read_yaml

TERMS_FILE = Path(__file__).with_name("terms.yaml")
SURE, POSSIBLE = 88, 70

_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
# Shorter names are like each other by chance, those of SAP above all; Chinese ones say more in fewer characters.
_FUZZY_LETTERS = 6


class Terms(YamlModel):
    """Names of contract columns, of the two sides of an amount, and of values, as deliverers write them.

    A column may stand with its feed, as ``bank.balance.amount``, for names that it has there alone.
    """

    columns: dict[str, tuple[str, ...]]
    sides: dict[str, tuple[str, ...]]
    values: dict[str, tuple[str | int, ...]]
    units: dict[str, int] = Field(min_length=1)


@dataclass(frozen=True)
class Candidate:
    """A delivered column that may be a contract column: how sure it is, from 0 to 100, and why."""

    delivered: str
    score: float
    why: str


@cache
def terms() -> Terms:
    """The terms of the field."""
    return parse_model(Terms, read_yaml(TERMS_FILE, "terms"))


def plain(name: str) -> str:
    """A name without case, accents, blanks, punctuation and what stands in brackets."""
    return _whole(_BRACKETS.sub("", unicodedata.normalize("NFKC", name)))


def _whole(name: str) -> str:
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(character for character in text if character.isalnum())


def candidates(column: Column, delivered: Iterable[str], feed: str) -> list[Candidate]:
    """Delivered columns that may be ``column`` of a feed, the likeliest first; none below POSSIBLE."""
    names = terms().columns
    usual = (*names.get(column.name, ()), *names.get(f"{feed}.{column.name}", ()))
    known = {plain(term): term for term in reversed(usual)}
    found = [_candidate(column, known, name) for name in delivered if plain(name)]
    return sorted((one for one in found if one.score >= POSSIBLE), key=lambda one: -one.score)


def side(kind: str, delivered: Iterable[str]) -> str | None:
    """The delivered column of the ``credit`` or ``debit`` side of an amount."""
    names = [*delivered]
    for term in terms().sides[kind]:
        # 记账金额(收入): what stands in brackets may tell the sides apart
        same = plain if plain(term) == _whole(term) else _whole
        if found := next((name for name in names if same(name) == same(term)), None):
            return found
    return None


def unit_of(name: str) -> str | None:
    """What stands in the brackets of a column's name."""
    found = _BRACKETS.search(name)
    return found[0][1:-1].strip() or None if found else None


def codes_for(values: Iterable[str], allowed: Iterable[str]) -> dict[str, str | None]:
    """For each delivered value the allowed one that it stands for; None where no term says so."""
    wanted = [*allowed]
    meanings: dict[str, str] = {}
    for meaning in reversed(wanted):
        meanings |= {str(word).strip().casefold(): meaning for word in terms().values.get(meaning, ())}
        meanings[meaning.casefold()] = meaning
    return {value: meanings.get(value.strip().casefold()) for value in values}


def _candidate(column: Column, known: dict[str, str], name: str) -> Candidate:
    own = plain(name)
    if own == plain(column.name):
        return Candidate(name, 100, "the contract's own name")
    if own in known:
        # earlier terms of a list are the more usual ones
        place = [*reversed(known)].index(own)
        return Candidate(name, 99 - min(place, 9) / 10, f"the term {known[own]}")
    if own == plain(column.description):
        return Candidate(name, 95, "the contract's words for it")
    if own.isascii() and len(own) < _FUZZY_LETTERS:
        return Candidate(name, 0, "")
    likeness, term = max(
        ((_likeness(own, other), shown) for other, shown in {**known, plain(column.name): column.name}.items()),
    )
    return Candidate(name, 0.95 * likeness, f"like {term}")


def _likeness(name: str, term: str) -> float:
    if term.isascii() and len(term) < _FUZZY_LETTERS:
        return 0.0
    # part of a longer name: 本方账号 and 账号, Rechnungsdatum and Datum
    contained = 85.0 if term in name or name in term else 0.0
    return max(fuzz.ratio(name, term), contained)
