"""Columns of which exactly one is 1 in every event: together they say the class."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.features import quote_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.workflow.starter.sample import Values

    Flags = NDArray[np.bool_]

MAX_FLAGS = 30
"""Classes are not more; beyond this many columns of 0 and 1, they are something else."""


def find_flag_groups(values: Mapping[str, Values]) -> list[tuple[str, ...]]:
    """Return the first two groups of columns of which exactly one is 1 in every entry; none, one or two.

    Columns hold 0 and 1 alone, each of them somewhere. NaN makes a column none of these.

    Parameters
    ----------
    values
        Column -> values of the entries looked at ``(n_entries,)``.

    Examples
    --------
    >>> find_flag_groups({"isB": np.array([1, 0, 0]), "pt": np.arange(3), "isC": np.array([0, 1, 1])})
    [('isB', 'isC')]
    """
    flags = {name: array == 1 for name, array in values.items() if _is_flag(array)}
    if not 2 <= len(flags) <= MAX_FLAGS:
        return []
    patterns = np.unique(np.stack(list(flags.values()), axis=1), axis=0)
    groups = []
    for members in _exact_covers(patterns, (), np.zeros(len(patterns), dtype=bool)):
        groups.append(tuple(name for index, name in enumerate(flags) if index in members))
        if len(groups) == 2:
            break
    return groups


def _is_flag(values: Values) -> bool:
    if isinstance(values, Jagged) or values.dtype == object:
        return False
    is_one = values == 1
    return bool(is_one.any() and (values == 0).any() and (is_one | (values == 0)).all())


def _exact_covers(patterns: Flags, chosen: tuple[int, ...], is_covered: Flags) -> Iterator[tuple[int, ...]]:
    """Yield the sets of columns that cover every row ``(n_rows, n_columns)`` once.

    Source: Knuth, Dancing links, arXiv:cs/0011047, algorithm X.
    """
    if is_covered.all():
        yield chosen
        return
    row = int(np.argmin(is_covered))
    for column in np.flatnonzero(patterns[row]):
        if not (patterns[:, column] & is_covered).any():
            yield from _exact_covers(patterns, (*chosen, int(column)), is_covered | patterns[:, column])


def flag_codes(values: Mapping[str, Values], flags: Sequence[str]) -> NDArray[np.int64]:
    """Return the value of `flag_formula` for each entry ``(n_entries,)``."""
    are_one = np.stack([values[name] == 1 for name in flags], axis=1)
    codes: NDArray[np.int64] = are_one @ (2 ** np.arange(len(flags), dtype=np.int64))
    return codes


def flag_formula(flags: Sequence[str]) -> str:
    """Return the expression that tells the classes apart.

    Powers of two: an event with two flags, or none, has a value that means no class, and is noticed.

    Examples
    --------
    >>> flag_formula(["isB", "isC", "isG"])
    'isB + 2 * isC + 4 * isG'
    """
    columns = [quote_column(name) for name in flags]
    return " + ".join([columns[0], *(f"{2**power} * {name}" for power, name in enumerate(columns) if power)])


def name_flag_classes(flags: Sequence[str]) -> list[str]:
    """Return the names of the classes: those of the flags without what says that they are flags.

    Examples
    --------
    >>> name_flag_classes(["isB", "isUDS"]), name_flag_classes(["label_QCD", "label_Hbb"])
    (['B', 'UDS'], ['QCD', 'Hbb'])
    >>> name_flag_classes(["electron", "isolated"])
    ['electron', 'isolated']
    """
    names = [re.sub(r"^(is(?=[A-Z_])|is_|(label|class|target|truth|flag)_)_?", "", name) for name in flags]
    return names if all(names) and len(set(names)) == len(names) else list(flags)
