"""From data files to a starter configuration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ConfigError, DataError, shorten
from rapidity.core.files import write_text
from rapidity.core.progress import SilentProgress
from rapidity.data.readers import find_files
from rapidity.data.row_hash import hash_rows
from rapidity.workflow.starter.classes import (
    classes_of_column,
    classes_of_files,
    classes_of_flags,
    guess_target,
    name_file_classes,
    name_files,
)
from rapidity.workflow.starter.collections import Collection, find_collections, find_counts, why_not
from rapidity.workflow.starter.document import write_document
from rapidity.workflow.starter.roles import Role, find_roles, other_split
from rapidity.workflow.starter.sample import SampledFile, join, open_widest, sample_file
from rapidity.workflow.starter.splits import name_splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.progress import Progress
    from rapidity.data.readers import ColumnInfo
    from rapidity.workflow.starter.classes import Classes
    from rapidity.workflow.starter.roles import Part
    from rapidity.workflow.starter.sample import Values

_ONE_VALUE = {"float32", "float64", "integer", "boolean", "text"}
"""Kinds of columns with one value per event."""


@dataclass(frozen=True)
class Findings:
    """What was found in the files.

    Attributes
    ----------
    roles
        Column with one value per entry -> what becomes of it.
    images
        Input name -> column of arrays with two or three axes.
    n_duplicates
        Sampled entries that equal an earlier one of their class in all features.
    splits
        Split that each file is named like; None where files are not named so.
    """

    files: tuple[SampledFile, ...]
    classes: Classes
    values: Mapping[str, Values]
    roles: Mapping[str, Role]
    collections: tuple[Collection, ...]
    images: Mapping[str, ColumnInfo]
    n_duplicates: int
    is_table_named: bool = False
    splits: tuple[str, ...] | None = None

    @property
    def n_training(self) -> int:
        """Number of entries that may be trained on, those for validation among them as far as none is."""
        splits = self.splits or ("train",) * len(self.files)
        return sum(file.n_entries for file, split in zip(self.files, splits, strict=True) if split == "train")

    def of_part(self, part: Part) -> list[tuple[str, Role]]:
        """Return the columns of one part, in the order of the file."""
        return [(name, role) for name, role in self.roles.items() if role.part == part]

    @cached_property
    def left_out(self) -> dict[str, str]:
        """Columns that the configuration does not use, and why."""
        columns = self.files[0].columns
        reasons = {name: role.reason for name, role in self.of_part("left out")}
        used = {text for item in self.collections for text in item.features}
        for name, info in columns.items():
            in_all = all(name in file.columns for file in self.files)
            if name in reasons or name in self.roles or name in {self.classes.target, *self.classes.flags}:
                continue
            if any(name in text for text in used) or any(
                name == image.name for image in self.images.values()
            ):
                continue
            reason = other_split(name, self.classes.target) or why_not(name, self.values.get(name))
            reasons[name] = (reason or info.type_name) if in_all else "not in all files"
        return reasons

    @property
    def has_nan(self) -> bool:
        """Whether features may be NaN: in the files, or where an event has too few objects."""
        in_columns = any(role.has_nan for _, role in self.of_part("feature"))
        return in_columns or any(item.has_gaps for item in self.collections)

    @property
    def has_infinite(self) -> bool:
        """Whether features may be infinite."""
        return any(role.has_infinite for _, role in self.of_part("feature"))

    @property
    def has_negative_weights(self) -> bool:
        """Whether the event weight has both signs."""
        return any(bool((self._numbers(name) < 0).any()) for name, _ in self.of_part("event weight"))

    def _numbers(self, name: str) -> NDArray[Any]:
        values: NDArray[Any] = self.values[name]
        return values

    def class_sums(self) -> dict[str, float]:
        """Return the sum of absolute event weights of each class; without weights its number of entries."""
        weights = self.of_part("event weight")
        names = list(self.classes.counts)
        if not weights:
            return {name: float(count) for name, count in self.classes.counts.items()}
        known = self.classes.index >= 0
        absolute = np.abs(self._numbers(weights[0][0])[known])
        sums = np.bincount(self.classes.index[known], absolute, minlength=len(names))
        return dict(zip(names, sums.tolist(), strict=True))


@dataclass(frozen=True)
class Starter:
    """A starter configuration.

    Attributes
    ----------
    name
        Of the run.
    text
        The YAML text.
    """

    name: str
    text: str
    findings: Findings


def make_starter(
    files: Sequence[str | Path],
    *,
    target: str | None = None,
    table: str | None = None,
    name: str | None = None,
    folder: Path | str = ".",
    progress: Progress | None = None,
) -> Starter:
    """Return a configuration that trains on some files as they are.

    Parameters
    ----------
    files
        Files or globs in any readable format. Without a column that holds the class each is one class.
        Names such as ``train.npz`` and ``test.npz`` say which split a file is.
    target
        Column that holds the class; None looks for one by its name, then for flags of which one is 1.
    table
        Tree or dataset inside the files; None takes the widest.
    folder
        Where the configuration will lie.

    Raises
    ------
    DataError
        If a file cannot be read, nothing can be learnt from the columns, or there is only one class.
    """
    paths = [path for pattern in files for path in find_files(str(pattern))]
    if not paths:
        message = "no file is given. Name the files of events: rapidity init signal.root background.root"
        raise DataError(message)
    target = target or _guess_target(paths[0], table)
    with (progress or SilentProgress()).task("Reading", total=len(paths), unit="file") as task:
        sampled = []
        for path in paths:
            sampled.append(sample_file(path, table, target))
            task.advance()
    findings = _find(tuple(sampled), target, is_table_named=table is not None)
    name = name or _name_run(paths, findings.classes, has_splits=findings.splits is not None)
    return Starter(name, write_document(findings, name, Path(folder)), findings)


def write_starter(starter: Starter, path: Path | str, *, overwrite: bool = False) -> None:
    """Write the configuration; a file that is there stays unless `overwrite`."""
    path = Path(path)
    if path.exists() and not overwrite:
        message = f"{path} exists already. Give --overwrite to replace it, or another --output."
        raise ConfigError(message)
    write_text(path, starter.text)


def _name_run(paths: Sequence[Path], classes: Classes, *, has_splits: bool) -> str:
    """Return a name for the run: of the one file, of the two classes, or of the folder."""
    if classes.target is None and len(classes.counts) == 2:
        return "-vs-".join(classes.counts)
    if has_splits or len(paths) > 1:
        return paths[0].resolve().parent.name
    return name_files(paths)[0]


def _guess_target(path: Path, table: str | None) -> str | None:
    """Return the column that is named like a class, from the description of the file alone."""
    columns = open_widest(path, table).columns
    return guess_target([name for name, info in columns.items() if info.kind in _ONE_VALUE])


def _find_classes(
    files: tuple[SampledFile, ...], target: str | None, splits: Sequence[str] | None
) -> Classes:
    if target is not None:
        return classes_of_column(target, files)
    classes = classes_of_files(files, splits)
    if len(classes.counts) > 1:
        return classes
    flags = classes_of_flags(files)
    if flags is None:
        columns = shorten(files[0].columns)
        message = (
            f"{files[0].path}: which column holds the class? None of its columns is named like one, and no "
            "group of columns has exactly one 1 in every entry (or several have). Give it: "
            f"rapidity init {files[0].path} --target COLUMN, or a file for each class. Columns: {columns}."
        )
        raise DataError(message)
    return flags


def _find_splits(paths: Sequence[Path], target: str | None) -> tuple[str, ...] | None:
    """Return the split that each file is named like, if every split then has every class."""
    splits = name_splits(paths)
    if splits is None or target is not None:
        return splits
    classes = set(name_file_classes(paths, splits))
    there = set(zip(splits, name_file_classes(paths, splits), strict=True))
    is_whole = len(there) == len(set(splits)) * len(classes)
    return splits if is_whole else None


def _find(files: tuple[SampledFile, ...], target: str | None, *, is_table_named: bool) -> Findings:
    splits = _find_splits([file.path for file in files], target)
    classes = _find_classes(files, target, splits)
    shared = [name for name in files[0].values if all(name in file.values for file in files)]
    values = {name: join([file.values[name] for file in files]) for name in shared}
    sizes = [len(next(iter(file.values.values()))) for file in files]
    roles = find_roles(values, classes, np.repeat(np.arange(len(files)), sizes))
    collections = tuple(find_collections(files[0].columns, values))
    roles |= {
        name: Role("left out", f"the number of objects of '{collection}', which a feature counts")
        for name, collection in find_counts(files[0].columns, values).items()
        if name in roles and roles[name].part == "feature"
    }
    roles |= {
        name: Role("left out", "truth, as the file says")
        for name, role in roles.items()
        if role.part == "feature" and files[0].columns[name].is_truth
    }
    images = find_images(files[0].columns, classes.target)
    features = [name for name, role in roles.items() if role.part == "feature"]
    if not features and not images and not any(item.features for item in collections):
        listed = shorten(f"{name} ({role.reason})" for name, role in roles.items())
        message = (
            f"nothing in {files[0].path} can be learnt from: {listed or 'no column'}. Expected columns "
            "of numbers with more than one value. Name the table that holds the events with --table."
        )
        raise DataError(message)
    numbers = [values[name] for name in features]
    n_duplicates = _count_duplicates(numbers, classes) if not (collections or images) else 0
    return Findings(files, classes, values, roles, collections, images, n_duplicates, is_table_named, splits)


def find_images(columns: Mapping[str, ColumnInfo], target: str | None) -> dict[str, ColumnInfo]:
    """Return the columns of pictures, by the name of their input; none without a column of the class."""
    if target is None:
        return {}
    found = [
        info
        for info in columns.values()
        if info.kind == "array" and len(info.shape) in {2, 3} and not other_split(info.name, target)
    ]
    return {"image" if len(found) == 1 else info.name: info for info in found}


def _count_duplicates(features: Sequence[Any], classes: Classes) -> int:
    if not features:
        return 0
    hashes = hash_rows(features, start=classes.index.astype(np.uint64))
    return len(hashes) - len(np.unique(hashes))
