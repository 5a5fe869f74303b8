"""A company's name, taken apart: what remains of it when spelling, legal form and region are out of the way.

The tables of legal forms, regions and traditional characters are data (``tables/``). A Chinese name is region, trade
name, line of business, legal form, typed in many ways: ``恒建（北京）建筑工程有限责任公司``. A Latin one is words and a
legal form: ``Müller Maschinenbau G.m.b.H. & Co. KG``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pyarrow as pa
import yaml

Script = Literal["HAN", "LATIN", "OTHER"]

MAX_NAME_LENGTH = 300
"""Characters of a name that are looked at; no register has a longer one."""

_TABLES = Path(__file__).parent / "tables"
_HAN = re.compile(r"[㐀-䶿一-鿿]")
_BRACKETED = re.compile(r"[(\[{<【〔《「]([^()\[\]{}<>【】〔〕《》「」]*)[)\]}>】〕》」]")
_NOT_WORD = re.compile(r"[\W_]+")
_ADMINISTRATIVE = "(?:特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)?"
_CONNECTORS = frozenset({"and", "und", "et", "e", "y", "en", "i", "och", "og", "the"})
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "a", "œ": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_UMLAUT_IN_TWO = re.compile(r"([aou])e")
_SHORTEST_CORE = 2


@dataclass(frozen=True)
class CompanyName:
    """A name in parts. ``core`` is what tells firms apart and is never empty unless the name is.

    ``region`` and ``province`` are Chinese places without 省 and 市, both empty where the name has none.
    ``legal_class`` is a class of ``legal_forms.yaml``, empty where the name has no form or one that says nothing;
    ``has_legal_form`` is false for short forms such as people type.
    """

    core: str
    script: Script
    region: str
    province: str
    legal_class: str
    has_legal_form: bool

    @property
    def shuffled(self) -> str:
        """The core's characters (words, in Latin script) in alphabetical order: equal for swapped words."""
        return " ".join(sorted(self.core.split())) if self.script != "HAN" else "".join(sorted(self.core))


@dataclass(frozen=True)
class _Forms:
    han: tuple[tuple[str, str], ...]
    words: dict[tuple[str, ...], str]
    words_before: frozenset[str]
    longest: int


@dataclass(frozen=True)
class _Regions:
    province_of: dict[str, str]
    leading: re.Pattern[str]
    inside: re.Pattern[str]


def read_company_name(name: str) -> CompanyName:
    """Take a name apart; any text is a name, the empty one included."""
    text = unicodedata.normalize("NFKC", name[:MAX_NAME_LENGTH]).casefold().translate(_simplified())
    return _read_han(text) if _HAN.search(text) else _read_words(text)


def company_name_columns(names: Iterable[str]) -> pa.Table:
    """One row per distinct name, with its parts as columns beside ``name``."""
    distinct = sorted(set(names))
    parts = [read_company_name(name) for name in distinct]
    columns = {
        "name": pa.array(distinct, pa.string()),
        "has_legal_form": pa.array([part.has_legal_form for part in parts], pa.bool_()),
    }
    for column in ("core", "shuffled", "script", "region", "province", "legal_class"):
        columns[column] = pa.array([getattr(part, column) for part in parts], pa.string())
    return pa.table(columns)


def _read_han(text: str) -> CompanyName:
    regions, region, legal_class, has_form = _regions(), "", "", False
    kept = []
    rest = 0
    for bracket in _BRACKETED.finditer(text):
        inner = _NOT_WORD.sub("", bracket[1])
        found = regions.leading.fullmatch(inner)
        form = _form_of_han(inner)
        if found and not region:
            region = _place(found)
            inner = ""
        elif form is not None and form[0] == "":
            legal_class, has_form, inner = form[1], True, ""
        kept += [text[rest : bracket.start()], inner]
        rest = bracket.end()
    core = _NOT_WORD.sub("", "".join([*kept, text[rest:]]))
    taken = _form_of_han(core)
    while taken is not None and taken[0]:
        core, has_form = taken[0], True
        legal_class = legal_class or taken[1]
        taken = _form_of_han(core)
    leading = regions.leading.match(core)
    if leading and len(core) - leading.end() >= _SHORTEST_CORE:
        region = region or _place(leading)
        core = core[leading.end() :]
    elif not region and (inside := regions.inside.search(core, _SHORTEST_CORE, len(core) - _SHORTEST_CORE)):
        region = inside["place"]
        core = core[: inside.start()] + core[inside.end() :]
    province = regions.province_of.get(region, "")
    return CompanyName(core, _script(core), region, province, legal_class, has_form)


def _place(found: re.Match[str]) -> str:
    """The narrowest place of a match: the city where it names one."""
    return found["city"] or found["alone"] or found["place"]


def _form_of_han(text: str) -> tuple[str, str] | None:
    """What stands before the legal form at the end of a text, and the form's class; None where it ends in none."""
    for form, legal_class in _forms().han:
        if text.endswith(form):
            return text[: -len(form)], legal_class
    return None


def _read_words(text: str) -> CompanyName:
    folded = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    folded = folded.translate(_LETTERS).replace("'", "").replace("’", "")
    words = _joined_letters([word for word in _NOT_WORD.split(folded) if word])
    words, legal_class, has_form = _without_forms([word for word in words if word not in _CONNECTORS] or words)
    core = " ".join(_UMLAUT_IN_TWO.sub(r"\1", word) for word in words)
    return CompanyName(core, _script(core), "", "", legal_class, has_form)


def _script(core: str) -> Script:
    """Names are compared within one script; what has no letter at all goes with the Latin ones."""
    if _HAN.search(core):
        return "HAN"
    return "LATIN" if re.search("[a-z]", core) or not re.search(r"[^\W\d]", core) else "OTHER"


def _joined_letters(words: list[str]) -> list[str]:
    """Letters that stand alone make one word with their neighbours: ``s p a`` is ``spa``."""
    joined: list[str] = []
    is_open = False
    for word in words:
        is_letter = len(word) == 1 and word.isalpha()
        if is_letter and is_open:
            joined[-1] += word
        else:
            joined.append(word)
        is_open = is_letter
    return joined


def _without_forms(words: list[str]) -> tuple[list[str], str, bool]:
    """The words without legal forms at their end (or before them), the class of the last one, whether there was one."""
    forms, legal_class, has_form = _forms(), "", False
    shrinking = True
    while shrinking:
        shrinking = False
        for length in range(min(forms.longest, len(words) - 1), 0, -1):
            found = forms.words.get(tuple(words[-length:]))
            if found is not None:
                words, has_form, shrinking = words[:-length], True, True
                legal_class = legal_class or found
                break
    if len(words) > 1 and not has_form and words[0] in forms.words_before:
        legal_class, has_form = forms.words.get((words[0],), ""), True
        words = words[1:]
    return words, legal_class, has_form


@cache
def _forms() -> _Forms:
    document = yaml.safe_load((_TABLES / "legal_forms.yaml").read_text(encoding="utf-8"))
    han = [(form, _class(name)) for name, forms in document["han"].items() for form in forms]
    words = {tuple(form.split()): _class(name) for name, forms in document["words"].items() for form in forms}
    return _Forms(
        han=tuple(sorted(han, key=lambda item: -len(item[0]))),
        words=words,
        words_before=frozenset(document["words_before"]),
        longest=max(len(form) for form in words),
    )


def _class(name: str) -> str:
    return "" if name == "none" else name


@cache
def _regions() -> _Regions:
    document = yaml.safe_load((_TABLES / "regions.yaml").read_text(encoding="utf-8"))
    province_of = {place: province for province, cities in document.items() for place in (province, *cities)}
    cities = "|".join(sorted((c for found in document.values() for c in found), key=len, reverse=True))
    provinces = "|".join(sorted(document, key=len, reverse=True))
    return _Regions(
        province_of=province_of,
        leading=re.compile(
            f"(?:(?P<place>{provinces}){_ADMINISTRATIVE}(?:(?P<city>{cities})市?)?|(?P<alone>{cities})市?)"
        ),
        inside=re.compile(f"(?P<place>{provinces})(?:省|市)?"),
    )


@cache
def _simplified() -> dict[int, str]:
    lines = (_TABLES / "simplified_characters.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if not line.startswith("#"))
    return {ord(traditional): simplified for simplified, characters in pairs for traditional in characters}
