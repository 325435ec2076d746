"""Samples of images: block after block into one HDF5 file, in flat memory."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.files import write_atomically
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.samples.ordered_blocks import blocks_in_order, check_numbers
from rapidity.samples.output import check_path, package_version
from rapidity.samples.sample import ImageSampleSummary
from rapidity.samples.workers import default_workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rapidity.core.progress import Progress
    from rapidity.samples.sample import ImageSample

BLOCK_SIZE = 1_000
"""Images; a multiple of the number of classes. A quarter of a second and some 50 MB while a block is made."""


def generate_images(
    sample: ImageSample,
    path: Path | str,
    *,
    n_images: int,
    seed: int,
    labelled: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ImageSampleSummary:
    """Simulate images and write them as HDF5: one dataset of images, one of classes, row by row.

    Each class has the same number of images (up to one), in random order.

    Parameters
    ----------
    n_images
        Rows of the file. A smaller sample is the beginning of a larger one.
    labelled
        Write the class of each image; else, in its place, a running number from 0. The images are the same.
    workers
        Threads; None for one a processor. The file does not depend on it.

    Raises
    ------
    DataError
        If a number makes no sense or the file cannot be written.
    """
    start = time.monotonic()
    n_workers = default_workers() if workers is None else workers
    check_numbers(sample.name, "events (images)", n_images, seed, n_workers)
    file = Path(path)
    check_path(file)
    counts = np.zeros(len(sample.classes), dtype=np.int64)
    blocks = blocks_in_order(partial(make_block, sample, seed), -(-n_images // BLOCK_SIZE), n_workers)
    title = f"Generating {sample.name}"
    with (
        (progress or SilentProgress()).task(title, total=n_images, unit="image") as task,
        _open_file(file, sample, seed, labelled=labelled) as datasets,
    ):
        for class_index, images in blocks:
            n_before = int(counts.sum())
            n_taken = min(len(images), n_images - n_before)
            identity = np.arange(n_before, n_before + n_taken, dtype=np.int64)
            datasets[sample.images].append(images[:n_taken])
            datasets["row"].append(class_index[:n_taken].astype(np.int8) if labelled else identity)
            counts += np.bincount(class_index[:n_taken], minlength=len(counts))
            task.advance(n_taken)
    n_of_class = dict(zip(sample.classes, counts.tolist(), strict=True))
    return ImageSampleSummary(sample.name, file, n_of_class, n_workers, time.monotonic() - start)


def make_block(sample: ImageSample, seed: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the classes (as indices) and the images of one block; each class once in every group."""
    rng = make_generator(seed, sample.name, number)
    n_classes = len(sample.classes)
    groups = np.tile(np.arange(n_classes), (BLOCK_SIZE // n_classes, 1))
    class_index = rng.permuted(groups, axis=1).ravel()
    return class_index, sample.simulate(class_index, rng)


@contextmanager
def _open_file(path: Path, sample: ImageSample, seed: int, *, labelled: bool) -> Iterator[dict[str, Any]]:
    """Yield what takes the images, and (as `row`) what takes one number of each."""
    # Imported here: h5py takes its time, and `rapidity --help` should not wait for it.
    from rapidity.data.writers.hdf5_chunks import ChunkedDataset
    from rapidity.data.writers.hdf5_file import create_hdf5
    from rapidity.data.writers.writer import FORMAT_VERSION

    with (
        write_atomically(path) as temporary,
        create_hdf5(temporary) as (file, _),
        ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="compress") as pool,
    ):
        images = ChunkedDataset(file, sample.images, np.dtype("f4"), sample.shape, "gzip", pool)
        images.attributes["units"] = json.dumps(dict(sample.channels))
        images.attributes["channels"] = list(sample.channels)
        name, dtype = (sample.target, np.dtype("i1")) if labelled else (sample.identifier, np.dtype("i8"))
        row = ChunkedDataset(file, name, dtype, (), "gzip", pool)
        if labelled:
            row.attributes["class_names"] = list(sample.classes)
        yield {sample.images: images, "row": row}
        images.finish()
        row.finish()
        versions = {f"{package}_version": package_version(package) for package in ("rapidity", "numpy")}
        about = {
            "rapidity_format": FORMAT_VERSION,
            "sample": sample.name,
            "title": sample.title,
            "seed": seed,
        }
        for key, value in {**about, **versions}.items():
            file.attrs[key] = value
