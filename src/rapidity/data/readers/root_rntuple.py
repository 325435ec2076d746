"""RNTuples, ROOT's successor of trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from rapidity.data.readers.base import TableReader
from rapidity.data.readers.reader import ColumnInfo
from rapidity.data.readers.root_file import open_file, report_damage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnKind

_Path = tuple[str, ...]


class RNTupleReader(TableReader):
    """An RNTuple: its fields with one value an event are columns, also those inside records (``a.b``)."""

    def __init__(self, path: Path, table: str, ntuple: Any) -> None:
        self._paths: dict[str, _Path] = {}
        columns = {}
        for inside, form in _walk(_form(ntuple)):
            name = ".".join(inside)
            self._paths[name] = inside
            columns[name] = ColumnInfo(name, _kind(form), _type_name(form))
        super().__init__(path, columns=columns, n_entries=int(ntuple.num_entries), table=table)

    @property
    def where(self) -> str:
        """The RNTuple and the file, for messages."""
        return f"RNTuple '{self.table}' of {self.path}"

    def _raw_chunks(self, names: Sequence[str], chunk_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        with open_file(self.path) as file, report_damage(self.path):
            ntuple = file[self.table]
            for start in range(0, self.n_entries or 0, chunk_size):
                events = ntuple.arrays(
                    filter_name=list(names), entry_start=start, entry_stop=start + chunk_size
                )
                yield {name: _values(events, self._paths[name]) for name in names}


def _form(ntuple: Any) -> Any:
    form = ntuple.to_akform()
    # uproot 5.7 gives a pair, of which the first is the form.
    return form[0] if isinstance(form, tuple) else form


def _walk(form: Any, inside: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    """Yield the fields that hold values, with the names of the records around them."""
    for name, content in zip(form.fields, form.contents, strict=True):
        if isinstance(content, ak.forms.RecordForm) and not content.is_tuple:
            yield from _walk(content, (*inside, name))
        else:
            yield (*inside, name), content


def _kind(form: Any) -> ColumnKind:
    if form.parameter("__array__") in {"string", "bytestring"}:
        return "text"
    if isinstance(form, (ak.forms.ListOffsetForm, ak.forms.ListForm)):
        return "jagged"
    if isinstance(form, ak.forms.RegularForm):
        return "array"
    if not isinstance(form, ak.forms.NumpyForm) or form.inner_shape:
        return "unreadable"
    dtype = np.dtype(form.primitive)
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    return {"i": "integer", "u": "integer", "b": "boolean"}.get(dtype.kind, "unreadable")  # type: ignore[return-value]


def _type_name(form: Any) -> str:
    return str(form.type)


def _values(events: Any, inside: _Path) -> NDArray[Any]:
    for name in inside:
        events = events[name]
    if events.layout.parameter("__array__") in {"string", "bytestring"}:
        return np.array(events.to_list(), dtype=object)
    values: NDArray[Any] = ak.to_numpy(events)
    return values
