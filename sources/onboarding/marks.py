"""The marks of a file's numbers: those with which most of its number columns can be read whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sources.forms import PLAIN_NUMBER, NumberForm
from sources.onboarding.evidence import NumberEvidence


@dataclass(frozen=True)
class Marks:
    """Marks and signs for the whole file, without a unit; columns that are written otherwise say so themselves."""

    form: NumberForm
    is_ambiguous: bool
    evidence: str


def common_marks(found: Mapping[str, NumberEvidence]) -> Marks:
    """The marks for number columns by delivered name; of marks that read as many columns the plainer ones."""
    columns = {name: evidence for name, evidence in found.items() if evidence.read}
    forms = {replace(form, unit=None) for evidence in columns.values() for form in evidence.forms}
    if not forms:
        return Marks(PLAIN_NUMBER, False, "no numbers")
    votes = {form: sum(_reads(evidence, form) for evidence in columns.values()) for form in forms}
    order = [replace(form, unit=None) for evidence in columns.values() for form in evidence.forms]
    form = max(dict.fromkeys(order), key=lambda one: (votes[one], -_strangeness(one)))
    doubtful = [name for name, evidence in columns.items() if evidence.is_ambiguous and _reads(evidence, form)]
    others = [one for one in forms if votes[one] == votes[form] and one.decimal_mark != form.decimal_mark]
    is_ambiguous = bool(doubtful and others)
    evidence = f"reads {votes[form]} of {len(columns)} number columns whole"
    if is_ambiguous:
        evidence += f". DOUBTFUL: decimal mark {others[0].decimal_mark!r} reads them too, as other numbers"
    return Marks(form, is_ambiguous, evidence)


def _reads(evidence: NumberEvidence, form: NumberForm) -> bool:
    return any(replace(one, unit=None) == form for one in evidence.forms)


def _strangeness(form: NumberForm) -> int:
    return (form.decimal_mark != ".") + bool(form.thousands_sign) + 2 * (form.sign != "leading")
