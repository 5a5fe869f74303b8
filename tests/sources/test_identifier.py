from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum.cn import uscc

from sources.identifier import is_valid_number


@pytest.mark.parametrize(
    ("scheme", "number", "is_valid"),
    [
        ("CN-USCC", "91110000600037341L", True),
        ("CN-USCC", "91110000600037341K", False),
        ("CN-USCC", "91110000600037341l", False),
        ("VAT", "DE136695976", True),
        ("VAT", "DE136695977", False),
        ("VAT", "DE 136695976", False),
        ("LEI", "213800KUD8LAJWSQ9D15", True),
        ("LEI", "213800KUD8LAJWSQ9D51", False),
        # its check digits are right for its length
        ("LEI", "E56", False),
        ("IBAN", "GB82WEST12345698765432", True),
        ("IBAN", "GB82WEST12345698765423", False),
        ("DUNS", "123456789", True),
        ("DUNS", "12345678", False),
        ("DUNS", "12345678９", False),
        ("LOCAL", "anything at all", True),
    ],
)
def test_check_digits(scheme: str, number: str, is_valid: bool) -> None:
    assert is_valid_number(scheme, number) is is_valid


@given(st.from_regex("[0-9]{8}[0-9A-HJ-NP-RTUW-Y]{9}", fullmatch=True), st.sampled_from("0123456789ABCDEFGHIJKLXYZ"))
@example("91110000600037341", "L")
def test_a_credit_code_is_what_the_library_says_it_is(body: str, last: str) -> None:
    assert is_valid_number("CN-USCC", body + uscc.calc_check_digit(body))
    assert is_valid_number("CN-USCC", body + last) is uscc.is_valid(body + last)


@given(st.text(max_size=20) | st.from_regex("[0-9]{0,9}[0-9A-Z]{8,11}\\n?", fullmatch=True))
def test_what_is_no_credit_code_is_none(text: str) -> None:
    assert is_valid_number("CN-USCC", text) is (uscc.is_valid(text) and uscc.compact(text) == text)
