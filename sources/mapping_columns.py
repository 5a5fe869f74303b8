"""What a mapping says about one contract column: where it comes from and how it is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from sources.expression import Expression
from sources.forms import DecimalMark, NumberSign, ThousandsSign, check_time_form, time_zones
from sources.yaml_model import YamlModel, fault, nearest


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def known_time_zone(name: str | None) -> str | None:
    """The name; ValueError where there is no such time zone."""
    if name is not None and name not in time_zones():
        raise ValueError(f"{name!r} is no time zone{nearest(name, time_zones(), 'such as Asia/Shanghai')}")
    return name


class SignRule(YamlModel):
    """A delivered column that says whether an amount is turned: its texts, blanks around them aside, for each sign."""

    delivered: str = Field(validation_alias="from")
    negative: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    positive: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]

    @model_validator(mode="after")
    def _signs_differ(self) -> SignRule:
        both = {*self.negative} & {*self.positive}
        if both:
            raise fault(f"{sorted(both)[0]!r} is negative too", "positive")
        return self


class ColumnMapping(YamlModel):
    """Where one contract column comes from: a delivered column, an expression over several, or a constant.

    ``format`` is one date format or several of which the first that fits counts, ``time_zone`` where a timestamp
    without an offset was written down. ``decimal_mark``, ``thousands_sign`` and ``sign`` differ from the mapping's own
    where they are given; ``unit`` may stand before or behind the number, ``factor`` is multiplied with it.
    """

    delivered: str | None = Field(default=None, validation_alias="from")
    expression: str | None = None
    constant: str | None = None
    trim: bool = False
    format: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    time_zone: str | None = None
    codes: dict[str, str] | None = None
    decimal_mark: DecimalMark | None = None
    thousands_sign: ThousandsSign | None = None
    sign: NumberSign | SignRule | None = None
    unit: str | None = Field(default=None, min_length=1, max_length=10)
    factor: Decimal | None = Field(default=None, max_digits=9, decimal_places=4)

    @field_validator("constant", mode="before")
    @classmethod
    def _constant_as_text(cls, value: object) -> object:
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if value is None else str(value)

    @field_validator("format")
    @classmethod
    def _is_format(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for form in value:
            check_time_form(form)
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, value: str | None) -> str | None:
        return known_time_zone(value)

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        if sum(origin is not None for origin in (self.delivered, self.expression, self.constant)) != 1:
            raise ValueError("give one of 'from' (the delivered column), 'expression' or 'constant'")
        given = self.model_fields_set
        if self.constant is not None and (unfit := sorted(given - {"constant"})):
            raise fault("a constant is taken as it is", unfit[0])
        unfit = sorted(given - {"expression", "format", "time_zone", "codes"})
        if self.expression is not None and unfit:
            raise fault("an expression takes none; use trim(), as_number() or *", unfit[0])
        return self

    @field_validator("expression")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            Expression(value)
        return value

    @property
    def source(self) -> str | None:
        """The delivered column it reads, or the derived column of its expression; None for a constant."""
        return self.delivered if self.expression is None else f"= {self.expression}"

    @property
    def sign_column(self) -> str | None:
        """The delivered column that gives the sign."""
        return self.sign.delivered if isinstance(self.sign, SignRule) else None
