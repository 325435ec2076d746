"""Samples of images: block after block into one HDF5 file, in flat memory."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.files import write_atomically
from rapidity.samples.output import check_path, package_version
from rapidity.samples.sample import ImageSampleSummary
from rapidity.samples.simulated_rows import write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rapidity.core.progress import Progress
    from rapidity.samples.sample import ImageSample, SimulatedImages
    from rapidity.samples.simulated_rows import RowOptions

BLOCK_SIZE = 1_000
"""Images; a multiple of the number of classes. A quarter of a second and some 50 MB while a block is made."""


def generate_images(
    sample: ImageSample, path: Path | str, options: RowOptions, progress: Progress | None = None
) -> ImageSampleSummary:
    """Simulate images and write them as HDF5: one dataset of images, one of classes, one of each true number.

    Raises
    ------
    DataError
        If a number makes no sense or the file cannot be written.
    """
    start = time.monotonic()
    options.check(sample, "images")
    file = Path(path)
    check_path(file)
    with _open_file(file, sample, options.seed, labelled=options.labelled) as datasets:

        def write(
            class_index: NDArray[np.int64], simulated: SimulatedImages, number: NDArray[np.int64]
        ) -> None:
            n_rows = len(class_index)
            rows: dict[str, NDArray[Any]] = {sample.images: simulated.images[:n_rows]}
            if options.labelled:
                rows[sample.target] = class_index.astype(np.int8)
                rows |= {name: values[:n_rows] for name, values in simulated.truth.items()}
            else:
                rows[sample.identifier] = number
            for name, values in rows.items():
                datasets[name].append(values)

        n_of_class = write_rows(sample, options, BLOCK_SIZE, write, "image", progress)
    return ImageSampleSummary(sample.name, file, n_of_class, options.n_workers, time.monotonic() - start)


@contextmanager
def _open_file(path: Path, sample: ImageSample, seed: int, *, labelled: bool) -> Iterator[dict[str, Any]]:
    """Yield what takes the images, and what takes one number of each, by the names in the file."""
    # Imported here: h5py takes its time, and `rapidity --help` should not wait for it.
    from rapidity.data.writers.hdf5_chunks import ChunkedDataset
    from rapidity.data.writers.hdf5_file import create_hdf5
    from rapidity.data.writers.writer import FORMAT_VERSION

    with (
        write_atomically(path) as temporary,
        create_hdf5(temporary) as (file, _),
        ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="compress") as pool,
    ):

        def make(name: str, dtype: str, shape: tuple[int, ...] = (), **attributes: Any) -> ChunkedDataset:
            dataset = ChunkedDataset(file, name, np.dtype(dtype), shape, "gzip", pool)
            dataset.attributes |= attributes
            return dataset

        units = json.dumps(dict(sample.channels))
        channels = list(sample.channels)
        datasets = {sample.images: make(sample.images, "f4", sample.shape, units=units, channels=channels)}
        if labelled:
            datasets[sample.target] = make(sample.target, "i1", class_names=list(sample.classes))
            datasets |= {name: make(name, "f4", unit=unit, truth=True) for name, unit in sample.truth.items()}
        else:
            datasets[sample.identifier] = make(sample.identifier, "i8")
        yield datasets
        for dataset in datasets.values():
            dataset.finish()
        versions = {f"{package}_version": package_version(package) for package in ("rapidity", "numpy")}
        about = {
            "rapidity_format": FORMAT_VERSION,
            "sample": sample.name,
            "title": sample.title,
            "seed": seed,
        }
        for key, value in {**about, **versions}.items():
            file.attrs[key] = value
