"""RNTuples, ROOT's successor of trees."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
from uproot.const import RNTupleFieldRole

from rapidity.core.jagged import Jagged
from rapidity.data.readers.base import TableReader
from rapidity.data.readers.reader import ColumnInfo
from rapidity.data.readers.root_file import open_file, report_damage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnKind

_KINDS: dict[str, ColumnKind] = {
    "float": "float32",
    "double": "float64",
    "bool": "boolean",
    "char": "integer",
    "std::byte": "integer",
    **{f"std::{sign}int{n_bits}_t": "integer" for sign in ("", "u") for n_bits in (8, 16, 32, 64)},
    "std::string": "text",
}

_NUMBERS = {
    "float": "float32",
    "double": "float64",
    "bool": "uint8",
    "char": "int8",
    "std::byte": "uint8",
    **{f"std::{sign}int{n_bits}_t": f"{sign}int{n_bits}" for sign in ("", "u") for n_bits in (8, 16, 32, 64)},
}

_ARRAY = re.compile(r"std::array<(?P<inner>.+),\s*(?P<length>\d+)>")


_CARDINALITY = re.compile(r"ROOT::RNTupleCardinality<std::uint(32|64)_t>")
_OTHER_COLLECTIONS = ("std::optional", "std::unique_ptr", "std::map", "std::unordered_map", "std::multimap")
"""Fields with a count that are no lists of values."""

_CONTAINER = re.compile(r"\w+Aux:xAOD::\w*AuxContainer\w*")
_STORE = re.compile(r"(?P<name>\w+)Aux(Dyn)?:.*")
"""Files of ATLAS (PHYSLITE) keep the values of the objects of a container in stores called after it: static
ones in ``JetsAux:``, of a type that says `AuxContainer`, others in ``JetsAuxDyn:``. Lists in stores of other
types (`AuxInfo`) need not be equally long."""


@dataclass(frozen=True)
class _Column:
    """One column: what is known of it, and where its values are.

    Attributes
    ----------
    field
        The field that uproot reads for it.
    leaf
        The field that holds its values, inside `lists`.
    """

    info: ColumnInfo
    field: Any
    leaf: Any
    lists: tuple[Any, ...] = ()


class RNTupleReader(TableReader):
    """An RNTuple: its fields with values are columns, also those inside records (``a.b``).

    Members of the records of a list, ``jets.pt``, are jagged columns of the collection ``jets``.
    """

    def __init__(self, path: Path, table: str, ntuple: Any, units: Mapping[str, str] | None = None) -> None:
        """Describe the fields; `units` are those that the file states beside the RNTuple."""
        stated = units or {}
        described = {column.info.name: column.info for column in _walk(ntuple)}
        columns = {name: replace(info, unit=stated.get(name)) for name, info in described.items()}
        super().__init__(path, columns=columns, n_entries=int(ntuple.num_entries), table=table)

    @property
    def where(self) -> str:
        """The RNTuple and the file, for messages."""
        return f"RNTuple '{self.table}' of {self.path}"

    def _block_borders(self, n_wanted: int) -> list[int]:
        with open_file(self.path) as file, report_damage(self.path):
            return [int(cluster.num_first_entry) for cluster in file[self.table].cluster_summaries]

    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        with open_file(self.path) as file, report_damage(self.path):
            ntuple = file[self.table]
            wanted = set(names)
            columns = {column.info.name: column for column in _walk(ntuple) if column.info.name in wanted}
            streams = {name: _ColumnStream(ntuple, column) for name, column in columns.items()}
            end = int(ntuple.num_entries) if stop is None else stop
            # Clusters are the unit of compression: each is read once, and fits into memory by design.
            for number, cluster in enumerate(ntuple.cluster_summaries):
                begin = int(cluster.num_first_entry)
                first, last = max(begin, start), min(begin + int(cluster.num_entries), end)
                if first >= last:
                    continue
                with report_damage(self.path, f"entries {first:,} to {last - 1:,}"):
                    values = {name: streams[name].read(number, begin, first, last) for name in names}
                for place in range(0, last - first, chunk_size):
                    yield {name: values[name][place : place + chunk_size] for name in names}


class _ColumnStream:
    """A column whose values are taken cluster by cluster.

    Numbers, and lists of them, are taken as they lie in the file. uproot's way over a form of awkward
    arrays goes through the names of all fields for each of them: seconds where there are a thousand.
    """

    def __init__(self, ntuple: Any, column: _Column) -> None:
        self._ntuple = ntuple
        self._column = column
        is_plain = column.leaf.typename in _NUMBERS and not column.leaf.record.repetition
        numbers = [_find_records(ntuple, field) for field in (*column.lists, column.leaf)]
        self._numbers = numbers if is_plain and len(numbers) < 3 and None not in numbers else None
        """Of the column of offsets, if there is one, and of that of the values."""

    def read(self, cluster: int, begin: int, start: int, stop: int) -> NDArray[Any] | Jagged:
        """Return the values of entries of a cluster, which begins at entry `begin`."""
        if self._numbers is None:
            return _read(self._column.field, start, stop)
        rows = slice(start - begin, stop - begin)
        values = self._ntuple.read_cluster_range(self._numbers[-1], cluster, cluster + 1)
        if self._column.leaf.typename == "bool":
            values = values.astype(bool, copy=False)
        if len(self._numbers) == 1:
            taken: NDArray[Any] = values[rows]
            return taken
        offsets = self._ntuple.read_cluster_range(self._numbers[0], cluster, cluster + 1)
        return Jagged(values, offsets.astype(np.int64))[rows]


def _find_records(ntuple: Any, field: Any) -> int | None:
    """Return the number of the column on disk that holds a field; None where it is not just one."""
    source = field.record.source_field_id
    owner = field.field_id if source is None else source
    found = [record for record in ntuple.column_records if record.field_id == owner]
    # Fields that were added while the file was written begin at a later entry.
    is_one = len([record for record in found if record.repr_idx == 0]) == 1
    return int(found[0].idx) if is_one and not found[0].first_element_index else None


def _walk(ntuple: Any) -> Iterator[_Column]:
    """Yield the columns in the order of the file."""
    inside: dict[int, list[Any]] = defaultdict(list)
    for field in ntuple.all_fields:
        if not field.top_level:
            inside[field.record.parent_field_id].append(field)
    tops = [field for field in ntuple.all_fields if field.top_level]
    containers = {
        field.name.removesuffix("Aux:")
        for field in tops
        if _CONTAINER.fullmatch(f"{field.name}{field.typename}")
    }
    for field in tops:
        owner = _STORE.fullmatch(field.name)
        collection = owner["name"] if owner and owner["name"] in containers else None
        yield from _find_columns(field, field, inside, _Path(field.name, collection=collection))


@dataclass(frozen=True)
class _Path:
    """The way to a field: its name as a column, the lists it is inside of, and their collection."""

    name: str
    lists: tuple[Any, ...] = ()
    collection: str | None = None

    @property
    def depth(self) -> int:
        return len(self.lists)


def _find_columns(field: Any, named: Any, inside: Mapping[int, list[Any]], path: _Path) -> Iterator[_Column]:
    """Yield the columns inside a field; what lies inside a list has no name, so `named` is read for it."""
    role, type_name, members = field.record.struct_role, field.typename, inside[field.field_id]
    if type_name not in _KINDS and role == RNTupleFieldRole.RECORD:
        for member in members:
            # Base classes have no name of their own.
            name = path.name if member.is_anonymous else f"{path.name}.{member.name}"
            readable = named if member.is_anonymous else member
            yield from _find_columns(member, readable, inside, replace(path, name=name))
    elif _is_list(field) and len(members) == 1:
        is_record = members[0].record.struct_role == RNTupleFieldRole.RECORD
        # Lists in one record need not be equally long, members of the records of one list are.
        collection = path.collection or (path.name if is_record else None)
        deeper = _Path(path.name, (*path.lists, field), collection)
        found = list(_find_columns(members[0], named, inside, deeper))
        yield from found or [_Column(ColumnInfo(path.name, "unreadable", named.typename), named, field)]
    else:
        yield _Column(_describe(field, named, path), named, field, path.lists)


def _is_list(field: Any) -> bool:
    is_collection = field.record.struct_role == RNTupleFieldRole.COLLECTION
    return (
        is_collection and field.typename not in _KINDS and not field.typename.startswith(_OTHER_COLLECTIONS)
    )


def _describe(field: Any, named: Any, path: _Path) -> ColumnInfo:
    kind = _kind(field)
    shape, dtype = _array_shape(field.typename)
    if path.depth == 0:
        is_array = kind == "array"
        return ColumnInfo(
            path.name,
            kind,
            field.typename,
            shape=shape if is_array else (),
            dtype=dtype if is_array else None,
        )
    type_name = named.typename if named is not field else f"{field.typename}[]"
    if kind == "unreadable":
        return ColumnInfo(path.name, kind, type_name)
    if path.depth > 1 or kind == "array":
        return ColumnInfo(path.name, "doubly jagged", type_name)
    return ColumnInfo(
        path.name,
        "jagged",
        type_name or f"{field.typename}[]",
        dtype=_NUMBERS.get(field.typename),
        collection=path.collection,
    )


def _array_shape(type_name: str) -> tuple[tuple[int, ...], str | None]:
    """Return shape and NumPy type of an array in C++.

    Examples
    --------
    >>> _array_shape("std::array<std::array<std::uint8_t,3>,4>")
    ((4, 3), 'uint8')
    >>> _array_shape("std::array<std::string,4>")
    ((4,), None)
    """
    shape: tuple[int, ...] = ()
    while found := _ARRAY.fullmatch(type_name):
        type_name = found["inner"]
        shape = (*shape, int(found["length"]))
    return shape, None if type_name in {"bool", "char", "std::byte"} else _NUMBERS.get(type_name)


def _kind(field: Any) -> ColumnKind:
    if field.record.repetition:
        return "array"
    if _CARDINALITY.fullmatch(field.typename):
        return "integer"
    return _KINDS.get(field.typename, "unreadable")


def _read(field: Any, start: int, stop: int) -> NDArray[Any] | Jagged:
    array = field.array(entry_start=start, entry_stop=stop)
    if field.typename == "std::string":
        return np.array(array.to_list(), dtype=object)
    if array.ndim == 2 and isinstance(array.layout, ak.contents.ListOffsetArray):
        return _flatten(array)
    values: NDArray[Any] = ak.to_numpy(array)
    return values


def _flatten(array: Any) -> Jagged:
    layout = array.layout
    if not isinstance(layout.content, ak.contents.NumpyArray):
        layout = ak.to_packed(array).layout
    offsets = np.asarray(layout.offsets.data, np.int64)
    return Jagged(np.asarray(layout.content.data)[offsets[0] : offsets[-1]], offsets - offsets[0])
