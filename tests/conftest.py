"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets beside the project, or skip the test."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data sets are not beside the project ({SHARED_DATA.name}/ is absent)")
    return SHARED_DATA
