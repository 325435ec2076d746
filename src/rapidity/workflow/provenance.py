"""Where a result comes from: versions, seeds, hashes of data and configuration, times."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.config import config_fingerprint
from rapidity.core.files import hash_file
from rapidity.data.readers import FORMATS, find_listed_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rapidity.config import RunConfig

RECORDED_PACKAGES = (
    "rapidity",
    "numpy",
    "onnx",
    "onnxruntime",
    "torch",
    "uproot",
    "h5py",
    "pyarrow",
    "scikit-learn",
)


def begin_record(
    config: RunConfig, data_sha256: Mapping[str, str], warnings: Sequence[str]
) -> dict[str, object]:
    """Return what run.json says when a run begins."""
    split = None if config.training.folds is not None else config.preparation.split
    return {
        "name": config.name,
        "started": timestamp(),
        "finished": None,
        "command": sys.argv,
        "versions": collect_versions(),
        "machine": describe_machine(),
        "seeds": {
            "training": config.training.seed,
            "split": getattr(split, "seed", None),
        },
        "config_sha256": config_fingerprint(config),
        "data_sha256": dict(data_sha256),
        "warnings": list(warnings),
    }


def collect_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that take part in a run, as installed."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for package in RECORDED_PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def describe_machine() -> dict[str, str | int]:
    """Return what the machine is: processor, number of cores."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    return {"processor": model, "cores": os.cpu_count() or 1}


def hash_files(files: Iterable[str | Path]) -> dict[str, str]:
    """Return path -> SHA-256 of the content, for every file or folder of the data."""
    return {str(path): _hash(Path(path)) for path in dict.fromkeys(files)}


def _hash(path: Path) -> str:
    """Return the SHA-256 of a file.

    Of a folder that of the names and hashes of all files in it, of a list of pictures that of its own hash
    and those of the pictures, in their order.
    """
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file())
        lines = [f"{file.relative_to(path).as_posix()} {hash_file(file)}" for file in inside]
    else:
        is_text = not set(path.suffixes).isdisjoint(FORMATS["csv"].suffixes)
        pictures = find_listed_pictures(path) if is_text else []
        if not pictures:
            return hash_file(path)
        lines = [hash_file(file) for file in (path, *pictures)]
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def timestamp() -> str:
    """Return the time now, in UTC, as ISO 8601."""
    return datetime.now(tz=UTC).isoformat(timespec="seconds")


class Stopwatch:
    """Seconds of each stage of a run.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch.stage("reading"):
    ...     pass
    >>> list(watch.seconds)
    ['reading']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a ``with`` block; blocks of the same name add up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)
