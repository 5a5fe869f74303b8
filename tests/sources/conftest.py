from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.landing_zone import Zone, new_zone

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return new_zone(tmp_path)


@pytest.fixture
def shared_data() -> Path:
    """Real files of others, kept beside the checkout and not part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data (real files of others) is not beside this checkout")
    return SHARED_DATA
