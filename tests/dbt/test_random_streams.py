"""Random lives of certificates come out as the reference says; `python -m tests.dbt.random_streams` does 1,000."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from pipelines.settings import Settings
from tests.dbt.compiled_models import CompiledChain, compiled_chain
from tests.dbt.event_streams import make_stream
from tests.dbt.random_streams import batches, check
from tests.dbt.stream_delivery import Recipe, Version, rows_of
from tests.dbt.stream_reference import Knowledge


@pytest.fixture(scope="module")
def compiled(parsed_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledChain]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in parsed_home.environment().items():
            patch.setenv(name, value)
        yield compiled_chain(parsed_home, tmp_path_factory.mktemp("compiled"))


@settings(max_examples=6, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches)
def test_marts_agree_with_the_reference_on_every_day(compiled: CompiledChain, batch: list[Recipe]) -> None:
    check(compiled, batch)


def test_nights_end_where_a_build_at_once_does(compiled: CompiledChain) -> None:
    check(compiled, [Recipe(seed, 24, True, True, True) for seed in range(10)], nights=4)


def test_a_model_that_loses_a_cent_is_found(compiled: CompiledChain) -> None:
    broken = [
        replace(m, full_sql=m.full_sql.replace("'REDEEMED' then amount", "'REDEEMED' then amount - 0.01"))
        if m.name == "int_certificate_movement"
        else m
        for m in compiled.models
    ]
    with pytest.raises(AssertionError):
        check(replace(compiled, models=broken), [Recipe(seed, 24, False, False, False) for seed in range(20)])


def test_an_act_that_no_state_allows_is_a_breach_with_its_event(compiled: CompiledChain) -> None:
    """More is frozen than the root ever was, at the end of lives that are legal otherwise."""
    streams = [make_stream(Recipe(seed, 24, False, False, False), f"T{seed}") for seed in range(20)]
    versions = [version for stream in streams for version in stream]
    end = max(version.known_date for version in versions) + timedelta(days=1)
    for stream in streams:
        issued = next(v.content for v in stream if v.content.get("event_type") == "ISSUED")
        frozen = {
            **issued,
            "certificate_event_id": f"{issued['certificate_id']}-FROZEN",
            "event_type": "FROZEN",
            "amount": issued["amount"] + 1,
            "occurred_at": datetime.combine(end, time()),
        }
        versions.append(Version("platform.certificate_event", frozen["certificate_event_id"], end, frozen))
    chain = compiled.open()
    chain.deliver(rows_of(versions))
    chain.build(end)
    breaches = chain.query(
        f"select subject_id, rule_id from {chain.relation('certificate_event_breach')} where severity = 'HARD'"
    )
    chain.close()
    assert sorted(subject for subject, _ in breaches) == sorted(f"T{seed}-R-FROZEN" for seed in range(20))
    assert {rule for _, rule in breaches} == {"AMOUNT_ABOVE_PART", "EVENT_AFTER_END"}


def test_the_reference_follows_a_life_by_hand() -> None:
    """Without faults all is known on its day, and a life ends with its face where its owner put it."""
    for seed in range(50):
        stream = make_stream(Recipe(seed, 24, False, False, False), "T")
        end = Knowledge(stream, max(version.known_date for version in stream) + timedelta(days=1))
        face = next(version.content["face_amount"] for version in stream if version.key == "T-R")
        leaves = [p for p in end.positions.values() if not p.passed_on]
        assert sum(p.held + p.redeemed + p.written_off + p.cancelled for p in leaves) == face
