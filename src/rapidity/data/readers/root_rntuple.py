"""RNTuples, ROOT's successor of trees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
from uproot.const import RNTupleFieldRole

from rapidity.data.readers.base import TableReader
from rapidity.data.readers.reader import ColumnInfo
from rapidity.data.readers.root_file import open_file, report_damage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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

_ARRAY = re.compile(r"std::array<(?P<inner>.+),\s*(?P<length>\d+)>")


class RNTupleReader(TableReader):
    """An RNTuple: its fields with one value an event are columns, also those inside records (``a.b``)."""

    def __init__(self, path: Path, table: str, ntuple: Any) -> None:
        columns = {name: _describe(name, field) for name, field in _walk(ntuple)}
        super().__init__(path, columns=columns, n_entries=int(ntuple.num_entries), table=table)

    @property
    def where(self) -> str:
        """The RNTuple and the file, for messages."""
        return f"RNTuple '{self.table}' of {self.path}"

    def _raw_chunks(self, names: Sequence[str], chunk_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        with open_file(self.path) as file, report_damage(self.path):
            ntuple = file[self.table]
            wanted = set(names)
            # Not `ntuple.arrays`, whose search for names takes seconds where there are a thousand fields.
            fields = {name: field for name, field in _walk(ntuple) if name in wanted}
            # Clusters are the unit of compression: each is read once, and fits into memory by design.
            for cluster in ntuple.cluster_summaries:
                first, n_entries = int(cluster.num_first_entry), int(cluster.num_entries)
                values = {name: _read(fields[name], first, first + n_entries) for name in names}
                for start in range(0, n_entries, chunk_size):
                    yield {name: values[name][start : start + chunk_size] for name in names}


def _walk(parent: Any, inside: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the fields that hold values, with the records around them in their names."""
    for field in parent.fields:
        name = f"{inside}{field.name}"
        if field.typename not in _KINDS and field.record.struct_role == RNTupleFieldRole.RECORD:
            yield from _walk(field, f"{name}.")
        else:
            yield name, field


def _describe(name: str, field: Any) -> ColumnInfo:
    kind = _kind(field)
    if kind != "array":
        return ColumnInfo(name, kind, field.typename)
    shape, dtype = _array_shape(field.typename)
    return ColumnInfo(name, kind, field.typename, shape=shape, dtype=dtype)


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
    if type_name in {"float", "double"}:
        return shape, {"float": "float32", "double": "float64"}[type_name]
    is_number = _KINDS.get(type_name) == "integer" and type_name.startswith(("std::int", "std::uint"))
    return shape, type_name.removeprefix("std::").removesuffix("_t") if is_number else None


def _kind(field: Any) -> ColumnKind:
    if field.record.repetition:
        return "array"
    if field.typename in _KINDS:
        return _KINDS[field.typename]
    return "jagged" if field.record.struct_role == RNTupleFieldRole.COLLECTION else "unreadable"


def _read(field: Any, start: int, stop: int) -> NDArray[Any]:
    array = field.array(entry_start=start, entry_stop=stop)
    if field.typename == "std::string":
        return np.array(array.to_list(), dtype=object)
    values: NDArray[Any] = ak.to_numpy(array)
    return values
