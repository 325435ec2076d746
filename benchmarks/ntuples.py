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
import os
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntuple_tasks import N_FLAT, conversion_config, train_model, write_events, write_labelled
from own_process import run_task
from training import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

N_FILES = 32
"""For the Dask workers; each an eighth of the events."""
apart = partial(run_task, Path(__file__).with_name("ntuple_tasks.py"))
"""Runs a task of `ntuple_tasks.py` in a process of its own."""


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
    options = parser.parse_args()
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
