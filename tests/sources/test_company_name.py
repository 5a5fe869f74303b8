"""A company's name taken apart: what is the same firm's name in another spelling, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.identity.company_name import MAX_NAME_LENGTH, company_name_columns, read_company_name

SAME = [
    [
        "北京恒建建筑工程有限公司",
        "恒建（北京）建筑工程有限责任公司",
        "恆建(北京)建築工程有限公司",
        "北京市恒建建筑工程有限公司",
        "  北京　恒建建筑工程 ",
        "北京恒建建筑工程",
        "恒建北京建筑工程有限公司",
        "【北京】恒建建筑工程有限公司",
    ],
    ["苏州恒瑞建材有限公司", "江苏省苏州市恒瑞建材有限公司", "恒瑞建材(苏州)有限公司"],
    ["ABB（中国）有限公司", "ａｂｂ(中国)有限公司"],
    ["Müller Maschinenbau GmbH & Co. KG", "MUELLER MASCHINENBAU G.m.b.H. und Co KG", "Muller Maschinenbau GmbH Co. KG"],
    ["Électricité Dubois S.à r.l.", "ELECTRICITE DUBOIS SARL", "Électricité Dubois S. A. R. L."],
    ["Kowalski Transport Sp. z o.o.", "KOWALSKI TRANSPORT SP ZOO"],
    ["UAB Vilniaus Statyba", "Vilniaus Statyba, UAB"],
    ["Rossi Meccanica S.p.A.", "ROSSI MECCANICA SPA"],
    ["Hennes & Mauritz AB (publ)", "Hennes och Mauritz AB"],
    ["Acme Trading Co., Ltd.", "ACME TRADING COMPANY LIMITED"],
    ["ООО Ромашка", "Ромашка ООО"],
]


@pytest.mark.parametrize("names", SAME, ids=lambda names: names[0])
def test_spellings_of_one_name(names: list[str]) -> None:
    assert {(name.core, name.region) for name in map(read_company_name, names)} == {
        (read_company_name(names[0]).core, read_company_name(names[0]).region)
    }


@pytest.mark.parametrize(
    ("name", "core", "region", "legal_class"),
    [
        ("北京恒建建筑工程股份有限公司", "恒建建筑工程", "北京", "JOINT_STOCK"),
        ("北京恒建投资中心（有限合伙）", "恒建投资中心", "北京", "PARTNERSHIP"),
        ("华为技术有限公司", "华为技术", "", "LIMITED"),
        ("上海恒建有限公司", "恒建", "上海", "LIMITED"),
        ("北京恒建集团有限公司", "恒建集团", "北京", "LIMITED"),
        ("S.A. Dupont", "sa dupont", "", ""),
        ("Dupont S.A.", "dupont", "", "JOINT_STOCK"),
        ("A.P. Møller – Mærsk A/S", "ap moller marsk", "", "LIMITED"),
        ("有限公司", "有限公司", "", ""),
        ("GmbH", "gmbh", "", ""),
        ("", "", "", ""),
    ],
)
def test_parts_of_a_name(name: str, core: str, region: str, legal_class: str) -> None:
    parts = read_company_name(name)
    assert (parts.core, parts.region, parts.legal_class) == (core, region, legal_class)


def test_a_branch_is_not_its_head_office() -> None:
    branch, head = "北京恒建建筑工程有限公司上海分公司", "北京恒建建筑工程有限公司"
    assert read_company_name(branch).core != read_company_name(head).core


def test_short_forms_are_told_from_names_with_a_legal_form() -> None:
    assert not read_company_name("北京恒建").has_legal_form
    assert read_company_name("北京恒建公司").has_legal_form


def test_swapped_words_shuffle_alike() -> None:
    assert read_company_name("恒建建筑工程").shuffled == read_company_name("建筑工程恒建").shuffled
    assert read_company_name("Transport Kowalski").shuffled == read_company_name("Kowalski Transport").shuffled


@given(st.text(max_size=80))
def test_any_text_is_a_name(text: str) -> None:
    parts = read_company_name(text)
    assert parts == read_company_name(text)
    assert len(parts.core) <= 8 * MAX_NAME_LENGTH
    assert read_company_name(f"{text}  ").core == parts.core


@given(st.text("北上海京恒建华有限公司省市（）()《集团 abGmbH.-", max_size=25))
def test_a_core_holds_no_blank_brackets_or_marks(text: str) -> None:
    core = read_company_name(text).core
    assert all(character.isalnum() or character == " " for character in core)
    assert core == core.strip()


def test_a_table_has_each_name_once() -> None:
    table = company_name_columns(["北京恒建有限公司", "Dupont S.A.", "北京恒建有限公司"])
    assert table["name"].to_pylist() == ["Dupont S.A.", "北京恒建有限公司"]
    assert table["core"].to_pylist() == ["dupont", "恒建"]
    assert table["region"].to_pylist() == ["", "北京"]
