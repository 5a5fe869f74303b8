"""How people type a firm's name: forms that mean the registered name, and slips that make it harder to know again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEGAL_FORM = "有限公司"

_TRADITIONAL = str.maketrans(
    "华诚鼎凯达锐启东远兴丰润泽铭辉腾业顺荣强汇盛宾筑钢铁资机械设备气电胶制运输术务广陕辽苏湖龙",
    "華誠鼎凱達銳啟東遠興豐潤澤銘輝騰業順榮強匯盛賓築鋼鐵資機械設備氣電膠製運輸術務廣陝遼蘇湖龍",
)
_CHARACTERS = (
    "恒瑞泰华信诚宏盛嘉利金鼎安隆博远凯达中科新锐天启东方正通汇德建源兴丰茂润泽铭辉腾翔宇卓凡川海立伟业成康顺和昌富强荣"
)
_SYLLABLES = """
    heng rui tai hua xin cheng hong sheng jia li jin ding an long bo yuan kai da zhong ke xin rui tian qi dong fang
    zheng tong hui de jian yuan xing feng mao run ze ming hui teng xiang yu zhuo fan chuan hai li wei ye cheng kang shun
    he chang fu qiang rong
"""
_PINYIN = dict(zip(_CHARACTERS, _SYLLABLES.split(), strict=True))
_ENGLISH = {
    "建筑工程": "Construction Engineering",
    "钢铁物资": "Steel Materials",
    "建材": "Building Materials",
    "机械设备": "Machinery",
    "电气": "Electric",
    "电子科技": "Electronic Technology",
    "化工": "Chemical",
    "塑胶制品": "Plastics",
    "物流运输": "Logistics",
    "技术服务": "Technical Services",
    "北京": "Beijing",
    "上海": "Shanghai",
    "江苏": "Jiangsu",
    "浙江": "Zhejiang",
    "广东": "Guangdong",
    "山东": "Shandong",
    "湖北": "Hubei",
    "四川": "Sichuan",
    "湖南": "Hunan",
    "陕西": "Shaanxi",
    "辽宁": "Liaoning",
    "安徽": "Anhui",
}
_SLIPS = "建健恒桓瑞端泰秦华毕信言诚城宏弘盛成嘉佳利俐金全鼎项安按隆龙"
_OTHER_FIRST, _OTHER_SECOND = "永九万大长同", "祥吉庆春裕亨"


@dataclass(frozen=True)
class NameParts:
    """A registered name: ``{region}{trade}{business}有限公司``."""

    region: str
    trade: str
    business: str

    @classmethod
    def of(cls, name: str, region: str, business: str) -> NameParts:
        """Parts of a supplier's registered name."""
        return cls(region, name[len(region) : -len(business) - len(LEGAL_FORM)], business)

    @property
    def registered(self) -> str:
        """The name as the register has it."""
        return f"{self.region}{self.trade}{self.business}{LEGAL_FORM}"

    def renamed(self, rng: np.random.Generator) -> NameParts:
        """The firm under a trade name that none of the portfolio has."""
        return NameParts(self.region, _drawn(rng, _OTHER_FIRST) + _drawn(rng, _OTHER_SECOND), self.business)

    def moved(self, rng: np.random.Generator) -> NameParts:
        """A namesake in another region."""
        others = [place for place in _REGIONS if place != self.region]
        return NameParts(others[int(rng.integers(len(others)))], self.trade, self.business)

    def neighbour(self, rng: np.random.Generator) -> NameParts:
        """A firm whose trade name differs in its last character."""
        return NameParts(self.region, self.trade[:-1] + _drawn(rng, _OTHER_SECOND), self.business)


_REGIONS = tuple(name for name in _ENGLISH if name not in ("建材", "电气", "化工") and len(name) == 2)


def _drawn(rng: np.random.Generator, characters: str) -> str:
    return characters[int(rng.integers(len(characters)))]


def _with_blank(name: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(2, len(name) - 2))
    return f"{name[:place]}　{name[place:]} "


def _with_slip(parts: NameParts, rng: np.random.Generator) -> str:
    """One wrong character in trade name or line of business."""
    text = parts.trade + parts.business
    place = int(rng.integers(len(text)))
    wrong = _drawn(rng, _SLIPS.replace(text[place], ""))
    return f"{parts.region}{text[:place]}{wrong}{text[place + 1 :]}{LEGAL_FORM}"


def _in_english(parts: NameParts) -> str:
    trade = "".join(_PINYIN[character] for character in parts.trade).capitalize()
    return f"{_ENGLISH[parts.region]} {trade} {_ENGLISH[parts.business]} Co. Ltd"


_WAYS: dict[str, Callable[[NameParts, np.random.Generator], str]] = {
    "AS_REGISTERED": lambda parts, rng: parts.registered,
    "NO_LEGAL_FORM": lambda parts, rng: parts.registered.removesuffix(LEGAL_FORM),
    "OTHER_LEGAL_FORM": lambda parts, rng: parts.registered.removesuffix(LEGAL_FORM) + "有限责任公司",
    "REGION_IN_BRACKETS": lambda parts, rng: f"{parts.trade}（{parts.region}）{parts.business}{LEGAL_FORM}",
    "BLANKS": lambda parts, rng: _with_blank(parts.registered, rng),
    "TRADITIONAL": lambda parts, rng: parts.registered.translate(_TRADITIONAL),
    "SWAPPED": lambda parts, rng: f"{parts.region}{parts.business}{parts.trade}{LEGAL_FORM}",
    "NO_REGION": lambda parts, rng: f"{parts.trade}{parts.business}{LEGAL_FORM}",
    "SHORT": lambda parts, rng: f"{parts.region}{parts.trade}",
    "SLIP": _with_slip,
    "OLD_NAME": lambda parts, rng: parts.renamed(rng).registered,
    "ENGLISH": lambda parts, rng: _in_english(parts),
}

# Shares of the ways in which names are typed where no number stands beside them.
BY_HAND = {
    "AS_REGISTERED": 0.30,
    "NO_LEGAL_FORM": 0.20,
    "OTHER_LEGAL_FORM": 0.08,
    "REGION_IN_BRACKETS": 0.10,
    "BLANKS": 0.08,
    "TRADITIONAL": 0.05,
    "SWAPPED": 0.03,
    "NO_REGION": 0.05,
    "SHORT": 0.03,
    "SLIP": 0.05,
    "OLD_NAME": 0.015,
    "ENGLISH": 0.015,
}
BY_BANKS = {
    "AS_REGISTERED": 0.60,
    "NO_LEGAL_FORM": 0.12,
    "REGION_IN_BRACKETS": 0.12,
    "BLANKS": 0.10,
    "TRADITIONAL": 0.06,
}


def typed(way: str, parts: NameParts, rng: np.random.Generator) -> str:
    """The name as someone typed it; ``way`` is one of the ways in `BY_HAND`."""
    return _WAYS[way](parts, rng)
