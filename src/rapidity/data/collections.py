"""Collections: jagged columns that hold the same objects, so as many values in every event.

Which columns belong together follows from `data.objects`, from what the file says, or from their names
(`find_collections`); that their counts agree is checked while reading (`align_counts`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, ExpressionError
from rapidity.core.jagged import Jagged
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnInfo

Column = Any
"""``NDArray`` or `Jagged`."""

EVENTS_AT_ONCE = 32_768
"""Events of a chunk, where they have few objects."""
OBJECTS_AT_ONCE = 2**18
"""Objects handled at a time: few enough that the columns of a chunk stay in the processor's cache."""
PIXELS_AT_ONCE = 2**22
"""Pixels handled at a time; a chunk of images is a few tens of megabytes."""


def find_collections(
    files: Iterable[Mapping[str, ColumnInfo]],
    objects: Mapping[str, Mapping[str, str]],
    *,
    with_arrays: bool = False,
) -> dict[str, str]:
    """Return jagged column -> name of its collection, for all jagged columns of some files.

    Columns belong together if the file says so (`ColumnInfo.collection`), else if their names agree up to
    the first ``_`` or ``.`` (``Jet_pt``, ``Jet_eta``); that gives the name, too. An object of
    `data.objects` whose components are jagged columns joins these, and names the collection; the
    other columns of the group that it took them from follow, unless another object took some as well.
    Objects that share a column are one collection, named after the first of them.

    Parameters
    ----------
    with_arrays
        Take columns of fixed arrays with one axis for jagged ones. Those of one length are a group, called
        ``<name>_<length>`` where jagged columns, or arrays of another length, are called alike.

    Examples
    --------
    >>> from rapidity.data.readers.reader import ColumnInfo
    >>> names = ("jet_pt", "jet_eta", "jet_tag", "mu_pt")
    >>> columns = {name: ColumnInfo(name, "jagged", "float[]") for name in names}
    >>> find_collections([columns], {"jets": {"pt": "jet_pt", "eta": "jet_eta"}})
    {'jet_pt': 'jets', 'jet_eta': 'jets', 'jet_tag': 'jets', 'mu_pt': 'mu'}
    """
    groups: dict[str, str] = {}
    lengths: dict[str, int] = {}
    for columns in files:
        for name, info in columns.items():
            if info.kind == "jagged":
                # A branch of counts for this column alone, as uproot writes them, says nothing about others.
                told = info.collection if info.collection != name else None
                groups.setdefault(name, told or _stem(name))
            elif with_arrays and info.holds_objects:
                lengths.setdefault(name, info.shape[0])
    groups |= _group_arrays({name: n for name, n in lengths.items() if name not in groups}, groups)
    named = _name_by_objects(groups, objects)
    takers: dict[str, set[str]] = {}
    for column, collection in named.items():
        takers.setdefault(groups[column], set()).add(collection)
    return {
        column: named.get(column) or (next(iter(takers[group])) if len(takers.get(group, ())) == 1 else group)
        for column, group in groups.items()
    }


def _group_arrays(lengths: Mapping[str, int], groups: Mapping[str, str]) -> dict[str, str]:
    """Return the groups of columns of fixed arrays, beside those of jagged columns."""
    of_stem: dict[str, set[int]] = {}
    for name, length in lengths.items():
        of_stem.setdefault(_stem(name), set()).add(length)
    taken = set(groups.values()) | {stem for stem, found in of_stem.items() if len(found) > 1}
    return {
        name: f"{_stem(name)}_{length}" if _stem(name) in taken else _stem(name)
        for name, length in lengths.items()
    }


def _stem(name: str) -> str:
    """Return the part of a name before the first underscore or dot; the name itself without such a part."""
    return name.replace(".", "_").split("_", maxsplit=1)[0] or name


def _name_by_objects(groups: Mapping[str, str], objects: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the columns that objects take, and the name of the first of the objects that share columns."""
    named: dict[str, str] = {}
    for name, components in objects.items():
        taken = [column for text in components.values() for column in _columns_of_objects(text, groups)]
        first = next((named[column] for column in taken if column in named), name)
        joined = {named[column] for column in taken if column in named}
        named |= dict.fromkeys([column for column, other in named.items() if other in joined], first)
        named |= dict.fromkeys(taken, first)
    return named


def _columns_of_objects(text: str, groups: Mapping[str, str]) -> Iterator[str]:
    """Yield the jagged columns of a component that has a value for each object (not of ``jet_pt[0]``)."""
    if text in groups:
        yield text
        return
    try:
        expression = parse_expression(text, {}, dict.fromkeys(groups, "objects"))
    except ExpressionError:
        return  # said where the object is used
    if expression.collection is not None:
        yield from (column for column in expression.columns if column in groups)


class _AnyName(dict[str, str]):
    """A map that has every column in one collection."""

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "objects"

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]


def find_columns(text: str, objects: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return the columns of an expression, while it is not known yet which of them are jagged.

    Examples
    --------
    >>> find_columns("event % 10", {}), find_columns("count(jet_pt > 30)", {})
    (('event',), ('jet_pt',))
    """
    try:
        return parse_expression(text, objects).columns
    except ExpressionError:
        try:
            # A value of each object may stand wherever one of each event may.
            return parse_expression(text, objects, _AnyName()).columns
        except ExpressionError:
            pass
        raise


def align_counts(
    chunk: Mapping[str, Column], collections: Mapping[str, str], where: str, first_entry: int = 0
) -> dict[str, Column]:
    """Return the chunk with one array of offsets for all columns of a collection.

    Parameters
    ----------
    where, first_entry
        The file, and the entry there of the first row, for messages.

    Raises
    ------
    DataError
        If columns of a collection differ in the number of values of an event.
    """
    aligned = dict(chunk)
    first: dict[str, str] = {}
    for name, values in chunk.items():
        if not isinstance(values, Jagged):
            continue
        leader = first.setdefault(collections[name], name)
        offsets = chunk[leader].offsets
        if not np.array_equal(values.offsets, offsets):
            raise _differing_counts(
                collections[name], {leader: chunk[leader], name: values}, where, first_entry
            )
        aligned[name] = Jagged(values.content, offsets)
    return aligned


def _differing_counts(
    collection: str, columns: Mapping[str, Jagged], where: str, first_entry: int
) -> DataError:
    counts = {name: values.counts for name, values in columns.items()}
    one, other = counts.values()
    row = int(np.flatnonzero(one != other)[0])
    found = " but ".join(f"{n_values[row]} in '{name}'" for name, n_values in counts.items())
    message = (
        f"collection '{collection}' of {where}, entry {first_entry + row}: {found}. Columns of one "
        "collection need as many values in every event. If these are different objects, say which columns "
        "belong together: give each kind an object of its own in data.objects."
    )
    return DataError(message)


def share_offsets(columns: Mapping[str, Column], collections: Mapping[str, str]) -> dict[str, Column]:
    """Return columns whose counts are known to agree, with one array of offsets a collection."""
    offsets: dict[str, NDArray[np.int64]] = {}
    return {
        name: Jagged(values.content, offsets.setdefault(collections[name], values.offsets))
        if isinstance(values, Jagged)
        else values
        for name, values in columns.items()
    }


def pick_rows(columns: Mapping[str, Column], names: Iterable[str], rows: Any = None) -> dict[str, Column]:
    """Return some rows of the named columns; where columns share their offsets, so do the results.

    Parameters
    ----------
    rows
        Row numbers, a mask or a slice; None for all.
    """
    if rows is None:
        return {name: columns[name] for name in names}
    located: dict[int, tuple[Any, NDArray[np.int64]]] = {}
    picked: dict[str, Column] = {}
    for name in names:
        values = columns[name]
        if not isinstance(values, Jagged):
            picked[name] = values[rows]
            continue
        key = id(values.offsets)
        if key not in located:
            located[key] = values.locate(rows)
        places, offsets = located[key]
        picked[name] = Jagged(values.content[places], offsets)
    return picked


def iterate_chunks(
    columns: Mapping[str, Column], names: Sequence[str], rows: Any = None, most: int = EVENTS_AT_ONCE
) -> Iterator[tuple[slice, dict[str, Column]]]:
    """Yield some rows of the named columns chunk by chunk, and which rows of the result they are.

    Parameters
    ----------
    rows
        Row numbers, a mask or a slice; None for all.
    most
        Events in a chunk; of events with many objects fewer.
    """
    n_rows = len(columns[names[0]])
    if isinstance(rows, np.ndarray):
        numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        n_chosen, first = len(numbers), 0
    else:
        first, stop, _ = (rows or slice(None)).indices(n_rows)
        numbers, n_chosen = None, max(stop - first, 0)
    size = events_at_once(columns, names, most)
    for start in range(0, n_chosen, size):
        part = slice(start, min(start + size, n_chosen))
        picked = slice(first + part.start, first + part.stop) if numbers is None else numbers[part]
        yield part, pick_rows(columns, names, picked)


def events_at_once(columns: Mapping[str, Column], names: Iterable[str], most: int = EVENTS_AT_ONCE) -> int:
    """Return how many events to handle at a time: `most`, fewer of many objects, or of large images.

    Examples
    --------
    >>> tracks = Jagged.from_counts(np.zeros(40_000), np.full(100, 400))
    >>> events_at_once({"track_pt": tracks}, ["track_pt"], 8192)
    655
    """
    chosen = [columns[name] for name in names]
    jagged = [values for values in chosen if isinstance(values, Jagged)]
    images = [values for values in chosen if not isinstance(values, Jagged) and values.ndim > 1]
    n_pixels = sum(math.prod(values.shape[1:]) for values in images)
    most = min(most, PIXELS_AT_ONCE // max(n_pixels, 1))
    n_objects = max((float(values.offsets[-1]) / max(len(values), 1) for values in jagged), default=0.0)
    return max(min(most, int(OBJECTS_AT_ONCE / max(n_objects, 1.0))), 1)
