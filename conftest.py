"""Tests and doctests of engines whose library is not installed are left out, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from rapidity.engines import ENGINES

SOURCE = Path(__file__).parent / "src" / "rapidity" / "engines"
MISSING = {name: entry.library for name, entry in ENGINES.items() if not entry.is_installed}


def pytest_report_header() -> list[str]:
    """Name what is not collected."""
    return [
        f"not collected: {(SOURCE / name).relative_to(SOURCE.parents[2])} ({library} is not installed)"
        for name, library in MISSING.items()
    ]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the folder of an engine out whose library is missing: its modules cannot be imported."""
    return True if any(collection_path == SOURCE / name for name in MISSING) else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that is marked with an engine whose library is missing."""
    for name, library in MISSING.items():
        if item.get_closest_marker(name) is not None:
            pytest.skip(f"{library} is not installed")
