"""What is to be told apart: by a column, by flags, or by the files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, MissingNameError, closest, shorten
from rapidity.data.targets import canonical_value, show_value
from rapidity.workflow.starter.flags import find_flag_groups, flag_codes, flag_formula, name_flag_classes
from rapidity.workflow.starter.sample import join, read_whole
from rapidity.workflow.starter.splits import stem_of, without_split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.workflow.starter.sample import SampledFile

MAX_CLASSES = 30
TARGET_NAMES = frozenset(
    [
        "label", "labels", "class", "target", "y", "truth", "category", "particle", "process",
        "signal", "issignal",
    ]
)  # fmt: skip
"""Names, without underscores and in small letters, of columns that usually hold the class."""


@dataclass(frozen=True)
class Classes:
    """The classes of the events.

    Attributes
    ----------
    target
        Column that holds the class, or the formula that tells it; None where files are classes.
    counts
        Class name -> number of entries, in class order.
    values
        Class name -> value of the target column, where the two differ.
    index
        Class of each sampled entry, files one after the other ``(n_kept,)``; -1 where it is missing.
    flags
        Columns of which exactly one is 1 in every entry, if `target` is a formula of these.
    of_files
        Class of each file, where files are classes.
    """

    target: str | None
    counts: Mapping[str, int]
    values: Mapping[str, Any]
    index: NDArray[np.int64]
    flags: tuple[str, ...] = ()
    of_files: tuple[str, ...] = ()


def guess_target(columns: Sequence[str]) -> str | None:
    """Return the column that by its name holds the class, if there is one such.

    Examples
    --------
    >>> guess_target(["pt", "Label"]), guess_target(["pt", "label", "class"])
    ('Label', None)
    """
    found = [name for name in columns if name.replace("_", "").lower() in TARGET_NAMES]
    return found[0] if len(found) == 1 else None


def classes_of_column(target: str, files: Sequence[SampledFile]) -> Classes:
    """Return the classes that a column holds.

    Raises
    ------
    MissingNameError
        If a file lacks the column.
    DataError
        If it has one value only, or too many for a class.
    """
    for file in files:
        if target not in file.columns:
            near = closest(target, file.columns)
            hint = f"Closest: {shorten(near)}." if near else f"Columns: {shorten(file.columns)}."
            message = f"--target: {file.path} has no column '{target}'. {hint}"
            raise MissingNameError(message)
        if file.target_values is None:
            message = (
                f"--target: column '{target}' of {file.path} holds {file.columns[target].type_name}, "
                "expected one number or text per entry. Name a column that holds the class."
            )
            raise DataError(message)
    all_values = [file.target_values for file in files if file.target_values is not None]
    labels = files[0].columns[target].labels
    distinct, counts = _count(np.concatenate(all_values), labels)
    if not 2 <= len(distinct) <= MAX_CLASSES:
        shown = shorten(show_value(value) or "nothing" for value in distinct)
        message = (
            f"--target: column '{target}' has {len(distinct)} different values ({shown}), expected 2 to "
            f"{MAX_CLASSES} classes. Name a column that holds the class."
        )
        raise DataError(message)
    names = _class_names(distinct, labels)
    sampled = [canonical_value(v) for file in files for v in _numbers_of(file, target).tolist()]
    index = {value: position for position, value in enumerate(distinct)}
    return Classes(
        target,
        dict(zip(names, counts, strict=True)),
        {name: value for name, value in zip(names, distinct, strict=True) if name != value},
        np.array([index.get(value, -1) for value in sampled], np.int64),
    )


def _numbers_of(file: SampledFile, target: str) -> NDArray[Any]:
    values: NDArray[Any] = file.values[target]
    return values


def _count(values: NDArray[Any], labels: Sequence[str]) -> tuple[list[Any], list[int]]:
    """Return the different values that are no missing ones, in order, and how often each stands there.

    Names that stand for codes have the order of the codes: 1 is the signal, whatever it is called.
    """
    if values.dtype == object:
        values = values[values != ""].astype(str)
    elif values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    distinct, counts = np.unique(values, return_counts=True)
    found = [canonical_value(value) for value in distinct.tolist()]
    order = sorted(range(len(found)), key=lambda i: labels.index(found[i]) if found[i] in labels else -1)
    return [found[i] for i in order], [int(counts[i]) for i in order]


def _class_names(values: Sequence[Any], labels: Sequence[str]) -> list[str]:
    if all(value in range(len(labels)) for value in values):
        return [labels[int(value)] for value in values]
    if set(values) == {0, 1}:
        return ["background", "signal"]
    return [value if isinstance(value, str) else f"class_{show_value(value)}" for value in values]


def classes_of_flags(files: Sequence[SampledFile]) -> Classes | None:
    """Return the classes of columns of which exactly one is 1 in every entry; None without one such group.

    The group is looked for in the sampled entries, and must hold for all the others.
    """
    shared = [name for name in files[0].values if all(name in file.values for file in files)]
    groups = find_flag_groups({name: join([file.values[name] for file in files]) for name in shared})
    if len(groups) != 1:
        return None
    flags = groups[0]
    numbers = 2 ** np.arange(len(flags))
    sizes = np.zeros(len(flags), dtype=np.int64)
    for file in files:
        whole = flag_codes(read_whole(file, flags), flags)
        if not np.isin(whole, numbers).all():
            return None
        sizes += (whole[:, np.newaxis] == numbers).sum(axis=0)
    names = name_flag_classes(flags)
    return Classes(
        flag_formula(flags),
        dict(zip(names, sizes.tolist(), strict=True)),
        dict(zip(names, numbers.tolist(), strict=True)),
        np.concatenate([np.searchsorted(numbers, flag_codes(file.values, flags)) for file in files]),
        flags=flags,
    )


def classes_of_files(files: Sequence[SampledFile], splits: Sequence[str] | None = None) -> Classes:
    """Return the class that each file is, named by what its name has of its own, the split apart."""
    of_files = name_file_classes([file.path for file in files], splits)
    names = list(dict.fromkeys(of_files))
    counts = dict.fromkeys(names, 0)
    for file, name in zip(files, of_files, strict=True):
        counts[name] += file.n_entries
    sizes = [len(next(iter(file.values.values()))) for file in files]
    codes = [names.index(name) for name in of_files]
    return Classes(None, counts, {}, np.repeat(codes, sizes), of_files=tuple(of_files))


def name_file_classes(paths: Sequence[Path], splits: Sequence[str] | None) -> list[str]:
    """Return the class that each file is by its name: files of different splits may be one class.

    Examples
    --------
    >>> from pathlib import Path
    >>> paths = [Path("higgs_train.root"), Path("top_train.root"), Path("top_test.root")]
    >>> name_file_classes(paths, ["train", "train", "test"])
    ['higgs', 'top', 'top']
    """
    if splits is None:
        return name_files(paths)
    stems = [without_split(stem_of(path)) or path.parent.name for path in paths]
    distinct = list(dict.fromkeys(stems))
    names = dict(zip(distinct, _shorten_names(distinct), strict=True))
    return [names[stem] for stem in stems]


def name_files(paths: Sequence[Path]) -> list[str]:
    """Return a name for each file: its stem without what all of them share at either end.

    Examples
    --------
    >>> from pathlib import Path
    >>> name_files([Path("reduced_higgs_2018.root"), Path("reduced_ttbar_2018.root")])
    ['higgs', 'ttbar']
    >>> name_files([Path("a/data.root"), Path("b/data.root")])
    ['a', 'b']
    """
    stems = [stem_of(path) for path in paths]
    if len(set(stems)) < len(stems):
        stems = [f"{path.parent.name}_{stem}" for path, stem in zip(paths, stems, strict=True)]
    return _shorten_names(stems)


def _shorten_names(stems: Sequence[str]) -> list[str]:
    """Return names without what all of them share at either end, if something is left of each."""
    start = _shared_start(stems)
    end = _shared_start([stem[::-1] for stem in stems])
    names = [stem[start : len(stem) - end].strip("_-.") for stem in stems]
    return names if all(names) and len(set(names)) == len(names) else list(stems)


def _shared_start(names: Sequence[str]) -> int:
    """Return how many characters all names begin with, up to a separator."""
    n_shared = 0
    for letters in zip(*names, strict=False):
        if len(set(letters)) > 1:
            break
        n_shared += 1
    return len(re.sub(r"[^_\-.]*$", "", names[0][:n_shared]))
