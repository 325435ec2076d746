"""Time and memory of reading images from nested Parquet lists, against the raw read of the file by Arrow.

Run: OMP_NUM_THREADS=1 python benchmarks/image_reading.py [--images 4000] [--repeats 3]

Images of jets, `X_jets` of 3 x 125 x 125 double-precision pixels as lists of lists of lists, as in the open
data of CMS. The raw read is `pyarrow.parquet`, one row group after the other, into Arrow's own memory;
Rapidity reads and also converts to float32 arrays. Each measurement runs in a process of its own; they take
turns, so that a busy moment of the machine meets them alike. Target: at least half the speed of the raw read,
with memory that does not grow with the file.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from own_process import measure_file, peak_memory_mb

SHAPE = (3, 125, 125)
GROUP_IMAGES = 500
CENTRE, WIDTH = 62, 15


def write_sample(path: Path, n_images: int) -> None:
    """Write sparse images, some hundred filled pixels of 46,875, beside `pt`, `m0` and `y`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(1)
    nested = pa.list_(pa.list_(pa.list_(pa.float64())))
    schema = pa.schema([("X_jets", nested), *((name, pa.float64()) for name in ("pt", "m0", "y"))])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, n_images, GROUP_IMAGES):
            images = make_images(rng, min(GROUP_IMAGES, n_images - start))
            scalars = [pa.array(rng.uniform(50, 150, len(images))) for _ in ("pt", "m0", "y")]
            writer.write_table(pa.table([to_lists(images), *scalars], schema=schema))


def make_images(rng: np.random.Generator, n_images: int) -> np.ndarray:
    """Return images ``(n_images, 3, 125, 125)`` with deposits around their middle."""
    images = np.zeros((n_images, *SHAPE))
    for image in images:
        n_filled = rng.poisson(300)
        rows, columns = np.clip(rng.normal(CENTRE, WIDTH, (2, n_filled)), 0, 124).astype(int)
        image[rng.integers(0, 3, n_filled), rows, columns] = rng.exponential(0.5, n_filled)
    return images


def to_lists(images: np.ndarray) -> object:
    """Return images as an Arrow array of lists of lists of lists."""
    import pyarrow as pa

    values = pa.array(images.ravel())
    for length in reversed(images.shape[1:]):
        values = pa.ListArray.from_arrays(
            pa.array(np.arange(0, len(values) + 1, length, dtype=np.int32)), values
        )
    return values


def read_with_pyarrow(path: Path) -> int:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    return sum(
        file.read_row_group(group, columns=["X_jets"]).num_rows for group in range(file.num_row_groups)
    )


def read_as_objects(path: Path) -> int:
    """Read a few images the way of `to_pylist`, which is what the nested lists tempt to."""
    import pyarrow.parquet as pq

    batch = next(pq.ParquetFile(path).iter_batches(batch_size=N_OBJECTS, columns=["X_jets"]))
    return len(np.array(batch.column(0).to_pylist(), np.float32))


N_OBJECTS = 100


def read_with_rapidity(path: Path) -> int:
    from rapidity.data.column_types import rows_at_once
    from rapidity.data.readers import open_reader

    wanted = {"X_jets": np.dtype((np.float32, SHAPE))}
    chunks = open_reader(path).read(wanted, rows_at_once(wanted))
    return sum(len(chunk["X_jets"]) for chunk in chunks)


MEASUREMENTS = {
    "pyarrow, row groups": read_with_pyarrow,
    "rapidity, float32 arrays": read_with_rapidity,
    "Python lists, 100 images": read_as_objects,
}


def measure_here(name: str, path: Path) -> dict[str, float]:
    start, cpu_start = time.perf_counter(), time.process_time()
    n_images = MEASUREMENTS[name](path)
    cpu_seconds = time.process_time() - cpu_start
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": cpu_seconds,
        "peak_mb": peak_memory_mb(),
        "images": n_images,
    }


def run(path: Path, larger: Path, n_repeats: int) -> None:
    turns = [{name: measure_file(__file__, name, path) for name in MEASUREMENTS} for _ in range(n_repeats)]
    raw, ours = tuple(MEASUREMENTS)[:2]
    n_images = round(turns[0][raw]["images"])
    print(f"{n_images:,} images of {SHAPE}, {path.stat().st_size * 1e-6:.0f} MB of Parquet, "
          f"{n_images * 8 * np.prod(SHAPE) * 1e-6:,.0f} MB of pixels; {platform.machine()}\n")  # fmt: skip
    print("| | images/s of processor time, median (all) | peak MB |\n|---|---|---|")
    for name in MEASUREMENTS:
        rates = [turn[name]["images"] / turn[name]["cpu_seconds"] for turn in turns]
        peak = statistics.median(turn[name]["peak_mb"] for turn in turns)
        listed = ", ".join(f"{rate:,.0f}" for rate in rates)
        print(f"| {name} | {statistics.median(rates):,.0f} ({listed}) | {peak:,.0f} |")
    ratios = sorted(turn[raw]["cpu_seconds"] / turn[ours]["cpu_seconds"] for turn in turns)
    print(f"\nSpeed over the raw one: {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}; "
          "target 0.5).")  # fmt: skip
    peaks = [measure_file(__file__, ours, file)["peak_mb"] for file in (path, larger)]
    print(f"Peak memory of Rapidity for this file {peaks[0]:,.0f} MB, for three times as many images "
          f"{peaks[1]:,.0f} MB.")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure_here(options.measure, options.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path, larger = Path(folder) / "images.parquet", Path(folder) / "larger.parquet"
        write_sample(path, options.images)
        write_sample(larger, 3 * options.images)
        run(path, larger, options.repeats)


if __name__ == "__main__":
    main()
