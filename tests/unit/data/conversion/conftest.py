"""Small ntuples with jagged collections, and their conversion in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from rapidity.workflow.convert import convert_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rapidity.data.conversion.accounting import ConversionSummary

Events = dict[str, Any]


@pytest.fixture
def make_events() -> Callable[..., Events]:
    """Return a builder of events: flat columns as arrays, collections as lists of arrays."""

    def build(n_events: int = 60, seed: int = 1, first: int = 0) -> Events:
        rng = np.random.default_rng(seed)
        counts = rng.poisson(3, n_events)
        objects = {
            name: np.split(values.astype(np.float32), np.cumsum(counts)[:-1])
            for name, values in {
                "jet_pt": rng.exponential(40_000, counts.sum()),
                "jet_eta": rng.normal(0, 2, counts.sum()),
                "jet_phi": rng.uniform(-np.pi, np.pi, counts.sum()),
                "jet_mass": rng.uniform(1, 10, counts.sum()) * 1000,
            }.items()
        }
        return {
            "event": np.arange(first, first + n_events, dtype=np.int64),
            "met": rng.exponential(30_000, n_events).astype(np.float32),
            "weight": rng.choice([-1.0, 1.0, 1.0, 1.0], n_events) * rng.uniform(0.5, 2, n_events),
            "n_vertices": rng.integers(1, 40, n_events).astype(np.int32),
            "is_good": rng.random(n_events) < 0.5,
            **objects,
        }

    return build


@pytest.fixture
def write_root(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of ROOT files with a tree `events`; `basket` events lie together on disk."""
    import awkward as ak
    import uproot

    def write(name: str, events: Events, basket: int | None = None, **others: Events) -> Path:
        path = tmp_path / name
        n_events = len(events["event"])
        step = basket or n_events
        with uproot.recreate(path) as file:
            for start in range(0, n_events, step):
                part = {
                    key: ak.Array(values[start : start + step])
                    if isinstance(values, list)
                    else values[start : start + step]
                    for key, values in events.items()
                }
                if start == 0:
                    types = {
                        key: "var * float32" if isinstance(values, list) else values.dtype
                        for key, values in events.items()
                    }
                    file.mktree("events", types)
                file["events"].extend(part)
            for tree, columns in others.items():
                file[tree] = columns
        return path

    return write


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., ConversionSummary]:
    """Return the conversion of YAML keys into `out.h5`, in this process unless told otherwise."""
    from rapidity.config.conversion import ConversionConfig

    def run(sources: Any, output: str = "out.h5", **keys: Any) -> ConversionSummary:
        names = ("overwrite", "skip_bad_files", "n_workers", "progress")
        options = {"n_workers": 1} | {name: keys.pop(name) for name in names if name in keys}
        listed = sources if isinstance(sources, list) else [sources]
        blocks = [source if isinstance(source, dict) else {"path": str(source)} for source in listed]
        config = ConversionConfig.model_validate({"sources": blocks, **keys})
        return convert_files(config, tmp_path / output, **options)

    return run


@pytest.fixture
def events(make_events: Callable[..., Events]) -> Events:
    """Return the events of `root_file`."""
    return make_events()


@pytest.fixture
def root_file(write_root: Callable[..., Path], events: Events) -> Path:
    """Return a small ROOT file."""
    return write_root("a.root", events)


@pytest.fixture
def read_hdf5(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a reader of all datasets of the group `events`."""

    def read(name: str = "out.h5") -> dict[str, Any]:
        with h5py.File(tmp_path / name) as file:
            return {key: node[()] for key, node in file["events"].items()}

    return read


@pytest.fixture
def read_metadata(tmp_path: Path) -> Callable[..., Any]:
    """Return a reader of what a conversion says about itself."""

    def read(name: str = "out.h5") -> Any:
        if name.endswith(".parquet"):
            return json.loads(pq.ParquetFile(tmp_path / name).metadata.metadata[b"metadata"])
        with h5py.File(tmp_path / name) as file:
            return json.loads(file["events"].attrs["metadata"])

    return read


@pytest.fixture
def padded() -> Callable[..., Any]:
    """Return what a loop over the events makes of a collection: ordered by `order`, cut, padded with 0."""

    def pad(events: Events, name: str, width: int, order: str = "jet_pt") -> Any:
        rows = np.zeros((len(events["event"]), width), np.float32)
        for row, (values, keys) in enumerate(zip(events[name], events[order], strict=True)):
            kept = values[np.argsort(-keys, kind="stable")][:width]
            rows[row, : len(kept)] = kept
        return rows

    return pad
