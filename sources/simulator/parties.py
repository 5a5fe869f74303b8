"""Who there is: core enterprises, suppliers in tiers, outside firms, banks, with names, numbers and accounts.

A party's attributes are arrays with one entry a firm; parameters that the economy multiplies with its state have a
trailing axis of length 1, because the state's last axis counts the runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from stdnum.cn import uscc

from sources.simulator.streams import Stream, Streams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Strings = NDArray[np.str_]

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Sector:
    """One line of business. Shares are of net sales."""

    code: str
    suffix: str
    vat_rate: float
    goods_code: str
    material_group: str
    unit: str
    is_building: bool
    steel_share: float
    cement_share: float
    wage_share: float


SECTORS = (
    Sector("E47_SUBCONTRACT", "建筑工程", 0.09, "3050100000000000000", "SUBCONTRACT", "JOB", True, 0.10, 0.08, 0.26),
    Sector("C31_STEEL", "钢铁物资", 0.13, "1080207000000000000", "STEEL", "T", True, 0.60, 0.00, 0.06),
    Sector("C30_CEMENT", "建材", 0.13, "1080101000000000000", "CONCRETE", "M3", True, 0.05, 0.42, 0.09),
    Sector("C35_MACHINERY", "机械设备", 0.13, "1090101000000000000", "MACHINERY", "PC", False, 0.25, 0.00, 0.17),
    Sector("C38_ELECTRICAL", "电气", 0.13, "1090400000000000000", "ELECTRICAL", "PC", False, 0.12, 0.00, 0.15),
    Sector("C39_ELECTRONICS", "电子科技", 0.13, "1090500000000000000", "ELECTRONICS", "PC", False, 0.03, 0.00, 0.18),
    Sector("C26_CHEMICAL", "化工", 0.13, "1070200000000000000", "CHEMICAL", "T", False, 0.02, 0.00, 0.11),
    Sector("C29_PLASTIC", "塑胶制品", 0.13, "1070600000000000000", "PLASTIC", "PC", False, 0.03, 0.00, 0.16),
    Sector("G54_LOGISTICS", "物流运输", 0.09, "3010200000000000000", "TRANSPORT", "JOB", False, 0.00, 0.00, 0.24),
    Sector("L72_SERVICES", "技术服务", 0.06, "3040100000000000000", "SERVICE", "JOB", False, 0.00, 0.00, 0.34),
)
REGIONS = (
    ("CN-BJ", "北京", "110000"),
    ("CN-SH", "上海", "310000"),
    ("CN-JS", "江苏", "320000"),
    ("CN-ZJ", "浙江", "330000"),
    ("CN-GD", "广东", "440000"),
    ("CN-SD", "山东", "370000"),
    ("CN-HB", "湖北", "420000"),
    ("CN-SC", "四川", "510000"),
    ("CN-HN", "湖南", "430000"),
    ("CN-SN", "陕西", "610000"),
    ("CN-LN", "辽宁", "210000"),
    ("CN-AH", "安徽", "340000"),
)
BANKS = (("BK01", "华安银行"), ("BK02", "江海银行"), ("BK03", "中州银行"))
SIZE_CLASSES = ("MICRO", "SMALL", "MEDIUM", "LARGE")
_CORE_SECTORS = (0, 3, 5, 4, 6, 8)
_CORE_SUFFIX = ("建设集团", "装备集团", "电子集团", "电力集团", "石化集团", "物流集团")
_NAME_FIRST = "恒瑞泰华信诚宏盛嘉利金鼎安隆博远凯达中科新锐天启东方正通汇德"
_NAME_SECOND = "建达源兴丰茂润泽铭辉腾翔宇卓凡川海博立伟业成康顺和昌富强荣"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建文"
_REVENUE_MEDIAN = np.array([4.0e6, 1.6e7, 6.0e7, 2.0e8])


@dataclass(frozen=True)
class Firms:
    """Identity of a group of firms, one entry a firm."""

    ids: Strings
    names: Strings
    numbers: Strings
    accounts: Strings
    bank: Ints
    sector: Ints
    region: Ints

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Parties:
    """Every firm of the portfolio.

    ``tier`` (S,), ``size_class`` (S,), ``revenue`` (S,) annual net sales in CNY at the mean of the cycle; ``quality``
    (S,) standard normal trait of management: margins, buffers and payment habits lean on it.
    """

    cores: Firms
    suppliers: Firms
    customers: Firms
    vendors: Firms
    tier: Ints
    size_class: Ints
    revenue: Floats
    quality: Floats
    has_bank: NDArray[np.bool_]
    has_tax: NDArray[np.bool_]
    registered_day: Ints
    core_registered_day: Ints
    onboarded_day: Ints
    headcount: Ints
    registered_capital: Floats
    paid_in_capital: Floats
    legal_representative: Strings
    phone: Strings
    address: Strings


def make_parties(streams: Streams, scale: float) -> Parties:
    """Draw the parties of a portfolio; ``scale`` 1 is 40 core enterprises and 2,000 suppliers."""
    rng = streams.on(Stream.PARTIES)
    core_count = max(4, round(40 * scale))
    supplier_count = max(40, round(2000 * scale))
    outside_count = max(60, round(1500 * scale))
    taken: set[str] = set()
    core_kind = np.arange(core_count) % len(_CORE_SECTORS)
    core_kind[1:] = np.where(rng.random(core_count - 1) < 0.25, 0, core_kind[1:])
    cores = _firms(rng, "CE{:03d}", core_count, np.array(_CORE_SECTORS)[core_kind], taken, core_kind)
    tier = np.sort(rng.permutation(_tiers(supplier_count)))
    size_class = np.where(
        tier == 1,
        rng.choice(4, supplier_count, p=[0.10, 0.45, 0.35, 0.10]),
        np.where(
            tier == 2,
            rng.choice(3, supplier_count, p=[0.30, 0.50, 0.20]),
            rng.choice(2, supplier_count, p=[0.65, 0.35]),
        ),
    )
    sector = rng.choice(len(SECTORS), supplier_count, p=[0.16, 0.11, 0.13, 0.12, 0.1, 0.1, 0.08, 0.08, 0.06, 0.06])
    suppliers = _firms(rng, "S{:06d}", supplier_count, sector, taken)
    customers = _firms(rng, "OC{:06d}", outside_count, rng.integers(0, len(SECTORS), outside_count), taken)
    vendors = _firms(rng, "OV{:06d}", outside_count, rng.integers(0, len(SECTORS), outside_count), taken)
    revenue = _REVENUE_MEDIAN[size_class] * np.exp(rng.normal(0, 0.45, supplier_count))
    age_years = 1.0 + rng.gamma(2.0, 4.5, supplier_count)
    onboarded = np.where(
        rng.random(supplier_count) < 0.86, -rng.integers(0, 900, supplier_count), rng.integers(1, 780, supplier_count)
    )
    registered = np.minimum(-(age_years * 365).astype(np.int64), onboarded - 200)
    wage_share = np.array([SECTORS[index].wage_share for index in sector])
    capital = np.round(revenue * rng.uniform(0.05, 0.5, supplier_count), -4) + 100_000
    return Parties(
        cores=cores,
        suppliers=suppliers,
        customers=customers,
        vendors=vendors,
        tier=tier,
        size_class=size_class,
        revenue=revenue,
        quality=rng.normal(0, 1, supplier_count),
        has_bank=_exact_share(rng, supplier_count, 0.70),
        has_tax=_exact_share(rng, supplier_count, 0.80),
        registered_day=registered,
        core_registered_day=-(365 * rng.uniform(12, 40, core_count)).astype(np.int64),
        onboarded_day=onboarded,
        headcount=np.maximum(
            2, (revenue * wage_share / 95_000 * rng.uniform(0.6, 1.1, supplier_count)).astype(np.int64)
        ),
        registered_capital=capital,
        paid_in_capital=np.round(capital * rng.beta(4, 1.6, supplier_count), 2),
        legal_representative=_people(rng, supplier_count),
        phone=np.array([f"1{n:010d}" for n in rng.integers(3_000_000_000, 9_999_999_999, supplier_count)]),
        address=_addresses(rng, suppliers.region),
    )


def _tiers(count: int) -> Ints:
    first, second = round(count * 0.50), round(count * 0.32)
    return np.repeat([1, 2, 3], [first, second, count - first - second])


def _exact_share(rng: np.random.Generator, count: int, share: float) -> NDArray[np.bool_]:
    """Flags of which exactly the share is set, so that small portfolios keep it too."""
    flags = np.arange(count) < round(count * share)
    return rng.permutation(flags)


def _firms(
    rng: np.random.Generator, id_format: str, count: int, sector: Ints, taken: set[str], core_kind: Ints | None = None
) -> Firms:
    region = rng.integers(0, len(REGIONS), count)
    bank = rng.integers(0, len(BANKS), count)
    suffixes = (
        [SECTORS[index].suffix for index in sector] if core_kind is None else [_CORE_SUFFIX[k] for k in core_kind]
    )
    names = [_name(rng, REGIONS[place][1], suffix, taken) for place, suffix in zip(region, suffixes, strict=True)]
    numbers = [credit_code(rng, REGIONS[place][2], taken) for place in region]
    serials = rng.choice(10**10, count, replace=False, shuffle=False)
    accounts = [f"62{bank_index + 1}{serial:013d}" for bank_index, serial in zip(bank, np.sort(serials), strict=True)]
    ids = [id_format.format(index + 1) for index in range(count)]
    return Firms(np.array(ids), np.array(names), np.array(numbers), np.array(accounts), bank, sector, region)


def _name(rng: np.random.Generator, place: str, suffix: str, taken: set[str]) -> str:
    while True:
        middle = _NAME_FIRST[rng.integers(len(_NAME_FIRST))] + _NAME_SECOND[rng.integers(len(_NAME_SECOND))]
        name = f"{place}{middle}{suffix}有限公司"
        if name in taken:
            name = f"{place}{middle}{_NAME_FIRST[rng.integers(len(_NAME_FIRST))]}{suffix}有限公司"
        if name not in taken:
            taken.add(name)
            return name


def credit_code(rng: np.random.Generator, place: str, taken: set[str]) -> str:
    """An 18-character unified social credit code with a valid check character."""
    while True:
        body = "91" + place + "MA" + "".join(_ALPHABET[index] for index in rng.integers(0, 31, 7))
        code = body + uscc.calc_check_digit(body)
        if code not in taken:
            taken.add(code)
            return code


def _people(rng: np.random.Generator, count: int) -> Strings:
    surname, first, second = rng.integers(0, (len(_SURNAMES), len(_GIVEN), len(_GIVEN)), (count, 3)).T
    return np.array([_SURNAMES[a] + _GIVEN[b] + _GIVEN[c] for a, b, c in zip(surname, first, second, strict=True)])


def _addresses(rng: np.random.Generator, region: Ints) -> Strings:
    """Registered addresses; about one firm in thirty shares its address with an earlier one."""
    count = len(region)
    street, house = rng.integers(1, 90, count), rng.integers(1, 999, count)
    shared = rng.random(count) < 0.035
    addresses = [f"{REGIONS[region[i]][1]}市工业园区{street[i]}路{house[i]}号" for i in range(count)]
    for index in np.flatnonzero(shared)[1:]:
        addresses[index] = addresses[int(rng.integers(0, index))]
    return np.array(addresses)
