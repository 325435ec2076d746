"""Fixtures that every test may use."""

from __future__ import annotations

import gzip
import signal
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.core.classes import ClassSet
from rapidity.core.jagged import Jagged
from rapidity.data.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _heed_interrupts() -> None:
    """Let programs that tests start be interrupted, also where a shell runs the tests in the background.

    Such a shell has its children ignore SIGINT, and they hand that on.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets beside the project, or skip the test."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data sets are not beside the project ({SHARED_DATA.name}/ is absent)")
    return SHARED_DATA


@pytest.fixture
def write_idx(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of IDX files, gzipped if the name ends in .gz; `change` may spoil the bytes."""
    codes = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}

    def write(name: str, values: np.ndarray, change: Callable[[bytes], bytes] = bytes) -> Path:
        kind = values.dtype.str[1:]
        header = struct.pack(f">HBB{values.ndim}I", 0, codes[kind], values.ndim, *values.shape)
        content = change(header + values.astype(f">{kind}").tobytes())
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


@pytest.fixture
def make_table() -> Callable[..., Table]:
    """Return a builder of tables: columns, the class of each event, and any other field of a table."""

    def build(columns: dict[str, Any], class_index: Any = None, **fields: Any) -> Table:
        arrays = {
            name: values if isinstance(values, Jagged) else np.asarray(values)
            for name, values in columns.items()
        }
        n_events = len(next(iter(arrays.values())))
        defaults: dict[str, Any] = {
            "files": ("a.csv",),
            "source_file": np.zeros(n_events, np.int32),
            "source_entry": np.arange(n_events),
            "sample": np.zeros(n_events, np.int32),
            "classes": ClassSet(("background", "signal")),
            "class_index": np.arange(n_events) % 2 if class_index is None else np.asarray(class_index),
            "event_weight": None,
            "fixed_split": np.full(n_events, -1, np.int8),
        }
        return Table(columns=arrays, **(defaults | fields))

    return build
