"""Sixty quiet nights of a small economy of windows, and the same nights with a fault put in.

A feature is a ratio of what a supplier's source booked in 90 days, as in the book: one day more moves it little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ml import Model, TrainingSpec, fit
from ml.diagnosis import DIAGNOSIS_SCHEMA, Finding, diagnose, diagnosis_table
from ml.features import Feature, FeatureRegistry

SOURCES = ("tax", "bank", "erp")
MEASURES = ("level", "change", "share", "spread")
SUPPLIERS, NIGHTS, WINDOW = 600, 60, 90
LAST = date(2026, 6, 30)
SECTORS = np.array(["F", "C", "G"])[np.arange(SUPPLIERS) % 3]

Flows = dict[str, NDArray[np.float64]]


def features() -> list[Feature]:
    return [
        Feature(
            name=f"{source}_{measure}",
            indicator_id="S01",
            family="capital_flow",
            sources=(source,),
            formula="made by the test",
            unit="ratio",
            sign=0,
            missing="not linked",
            reason="{value:.2f}",
        )
        for source in SOURCES
        for measure in MEASURES
    ] + [
        Feature(
            name="index",
            indicator_id="E01",
            family="external",
            level="market",
            sources=("external",),
            formula="one value for all",
            unit="index",
            sign=0,
            missing="not published",
            reason="{value:.2f}",
        )
    ]


@dataclass(frozen=True)
class Economy:
    """Daily flows per source, shape (days, suppliers), and the features of any of its nights."""

    flows: Flows
    linked: NDArray[np.bool_]

    def night(self, number: int) -> pd.DataFrame:
        """Features of night 0..NIGHTS, from flows of the 2 x 90 days before it."""
        last = 2 * WINDOW + number
        columns: dict[str, object] = {}
        for source, flows in self.flows.items():
            now, earlier = flows[last - WINDOW : last], flows[last - 2 * WINDOW : last - WINDOW]
            total = now.sum(axis=0)
            columns[f"{source}_level"] = np.log(total / SIZES)
            columns[f"{source}_change"] = total / earlier.sum(axis=0) - 1
            columns[f"{source}_share"] = now[-30:].sum(axis=0) / total
            columns[f"{source}_spread"] = now.std(axis=0) / now.mean(axis=0)
            for measure in MEASURES:
                values = np.asarray(columns[f"{source}_{measure}"])
                columns[f"{source}_{measure}"] = np.where(self.linked | (source != "bank"), values, np.nan)
        return pd.DataFrame(
            {
                "as_of_date": LAST - timedelta(days=NIGHTS - number),
                "supplier_id": [f"S{place:05}" for place in range(SUPPLIERS)],
                "population_status": "ELIGIBLE",
                "sector_code": SECTORS,
                # an index is published now and then, for all at once
                "index": float(number // 20),
                **columns,
            }
        )

    def changed(self, source: str, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Economy:
        return Economy({**self.flows, source: change(self.flows[source].copy())}, self.linked)


SIZES = np.exp(np.random.default_rng(3).normal(size=SUPPLIERS))


@pytest.fixture(scope="module")
def economy() -> Economy:
    generator = np.random.default_rng(5)
    shape = (2 * WINDOW + NIGHTS + 1, SUPPLIERS)
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(shape[0]) / 180)[:, None]
    flows = {source: SIZES * season * generator.gamma(0.5, 2.0, size=shape) for source in SOURCES}
    return Economy(flows, generator.random(SUPPLIERS) > 0.3)


@pytest.fixture(scope="module")
def model(economy: Economy) -> Model:
    night = economy.night(0)
    label = np.random.default_rng(1).random(SUPPLIERS) < 0.3
    spec = TrainingSpec(
        as_of_date=None,
        features=FeatureRegistry(tuple(features())),
        label="struck",
        later_labels={},
        split="entity",
        folds=2,
        max_rounds=3,
        tuning_folds=0,
    )
    return fit(night.assign(struck=label), spec)


def found(economy: Economy, model: Model, numbers: Sequence[int]) -> list[tuple[Finding, ...]]:
    return [diagnose(economy.night(number), economy.night(number - 1), model) for number in numbers]


def test_sixty_quiet_nights_are_quiet(economy: Economy, model: Model) -> None:
    assert [night for night in found(economy, model, range(1, NIGHTS + 1)) if night] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_column_that_turns_to_cents_is_a_fault_of_its_source(economy: Economy, model: Model, source: str) -> None:
    def cents(flows: NDArray[np.float64]) -> NDArray[np.float64]:
        flows[2 * WINDOW + 29 :] *= 100
        return flows

    nights = found(economy.changed(source, cents), model, (29, 30, 31))
    assert nights[0] == ()
    named = [finding for night in nights[1:] for finding in night]
    assert {(finding.kind, finding.subject) for finding in named} == {("DATA_FAULT", source)}


def test_a_feed_that_stops_is_named_with_its_promise(economy: Economy, model: Model) -> None:
    sentence = "Its newest delivery is of 2026-06-28, and one of 2026-06-30 was promised by this night."
    [finding] = diagnose(economy.night(30), economy.night(29), model, late_feeds={"tax.vat_invoice": sentence})
    assert (finding.kind, finding.subject, finding.evidence) == ("DATA_FAULT", "tax.vat_invoice", sentence)


def test_a_source_that_is_gone_is_a_fault_that_says_so(economy: Economy, model: Model) -> None:
    night = economy.night(30)
    lost = night.assign(**{f"bank_{measure}": np.nan for measure in MEASURES})
    [finding] = diagnose(lost, economy.night(29), model)
    assert (finding.kind, finding.subject) == ("DATA_FAULT", "bank")
    assert "4 of them are missing where they were known" in finding.evidence


def test_a_shock_to_one_sector_is_another_population(economy: Economy, model: Model) -> None:
    """A boom in one sector: tax office and bank see it, and only there."""
    booming = economy
    for source in ("tax", "bank"):

        def boom(flows: NDArray[np.float64]) -> NDArray[np.float64]:
            flows[2 * WINDOW + 29 :, SECTORS == "C"] *= 40
            return flows

        booming = booming.changed(source, boom)
    nights = found(booming, model, (29, 30, 31))
    assert nights[0] == ()
    named = [finding for night in nights[1:] for finding in night]
    assert {(finding.kind, finding.subject) for finding in named} == {("POPULATION_CHANGE", "sector C")}
    assert "from bank, tax jumped overnight in sector C" in named[0].evidence


def test_a_jump_of_everything_is_no_single_source(economy: Economy, model: Model) -> None:
    night = economy.night(30)
    names = ["tax_level", "bank_level", "erp_level", "tax_change", "bank_change", "erp_change"]
    moved = diagnose(night.assign(**{name: night[name] + 5 for name in names}), economy.night(29), model)
    assert [(finding.kind, finding.subject) for finding in moved] == [("POPULATION_CHANGE", "ALL")]


def test_findings_become_rows(economy: Economy, model: Model) -> None:
    findings = diagnose(economy.night(30), None, model, late_feeds={"bank.transaction": "It is late."})
    table = diagnosis_table(findings, LAST, model, "champion")
    assert table.schema == DIAGNOSIS_SCHEMA
    assert table.to_pylist()[0]["subject"] == "bank.transaction"
    assert diagnosis_table((), LAST, model, "champion").num_rows == 0
