"""Time and memory of reading a large gzipped CSV, against `pyarrow.csv` alone.

Run: python benchmarks/reading.py [--rows 1200000] [--repeats 3] [--file FILE]

Each measurement runs in a process of its own, so that its peak memory is its own; they take turns, so
that a busy moment of the machine meets them alike. Target: at most 2 times the time of `pyarrow.csv`,
at most 3 times the memory of the float32 table.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from own_process import measure_file, peak_memory_mb

N_FEATURES = 49
BLOCK_ROWS = 50_000
CLASSES = ("Electron", "Ghost", "Kaon", "Muon", "Pion", "Proton")


def write_sample(path: Path, n_rows: int) -> None:
    """Write a file like LHCb's `training.csv.gz`: 49 numbers of various lengths, some -999, a class."""
    rng = np.random.default_rng(1)
    block = _make_block(rng, min(n_rows, BLOCK_ROWS))
    header = ",".join([*(f"feature_{index}" for index in range(N_FEATURES)), "Label"])
    with gzip.open(path, "wb", compresslevel=4) as stream:
        stream.write(header.encode() + b"\n")
        lines = block.splitlines(keepends=True)
        for start in range(0, n_rows, BLOCK_ROWS):
            stream.write(b"".join(lines[: n_rows - start]))


def _make_block(rng: np.random.Generator, n_rows: int) -> bytes:
    import pyarrow as pa
    import pyarrow.csv as pc

    columns = {}
    for index in range(N_FEATURES):
        kind = index % 7
        values = rng.normal(0, 10.0 ** (index % 5), n_rows)
        if kind < 4:
            values = values.round(4)
        elif kind == 4:
            values = rng.integers(0, 2, n_rows).astype(float)
        elif kind == 5:
            values = np.where(rng.random(n_rows) < 0.3, -999.0, rng.exponential(1000.0, n_rows).round(3))
        columns[f"feature_{index}"] = values
    columns["Label"] = np.array(CLASSES)[rng.integers(0, len(CLASSES), n_rows)]
    text = io.BytesIO()
    pc.write_csv(pa.table(columns), text, pc.WriteOptions(include_header=False, quoting_style="none"))
    return text.getvalue()


def read_with_pyarrow(path: Path) -> int:
    import pyarrow.csv as pc

    return pc.read_csv(path).num_rows


def read_with_rapidity(path: Path) -> int:
    from rapidity.data.readers import open_reader

    reader = open_reader(path)
    dtypes = {name: object if info.kind == "text" else np.float32 for name, info in reader.columns.items()}
    chunks = list(reader.read(dtypes))
    # Joined column by column, so that no more than one column is in memory twice.
    table = {name: np.concatenate([chunk.pop(name) for chunk in chunks]) for name in dtypes}
    return len(table["Label"])


def prepare_with_rapidity(path: Path) -> int:
    """Read, split, fit the preparation and apply it to all splits, as a run does before training."""
    from rapidity.config import Guards, RunConfig
    from rapidity.workflow.prepare import prepare_run

    config = RunConfig.model_validate(
        {
            "name": "reading",
            "data": {
                "sources": [{"path": str(path)}],
                "target": "Label",
                "guards": dict.fromkeys(Guards.model_fields, "off"),
            },
            "inputs": {"track": {"columns": "all"}},
            "preparation": {"missing": {"sentinels": [-999], "indicator": True}},
        }
    )
    prepared = prepare_run(config, path.parent)
    return sum(
        batch.n_events
        for batch in (prepared.train_batch(), prepared.validation_batch(), prepared.test_batch())
    )


MEASUREMENTS = {
    "pyarrow.csv": read_with_pyarrow,
    "rapidity: read": read_with_rapidity,
    "rapidity: + prepare": prepare_with_rapidity,
}


def measure_here(name: str, path: Path) -> dict[str, float]:
    start = time.perf_counter()
    n_rows = MEASUREMENTS[name](path)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": peak_memory_mb(), "rows": n_rows}


def run(path: Path, n_rows: int, n_repeats: int) -> None:
    results: dict[str, list[dict[str, float]]] = {name: [] for name in MEASUREMENTS}
    for _ in range(n_repeats):
        for name, measured in results.items():
            measured.append(measure_file(__file__, name, path))
    table_mb = n_rows * N_FEATURES * 4 * 1e-6
    print(f"{n_rows:,} rows x {N_FEATURES} columns, {path.stat().st_size * 1e-6:.0f} MB gzipped; "
          f"float32 table {table_mb:.0f} MB; {os.cpu_count()} cores, {platform.machine()}; "
          f"median of {n_repeats}")  # fmt: skip
    print(f"{'':20}{'seconds':>10}{'ratio':>10}{'peak MB':>10}{'/ table':>10}")
    base = statistics.median(result["seconds"] for result in results["pyarrow.csv"])
    for name, measured in results.items():
        assert all(result["rows"] == n_rows for result in measured)
        seconds = statistics.median(result["seconds"] for result in measured)
        peak = statistics.median(result["peak_mb"] for result in measured)
        print(f"{name:20}{seconds:10.2f}{seconds / base:10.2f}{peak:10.0f}{peak / table_mb:10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_200_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--file", type=Path, help="use this file, and make it if it is not there")
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure_here(options.measure, options.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "sample.csv.gz"
        if not path.exists():
            write_sample(path, options.rows)
        run(path, options.rows, options.repeats)


if __name__ == "__main__":
    main()
