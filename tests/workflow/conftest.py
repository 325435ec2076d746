"""Tiny events in every format that is read, and whole runs on them."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from rapidity.core.jagged import Jagged
from rapidity.data.writers import OutputColumn, open_writer, write_compound_hdf5

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rapidity.workflow import Run

Events = dict[str, np.ndarray]
FEATURES = ("pt", "eta", "met", "n_jets")
NUMBERS = (*FEATURES, "weight", "event")
SENTINEL = -999.0
CLASSES = ("background", "signal", "other")


def make_events(n_events: int = 600, n_classes: int = 2, seed: int = 1) -> Events:
    """Return Gaussian classes in turn, with weights of both signs, a sentinel and an event number."""
    rng = np.random.default_rng(seed)
    code = np.arange(n_events) % n_classes
    met = rng.exponential(20.0 + 15.0 * code)
    met[rng.random(n_events) < 0.1] = SENTINEL
    sign = np.where(rng.random(n_events) < 0.15, -1.0, 1.0)
    return {
        "pt": rng.normal(30.0 + 10.0 * code, 8.0),
        "eta": rng.normal(0.0, 1.0 + 0.5 * code),
        "met": met,
        "n_jets": rng.integers(0, 5, n_events),
        "weight": sign * rng.uniform(0.5, 2.0, n_events),
        "event": 100_000_000 + np.arange(n_events),
        "code": code,
        "kind": np.array(CLASSES, dtype=object)[code],
    }


def of_class(events: Events, code: int, names: tuple[str, ...] = NUMBERS) -> Events:
    return {name: events[name][events["code"] == code] for name in names}


def as_matrix(events: Events, code: int) -> np.ndarray:
    return np.column_stack([values.astype(float) for values in of_class(events, code).values()])


def write_csv(path: Path, events: Events) -> Path:
    """Write a CSV file, compressed if its name ends in .gz."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(events)
    writer.writerows(zip(*(values.tolist() for values in events.values()), strict=True))
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@dataclass(frozen=True)
class Stored:
    """Events in files, and how a configuration names them.

    Attributes
    ----------
    data
        Keys of the `data:` block.
    is_by_class
        Whether each class has an entry count of its own.
    """

    events: Events
    folder: Path
    data: dict[str, Any]
    is_by_class: bool = False

    def row(self, class_name: str, entry: int) -> int:
        """Return the row of `events` that an entry of the files holds."""
        if not self.is_by_class:
            return entry
        return int(np.flatnonzero(self.events["kind"] == class_name)[entry])


def _by_column(path: Path, **source: Any) -> dict[str, Any]:
    return {"sources": [{"path": path.name, **source}], "target": "kind"}


def _by_dataset(path: Path, **source: Any) -> dict[str, Any]:
    return {
        "sources": [
            {"path": path.name, "dataset": dataset, "class": name, **source}
            for dataset, name in (("Background", "background"), ("Signal", "signal"))
        ]
    }


def store_csv(folder: Path, events: Events) -> dict[str, Any]:
    return _by_column(write_csv(folder / "events.csv", events))


def store_csv_gz(folder: Path, events: Events) -> dict[str, Any]:
    return _by_column(write_csv(folder / "events.csv.gz", events))


def store_parquet(folder: Path, events: Events) -> dict[str, Any]:
    with open_writer(folder / "events.parquet", columns=dtypes(events)) as writer:
        writer.write(events)
    return _by_column(folder / "events.parquet")


def store_columnar_hdf5(folder: Path, events: Events) -> dict[str, Any]:
    columns = {**dtypes(events), "pt": OutputColumn(np.float64, unit="GeV")}
    with open_writer(folder / "events.h5", columns=columns) as writer:
        writer.write(events)
    return _by_column(folder / "events.h5")


def store_compound_hdf5(folder: Path, events: Events) -> dict[str, Any]:
    datasets = {"Background": of_class(events, 0), "Signal": of_class(events, 1)}
    write_compound_hdf5(folder / "events.h5", datasets, {}, units={"pt": "GeV"})
    return _by_dataset(folder / "events.h5")


def store_plain_hdf5(folder: Path, events: Events) -> dict[str, Any]:
    import h5py

    with h5py.File(folder / "events.h5", "w") as file:
        file["Background"], file["Signal"] = as_matrix(events, 0), as_matrix(events, 1)
    return _by_dataset(folder / "events.h5", columns=list(NUMBERS))


def store_pandas_fixed(folder: Path, events: Events) -> dict[str, Any]:
    return _store_pandas(folder, events, "fixed")


def store_pandas_table(folder: Path, events: Events) -> dict[str, Any]:
    return _store_pandas(folder, events, "table")


def _store_pandas(folder: Path, events: Events, layout: str) -> dict[str, Any]:
    import pandas as pd

    frame = pd.DataFrame({name: events[name] for name in (*NUMBERS, "code")})
    frame.to_hdf(folder / "events.h5", key="events", format=layout)
    return _by_code(folder / "events.h5")


def _by_code(path: Path, **source: Any) -> dict[str, Any]:
    block = _by_column(path, **source)
    return {**block, "target": "code", "classes": {"background": 0, "signal": 1}}


def store_npz(folder: Path, events: Events) -> dict[str, Any]:
    np.savez(folder / "events.npz", **{name: events[name] for name in (*NUMBERS, "code")})
    return _by_code(folder / "events.npz")


def store_npy(folder: Path, events: Events) -> dict[str, Any]:
    sources = []
    for code, name in enumerate(CLASSES[:2]):
        np.save(folder / f"{name}.npy", as_matrix(events, code))
        sources.append({"path": f"{name}.npy", "class": name, "columns": list(NUMBERS)})
    return {"sources": sources}


def store_tree(folder: Path, events: Events) -> dict[str, Any]:
    import uproot

    with uproot.recreate(folder / "events.root") as file:
        columns = {name: events[name] for name in (*NUMBERS, "code")}
        file.mktree("nominal", {name: values.dtype for name, values in columns.items()}).extend(columns)
    return _by_code(folder / "events.root", tree="nominal")


def store_ntuple(folder: Path, events: Events) -> dict[str, Any]:
    import awkward as ak
    import uproot

    with uproot.recreate(folder / "events.root") as file:
        columns = {name: events[name] for name in NUMBERS}
        file.mkrntuple("Events", ak.Array({**columns, "kind": events["kind"].tolist()}))
    return _by_column(folder / "events.root")


def dtypes(events: Events) -> dict[str, Any]:
    return {name: values.dtype for name, values in events.items()}


FORMATS: dict[str, Callable[[Path, Events], dict[str, Any]]] = {
    "csv": store_csv,
    "csv_gz": store_csv_gz,
    "parquet": store_parquet,
    "columnar_hdf5": store_columnar_hdf5,
    "compound_hdf5": store_compound_hdf5,
    "plain_hdf5": store_plain_hdf5,
    "pandas_fixed": store_pandas_fixed,
    "pandas_table": store_pandas_table,
    "npz": store_npz,
    "npy": store_npy,
    "root_tree": store_tree,
    "root_rntuple": store_ntuple,
}
BY_CLASS = ("compound_hdf5", "plain_hdf5", "npy")


@pytest.fixture(params=FORMATS)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Stored:
    """Return tiny events of two classes, stored in one format after the other."""
    events = make_events()
    data = FORMATS[request.param](tmp_path, events)
    return Stored(events, tmp_path, data, is_by_class=request.param in BY_CLASS)


@pytest.fixture
def tiny_events() -> Callable[..., Events]:
    """Return the builder of events: `n_events`, `n_classes`, `seed`."""
    return make_events


@pytest.fixture(name="of_class")
def fixture_of_class() -> Callable[..., Events]:
    """Return the function that picks the events of one class code."""
    return of_class


@pytest.fixture
def save_csv() -> Callable[[Path, Events], Path]:
    """Return the writer of CSV files."""
    return write_csv


@pytest.fixture
def settings() -> Callable[..., dict[str, Any]]:
    """Return a builder of small configurations; keyword arguments replace whole blocks."""

    def build(**blocks: Any) -> dict[str, Any]:
        base = {
            "name": "tiny",
            "data": {"sources": [{"path": "events.csv"}], "target": "kind"},
            "features": list(FEATURES),
            "preparation": {
                "split": {"train": 0.6, "validation": 0.2, "test": 0.2, "seed": 1},
                "missing": {"sentinels": [SENTINEL], "indicator": True},
            },
            "network": {"type": "mlp", "hidden": [8]},
            "training": {"epochs": 2, "batch_size": 128, "device": "cpu"},
            "evaluation": {"bootstrap": 3},
        } | blocks
        if "inputs" in blocks:
            del base["features"]
        return base

    return build


@pytest.fixture
def write_config(tmp_path: Path, settings: Callable[..., dict[str, Any]]) -> Callable[..., Path]:
    """Return a writer of small configurations: blocks by keyword, the file as `path`."""

    def write(path: Path | None = None, **blocks: Any) -> Path:
        path = path or tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(settings(**blocks), sort_keys=False))
        return path

    return write


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out of runs: they take longer than all the rest, and have tests of their own."""
    leave_figures_out(monkeypatch)


@pytest.fixture(scope="module")
def module_without_plots() -> Iterator[None]:
    """Do so from the first run of a module that asks for it on."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        leave_figures_out(monkeypatch)
        yield


def leave_figures_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapidity.workflow.train.draw_figures", lambda *_: {})
    monkeypatch.setattr("rapidity.workflow.folds.draw_fold_figures", lambda *_: {})


@pytest.fixture
def train(without_plots: None, tmp_path: Path, write_config: Callable[..., Path]) -> Callable[..., Run]:
    """Return a function that writes a small configuration and trains it, without figures."""
    from rapidity.workflow import train_run

    def run(name: str = "run", *, options: dict[str, Any] | None = None, **blocks: Any) -> Run:
        config = write_config(tmp_path / f"{name}.yaml", **blocks)
        return train_run(config, output=tmp_path / "runs" / name, **(options or {}))

    return run


@pytest.fixture
def write_jets(tmp_path):
    """Return a function that writes events of up to five jets, one in six without, into events.parquet."""

    def write(n_events: int) -> dict[str, Any]:
        rng = np.random.default_rng(6)
        counts = rng.integers(0, 6, n_events)
        eta = rng.normal(size=counts.sum())
        columns = {
            "jet_pt": Jagged.from_counts(rng.exponential(30, counts.sum()) + 20, counts),
            "jet_eta": Jagged.from_counts(eta, counts),
            "jet_origin": Jagged.from_counts((eta > 0.3).astype(np.int64), counts),
            "event": rng.permutation(n_events) - n_events // 2,
        }
        columns["n_hard"] = columns["jet_origin"].padded().sum(axis=1).astype(np.float64)
        layout = {
            name: OutputColumn(values.dtype, is_jagged=isinstance(values, Jagged))
            for name, values in columns.items()
        }
        with open_writer(tmp_path / "events.parquet", columns=layout) as writer:
            writer.write(columns)
        return columns

    return write
