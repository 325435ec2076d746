"""Ntuples in and back, beside the bare libraries: conversion, friend trees, streaming, Dask workers.

    python benchmarks/ntuples.py [--only convert memory friends streaming workers] [--repeats 3] [--events N]

The events have 20 flat branches and two jagged collections (jets with four branches, leptons with three).
Every measurement runs in a process of its own; the contenders of a question take turns, and the ratio of a
repeat is taken within it, so that a busy moment of the machine does not fall on one of them alone. Seconds
are taken inside that process: its own start and imports do not count, those of processes that it starts do.

- convert: ROOT -> columnar HDF5, against uproot reading the branches and then h5py writing the same arrays.
- memory: peak of all processes of a conversion together (proportional set size), for two sizes.
- friends: prediction into a friend tree, against uproot reading, ONNX Runtime, uproot writing.
- streaming: rows per second of a training that streams, against the same training in memory.
- workers: a conversion of many files on two Dask workers of one thread each, against one: with the start of
  the cluster, and on one that runs already (whose memory is not looked at). Two bare programs with half of
  the files each, against one, say what the machine itself gives.

Memory is looked at in runs of its own, which are not timed.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from training import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

N_FLAT = 20
COLLECTIONS = {"jet": (("pt", "eta", "phi", "mass"), 5.0), "lep": (("pt", "eta", "phi"), 1.5)}
"""Collection -> its branches and the mean number of objects."""
N_OBJECTS = 10
CHUNK = 100_000
"""Events that the bare programs take at a time, and that are written at a time."""
N_FILES = 32
"""For the Dask workers; each an eighth of the events."""
TREE = "events"
SAMPLING_SECONDS = 0.3
"""Between two looks at the memory: looking holds the processes up, so more often would cost them time."""


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


# Running ----------------------------------------------------------------------------------------------------

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


def apart(task: str, *, is_watched: bool = False, **arguments: Any) -> dict[str, float]:
    """Run a task in a process of its own; its result, and the peak memory of it and its children in MB.

    The memory is looked at only if asked for: looking takes time that a second one of two cores may need.
    """
    command = [sys.executable, __file__, "--task", task, json.dumps(arguments, default=str)]
    with tempfile.TemporaryFile("w+") as stream:
        process = subprocess.Popen(command, stdout=stream, text=True)
        watcher = _MemoryWatcher(process.pid)
        if is_watched:
            watcher.start()
        code = process.wait()
        if is_watched:
            watcher.join()
        stream.seek(0)
        printed = stream.read()
    if code:
        sys.exit(f"{task} ended with exit code {code}")
    return json.loads(printed.strip().splitlines()[-1]) | {"peak_mb": watcher.peak_mb}


class _MemoryWatcher(threading.Thread):
    """Watches the memory of a process and its children until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.peak_mb = 0.0

    def run(self) -> None:
        while True:
            try:
                alive = [self.process, *self.process.children(recursive=True)]
                if self.process.status() == psutil.STATUS_ZOMBIE:
                    return
            except psutil.NoSuchProcess:
                return
            self.peak_mb = max(self.peak_mb, 1e-6 * sum(map(_proportional_memory, alive)))
            time.sleep(SAMPLING_SECONDS)


def _proportional_memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def take_turns(
    contenders: Mapping[str, Callable[..., dict[str, float]]], repeats: int
) -> dict[str, list[dict[str, float]]]:
    """Measure each contender once a repeat, each repeat begun by another one; then the memory of each."""
    names = list(contenders)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for repeat in range(repeats):
        shift = repeat % len(names)
        for name in [*names[shift:], *names[:shift]]:
            results[name].append(contenders[name]())
    for name, contender in contenders.items():
        peak_mb = contender(is_watched=True)["peak_mb"]
        results[name] = [measured | {"peak_mb": peak_mb} for measured in results[name]]
    return results


def compare(
    results: Mapping[str, list[dict[str, float]]], ours: str, bare: str, target: str
) -> Iterator[str]:
    """Yield a Markdown table of seconds, with the ratio of speeds in the last row."""
    yield "| | seconds, median (all) | peak MB |"
    yield "|---|---|---|"
    for name, measured in results.items():
        seconds = [item["seconds"] for item in measured]
        peak = measured[0]["peak_mb"]
        listed = ", ".join(f"{value:.2f}" for value in seconds)
        yield f"| {name} | {statistics.median(seconds):.2f} ({listed}) | {peak:.0f} |"
    ratios = [b["seconds"] / o["seconds"] for o, b in zip(results[ours], results[bare], strict=True)]
    spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
    median = statistics.median(ratios)
    yield f"\nRatio of speeds, {ours} over {bare}: **{median:.2f}** ({spread}); target {target}."


def question_convert(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    source = folder / "events.root"
    write_events(source, options.events)
    config = conversion_config(folder, [source])
    results = take_turns(
        {
            "uproot + h5py": partial(apart, "convert_bare", source=source, output=folder / "bare.h5"),
            "rapidity convert": partial(apart, "convert_ours", config=config, output=folder / "ours.h5"),
            "rapidity convert, one process": partial(
                apart, "convert_ours", config=config, output=folder / "ours1.h5", n_workers=1
            ),
        },
        options.repeats,
    )
    size = source.stat().st_size * 1e-6
    yield f"ROOT ({size:.0f} MB) to HDF5: {options.events:,} events, {N_FLAT} flat, two collections.\n"
    yield from compare(results, "rapidity convert", "uproot + h5py", ">= 0.8")
    bare = results["uproot + h5py"]
    yield (
        f"Of the bare seconds, reading takes {statistics.median(item['reading'] for item in bare):.2f} and "
        f"writing {statistics.median(item['writing'] for item in bare):.2f}."
    )


def question_memory(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    yield "Peak memory of all processes of `rapidity convert` together.\n"
    yield "| events | peak MB |"
    yield "|---|---|"
    peaks = []
    for n_events in (options.events // 4, 2 * options.events):
        source = folder / f"events_{n_events}.root"
        write_events(source, n_events)
        config = conversion_config(folder, [source])
        measured = apart("convert_ours", is_watched=True, config=config, output=folder / "memory.h5")
        peaks.append(measured["peak_mb"])
        yield f"| {n_events:,} | {peaks[-1]:.0f} |"
        source.unlink()
        (folder / "memory.h5").unlink()
    yield f"\nRatio: **{peaks[1] / peaks[0]:.2f}**; target within 1.1, below 1,500 MB."


def question_friends(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    source = folder / "events.root"
    if not source.exists():
        write_events(source, options.events)
    model = train_model(folder, source)
    results = take_turns(
        {
            "uproot + ONNX Runtime + uproot": partial(
                apart, "friends_bare", source=source, model=model, output=folder / "bare.root"
            ),
            "rapidity predict": partial(
                apart, "friends_ours", source=source, model=model, output=folder / "friend.root"
            ),
        },
        options.repeats,
    )
    yield f"Scores of {options.events:,} events into a tree beside them; ours with hashes, and verified.\n"
    yield from compare(results, "rapidity predict", "uproot + ONNX Runtime + uproot", ">= 0.8")


def question_streaming(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    source = folder / "labelled.h5"
    write_labelled(source, options.events)
    arguments = {"folder": folder, "source": source, "epochs": 4}
    results = take_turns(
        {
            "in memory": partial(apart, "train_rows", memory=None, **arguments),
            "streamed, 50 MB": partial(apart, "train_rows", memory="50 MB", **arguments),
        },
        options.repeats,
    )
    n_rows = results["in memory"][0]["rows"]
    yield f"An epoch of {n_rows:,.0f} events with its validation: torch, MLP 19-128-128-128-1.\n"
    yield from compare(results, "streamed, 50 MB", "in memory", ">= 0.8")


def question_workers(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    n_events = options.events // 8
    sources = [folder / f"part_{index}.root" for index in range(N_FILES)]
    for index, path in enumerate(sources):
        write_events(path, n_events, seed=index)
    config = conversion_config(folder, sources)
    yield f"Conversion of {N_FILES} files of {n_events:,} events on Dask workers of one thread each.\n"
    dask = {
        _workers(n): partial(
            apart, "convert_ours", config=config, output=folder / "dask.h5", cluster=f"local:{n}"
        )
        for n in (1, 2)
    }
    bare = {_programs(n): partial(convert_side_by_side, folder, sources, n) for n in (1, 2)}
    results = take_turns({**dask, **bare}, options.repeats)
    yield "Cluster started for it:\n"
    yield from compare({name: results[name] for name in dask}, _workers(2), _workers(1), ">= 1.7")
    yield "\nWhat the machine gives: uproot + h5py, each program with its share of the files:\n"
    yield from compare({name: results[name] for name in bare}, _programs(2), _programs(1), "none")
    results = take_turns(
        {_workers(n): partial(convert_on_running, folder, config, n) for n in (1, 2)}, options.repeats
    )
    yield "\nCluster that runs already:\n"
    yield from compare(results, _workers(2), _workers(1), ">= 1.7")


def _workers(n: int) -> str:
    return f"{n} Dask worker{'s' if n > 1 else ''}"


def _programs(n: int) -> str:
    return f"{n} bare program{'s' if n > 1 else ''}"


def convert_side_by_side(
    folder: Path, sources: list[Path], n_programs: int, **options: Any
) -> dict[str, float]:
    """Have bare programs convert the files, which know nothing of each other; the seconds of the last."""
    with ThreadPoolExecutor(n_programs) as pool:
        done = [
            pool.submit(
                apart, "convert_bare_files", sources=sources[index::n_programs],
                output=folder / f"bare{index}.h5", **options,
            )
            for index in range(n_programs)
        ]  # fmt: skip
        measured = [future.result() for future in done]
    return {
        "seconds": max(item["seconds"] for item in measured),
        "peak_mb": sum(item["peak_mb"] for item in measured),
    }


def convert_bare_files(sources: list[Path], output: Path) -> dict[str, float]:
    """Convert one file after the other, into the same output."""
    _import_file_libraries()
    start = time.perf_counter()
    for source in sources:
        convert_bare(source, output)
    return {"seconds": time.perf_counter() - start}


def convert_on_running(folder: Path, config: Path, n_workers: int, **options: Any) -> dict[str, float]:
    """Convert on a scheduler and workers that have been started, and have read a file already."""
    from rapidity.workflow.execution.child import KEEPING_MEMORY
    from rapidity.workflow.execution.dask_jobs import NANNY_SETTING

    where = folder / "scheduler.json"
    local = ["--host", "127.0.0.1", "--scheduler-file", str(where)]
    programs = {
        "dask_scheduler": ["--port", "0", "--dashboard-address", "127.0.0.1:0"],
        "dask_worker": ["--nworkers", str(n_workers), "--nthreads", "1", "--no-dashboard"],
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *local, *arguments],
            env={**os.environ, NANNY_SETTING: str(KEEPING_MEMORY), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.DEVNULL,
        )
        for name, arguments in programs.items()
    ]
    try:
        return apart(
            "convert_twice", folder=folder, config=config, scheduler=where, n_workers=n_workers, **options
        )
    finally:
        for process in started:
            process.terminate()
            process.wait()
        where.unlink(missing_ok=True)


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


QUESTIONS = {
    "convert": question_convert,
    "memory": question_memory,
    "friends": question_friends,
    "streaming": question_streaming,
    "workers": question_workers,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument(
        "--folder", type=Path, help="where to put the files; some GB. [default: a temporary one]"
    )
    parser.add_argument("--task", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        name, arguments = options.task
        print(json.dumps(TASKS[name](**json.loads(arguments))))
        return
    print(f"{describe_machine()}\n")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for name in options.only:
            print(f"### {name}\n")
            for line in QUESTIONS[name](Path(folder), options):
                print(line, flush=True)
            print()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
