"""Codes between slashes in the information on an entry (``:86:``), as Dutch banks write it: ``/IBAN/…/NAME/…/EREF/…``.

The codes are those of the Dutch Payments Association (Betaalvereniging) for SEPA in MT940. A value goes on in the next
line without a blank, since lines are cut at 65 characters. ING has ``/CNTP/account/BIC/name/city/`` for the other
party.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NO_END_TO_END_ID = "NOTPROVIDED"
"""What stands where the payer gave no reference (rulebooks of SEPA)."""

_CODES = (
    *("ACCW", "ADDR", "BBAN", "BENM", "BIC", "CNTP", "CSID", "EREF", "IBAN", "INIT", "IREF", "ISDT", "KREF", "MARF"),
    *("NAME", "NRTX", "ORDP", "PREF", "PURP", "REMI", "RREF", "RTRN", "SVCL", "TRCD", "TRTP", "UCRD", "UDTR", "ULTB"),
    *("ULTC", "ULTD"),
)
_CODE = re.compile(rf"/({'|'.join(_CODES)})/")


class Coded(NamedTuple):
    """What the codes say; None where they say nothing."""

    counterparty_name: str | None = None
    counterparty_account_no: str | None = None
    end_to_end_id: str | None = None


def coded(information: str) -> Coded:
    """What an information says that begins with one of the codes; another says nothing."""
    if not _CODE.match(information):
        return Coded()
    parts = _CODE.split(information.replace("\n", ""))
    values: dict[str, str] = {}
    for code, value in zip(parts[1::2], parts[2::2], strict=True):
        if value.strip(" /"):
            values.setdefault(code, value.strip(" /"))
    account_no, _, name = [*(part.strip() for part in values.get("CNTP", "").split("/")), "", "", ""][:3]
    end_to_end_id = values.get("EREF")
    return Coded(
        values.get("NAME") or name or None,
        values.get("IBAN") or values.get("BBAN") or account_no or None,
        None if end_to_end_id == NO_END_TO_END_ID else end_to_end_id,
    )
