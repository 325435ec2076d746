"""Tests and doctests of engines whose library is not installed are left out, and say so.

With ``--engine NAME`` only the tests of that engine run, and a missing library is an error instead.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from rapidity.engines import ENGINES

SOURCE = Path(__file__).parent / "src" / "rapidity" / "engines"
HAS_DASK = all(find_spec(name) is not None for name in ("distributed", "dask_jobqueue"))
MISSING = {name: entry.library for name, entry in ENGINES.items() if not entry.is_installed}


def pytest_report_header() -> list[str]:
    """Name what is not collected."""
    return [
        f"not collected: {(SOURCE / name).relative_to(SOURCE.parents[2])} ({library} is not installed)"
        for name, library in MISSING.items()
    ]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one job test one engine, with nothing skipped."""
    parser.addoption("--engine", choices=list(ENGINES), help="run the tests of this engine alone")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test an engine that is not there."""
    engine = config.getoption("--engine")
    if engine in MISSING:
        message = f"--engine {engine}: {MISSING[engine]} is not installed. pip install -e '.[{engine},test]'"
        raise pytest.UsageError(message)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the engine that is asked for."""
    engine = config.getoption("--engine")
    if engine is None:
        return
    kept = [item for item in items if _tests_engine(item, engine)]
    config.hook.pytest_deselected(items=[item for item in items if not _tests_engine(item, engine)])
    items[:] = kept


def _tests_engine(item: pytest.Item, engine: str) -> bool:
    """Whether a test is marked with the engine, or lies in its folder."""
    return item.get_closest_marker(engine) is not None or f"engines/{engine}/" in item.path.as_posix()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the folder of an engine out whose library is missing: its modules cannot be imported."""
    return True if any(collection_path == SOURCE / name for name in MISSING) else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the tests of clusters talk to this machine, and to no other."""
    if item.get_closest_marker("cluster") is not None:
        item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that is marked with an engine whose library is missing, or with Dask where it is."""
    if not HAS_DASK and item.get_closest_marker("cluster") is not None:
        pytest.skip("Dask is not installed")
    for name, library in MISSING.items():
        if item.get_closest_marker(name) is not None:
            pytest.skip(f"{library} is not installed")
