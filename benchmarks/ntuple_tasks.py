"""Measured by `ntuples.py`, each in a process of its own: `python benchmarks/ntuple_tasks.py TASK ARGUMENTS`.

Arguments and result are JSON objects; the seconds are taken here, without the start of the process.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

N_FLAT = 20
COLLECTIONS = {"jet": (("pt", "eta", "phi", "mass"), 5.0), "lep": (("pt", "eta", "phi"), 1.5)}
"""Collection -> its branches and the mean number of objects."""
N_OBJECTS = 10
CHUNK = 100_000
"""Events that the bare programs take at a time, and that are written at a time."""
TREE = "events"


def write_events(path: Path, n_events: int, seed: int = 1) -> None:
    """Write a ROOT file like the ntuples of an analysis; compressed as uproot does by itself (zlib)."""
    import uproot

    rng = np.random.default_rng(seed)
    with uproot.recreate(path) as file:
        for start in range(0, n_events, CHUNK):
            columns = _make_columns(rng, start, min(CHUNK, n_events - start))
            if start == 0:
                types = {name: _branch_type(values) for name, values in columns.items()}
                file.mktree(TREE, types)
            file[TREE].extend(columns)


def _make_columns(rng: np.random.Generator, first: int, n_events: int) -> dict[str, Any]:
    import awkward as ak

    columns: dict[str, Any] = {"event": np.arange(first, first + n_events, dtype=np.int64)}
    for index in range(N_FLAT - 1):
        columns[f"x{index}"] = rng.normal(0.1 * index, 1 + 0.2 * index, n_events).astype(np.float32)
    for name, (branches, mean) in COLLECTIONS.items():
        counts = rng.poisson(mean, n_events)
        members = {
            branch: ak.unflatten(rng.exponential(50, counts.sum()).astype(np.float32), counts)
            for branch in branches
        }
        columns |= {f"{name}_{branch}": values for branch, values in members.items()}
    return columns


def _branch_type(values: Any) -> Any:
    import awkward as ak

    return ak.type(values).content if isinstance(values, ak.Array) else values.dtype


def flat_names() -> list[str]:
    return ["event", *(f"x{index}" for index in range(N_FLAT - 1))]


def jagged_names() -> list[str]:
    return [f"{name}_{branch}" for name, (branches, _) in COLLECTIONS.items() for branch in branches]


# Conversion -------------------------------------------------------------------------------------------------


def convert_bare(source: Path, output: Path) -> dict[str, float]:
    """Read all branches with uproot, chunk by chunk; then write arrays of the same shapes with h5py."""
    import h5py
    import uproot

    reading = writing = 0.0
    n_events = 0
    names = [*flat_names(), *jagged_names()]
    with uproot.open(source) as file, h5py.File(output, "w") as target:
        tree = file[TREE]
        group = target.create_group("events")
        start = time.perf_counter()
        for chunk in tree.iterate(names, step_size=CHUNK, library="ak"):
            reading += time.perf_counter() - start
            arrays = _padded(chunk)
            start = time.perf_counter()
            for name, values in arrays.items():
                _append(group, name, values)
            writing += time.perf_counter() - start
            n_events += len(chunk)
            start = time.perf_counter()
        start = time.perf_counter()
        target.flush()
        writing += time.perf_counter() - start
    return {"seconds": reading + writing, "reading": reading, "writing": writing, "events": n_events}


def _padded(chunk: Any) -> dict[str, Any]:
    """Return the arrays that a conversion writes; making them is counted for nobody here."""
    import awkward as ak

    arrays = {name: ak.to_numpy(chunk[name]) for name in flat_names()}
    for name in COLLECTIONS:
        arrays[f"n_{name}"] = ak.to_numpy(ak.num(chunk[f"{name}_pt"])).astype(np.int32)
    for name in jagged_names():
        padded = ak.fill_none(ak.pad_none(chunk[name], N_OBJECTS, clip=True), 0.0)
        arrays[name] = ak.to_numpy(padded).astype(np.float32)
    arrays["source_entry"] = arrays["event"]
    arrays["source_file"] = np.zeros(len(arrays["event"]), np.int32)
    return arrays


def _append(group: Any, name: str, values: Any) -> None:
    if name not in group:
        rows = (16_384, *values.shape[1:])
        group.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]), chunks=rows)
        return
    dataset = group[name]
    old = len(dataset)
    dataset.resize(old + len(values), axis=0)
    dataset[old:] = values


def conversion_config(folder: Path, sources: list[Path], name: str = "convert.yaml") -> Path:
    collections = "\n".join(
        f"  {of}: {{columns: [{', '.join(f'{of}_{branch}' for branch in branches)}], "
        f"order_by: {of}_pt, n_objects: {N_OBJECTS}}}"
        for of, (branches, _) in COLLECTIONS.items()
    )
    text = (
        "sources:\n"
        + "".join(f"  - {{path: {source}, tree: {TREE}}}\n" for source in sources)
        + f"columns: [{', '.join(flat_names())}]\n"
        + f"collections:\n{collections}\n"
    )
    path = folder / name
    path.write_text(text)
    return path


def convert_ours(config: Path, output: Path, **options: Any) -> dict[str, float]:
    import rapidity

    _import_file_libraries()
    if "cluster" in options:
        importlib.import_module("distributed")
    convert = rapidity.convert  # imports what it is made of
    output.unlink(missing_ok=True)  # else all of it lies in the page cache beside the new one
    start = time.perf_counter()
    convert(config, output, **options)
    return {"seconds": time.perf_counter() - start}


def _import_file_libraries() -> None:
    """Import what the bare programs import before they look at the clock."""
    for name in ("awkward", "h5py", "onnxruntime", "uproot"):
        importlib.import_module(name)


def convert_bare_files(sources: list[Path], output: Path) -> dict[str, float]:
    """Convert one file after the other, into the same output."""
    _import_file_libraries()
    start = time.perf_counter()
    for source in sources:
        convert_bare(source, output)
    return {"seconds": time.perf_counter() - start}


def convert_twice(folder: Path, config: Path, scheduler: Path, n_workers: int) -> dict[str, float]:
    """Convert one file for the workers to be ready, and then all of them."""
    from distributed import Client

    with Client(scheduler_file=str(scheduler), set_as_default=False) as client:
        client.wait_for_workers(n_workers)
        address = client.scheduler.address
    first = sorted(folder.glob("part_*.root"))[: 2 * n_workers]
    few = conversion_config(folder, first, name="few.yaml")
    convert_ours(few, folder / "few.h5", cluster=address)
    return convert_ours(config, folder / "running.h5", cluster=address)


# Friend trees -----------------------------------------------------------------------------------------------


def train_model(folder: Path, source: Path) -> Path:
    """Train a small network on the flat branches; its scores mean nothing."""
    import yaml

    import rapidity

    labels = folder / "labels.npz"
    with __import__("uproot").open(source) as file:
        x0 = file[TREE]["x0"].array(library="np", entry_stop=50_000)
    np.savez(labels, label=(x0 > 0).astype(np.int64))
    config = {
        "name": "friends",
        "data": {
            "sources": [{"path": str(source), "tree": TREE, "limit": 1000, "class": name} for name in "ab"]
        },
        "inputs": {"event": {"columns": flat_names()[1:]}},
        "network": {"type": "mlp", "hidden": [128, 64]},
        "training": {"engine": "numpy", "epochs": 1},
    }
    config["data"]["guards"] = dict.fromkeys(("duplicates", "separating_feature", "repeated_event"), "off")
    path = folder / "friends.yaml"
    path.write_text(yaml.safe_dump(config))
    rapidity.train(path, output=folder / "run", overwrite=True)
    return folder / "run" / "model.onnx"


def friends_bare(source: Path, model: Path, output: Path) -> dict[str, float]:
    import onnxruntime
    import uproot

    start = time.perf_counter()
    names = flat_names()[1:]
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    with uproot.open(source) as file, uproot.recreate(output) as target:
        target.mktree("scores", {"score_a": np.float32, "score_b": np.float32})
        for chunk in file[TREE].iterate(names, step_size=CHUNK, library="np"):
            (scores,) = session.run(["probabilities"], {name: chunk[name] for name in names})
            target["scores"].extend({"score_a": scores[:, 0], "score_b": scores[:, 1]})
    return {"seconds": time.perf_counter() - start}


def friends_ours(source: Path, model: Path, output: Path) -> dict[str, float]:
    import rapidity

    _import_file_libraries()
    predict = rapidity.predict  # imports what it is made of
    start = time.perf_counter()
    predict(model, [source], output, tree=TREE, overwrite=True)
    return {"seconds": time.perf_counter() - start}


# Streaming --------------------------------------------------------------------------------------------------


def train_rows(folder: Path, source: Path, memory: str | None, epochs: int) -> dict[str, float]:
    """Train on a file of prepared size; rows per second of the epochs after the first."""
    import yaml

    import rapidity

    config: dict[str, Any] = {
        "name": "streaming",
        "data": {"sources": [{"path": str(source)}], "target": "label"},
        "inputs": {"event": {"columns": flat_names()[1:]}},
        "network": {"type": "mlp", "hidden": [128, 128, 128]},
        "training": {"engine": "torch", "epochs": epochs, "batch_size": 1024},
    }
    config["data"]["guards"] = dict.fromkeys(("duplicates", "separating_feature"), "off")
    if memory:
        config["data"]["memory"] = memory
    path = folder / f"streaming_{memory or 'resident'}.yaml".replace(" ", "")
    path.write_text(yaml.safe_dump(config))
    run = rapidity.train(path, output=folder / path.stem, overwrite=True)
    with (run.folder / "history.csv").open() as stream:
        seconds = [float(row["seconds"]) for row in csv.DictReader(stream)]
    return {"seconds": statistics.median(seconds[1:]), "rows": sum(run.metrics["counts"]["train"].values())}


def write_labelled(path: Path, n_events: int) -> None:
    import h5py

    rng = np.random.default_rng(3)
    label = (np.arange(n_events) >= n_events // 2).astype(np.int64)  # sorted by class, as samples are
    with h5py.File(path, "w") as file:
        group = file.create_group("events")
        group["label"] = label
        for index, name in enumerate(flat_names()[1:]):
            shift = 0.2 if index < 8 else 0.0
            group[name] = (rng.normal(0, 1, n_events) + shift * label).astype(np.float32)


# What can be asked for ------------------------------------------------------------------------------------

TASKS: dict[str, Callable[..., dict[str, float]]] = {
    "convert_bare": lambda source, output: convert_bare(Path(source), Path(output)),
    "convert_bare_files": lambda sources, output: convert_bare_files(
        [Path(source) for source in sources], Path(output)
    ),
    "convert_ours": lambda config, output, **options: convert_ours(Path(config), Path(output), **options),
    "convert_twice": lambda folder, config, scheduler, n_workers: convert_twice(
        Path(folder), Path(config), Path(scheduler), n_workers
    ),
    "friends_bare": lambda source, model, output: friends_bare(Path(source), Path(model), Path(output)),
    "friends_ours": lambda source, model, output: friends_ours(Path(source), Path(model), Path(output)),
    "train_rows": lambda folder, source, memory, epochs: train_rows(
        Path(folder), Path(source), memory, epochs
    ),
}


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    print(json.dumps(TASKS[sys.argv[1]](**json.loads(sys.argv[2]))))
