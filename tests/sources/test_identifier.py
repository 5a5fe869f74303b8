from __future__ import annotations

import pytest

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
