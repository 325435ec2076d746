"""From the columns of a file to those of a model: which are read, renamed, computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.input_types import fit_dtype
from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.collections import align_counts
from rapidity.delivery.input_problems import NATURAL, InputProblems, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rapidity.artefact import OnnxModel
    from rapidity.config.column_map import ColumnMap
    from rapidity.data.readers import Reader
    from rapidity.data.readers.reader import ColumnInfo
    from rapidity.delivery.selection import ModelSelection
    from rapidity.expressions import Expression


@dataclass(frozen=True)
class InputPlan:
    """How the columns of a model are made from those of one file.

    Attributes
    ----------
    reads
        Column of the file -> dtype that it is read in.
    direct
        Column of the model -> the column of the file that it is.
    computed
        Column of the model -> expression over columns of the file.
    """

    where: str
    wanted: Mapping[str, Wanted]
    reads: Mapping[str, Any]
    direct: Mapping[str, str]
    computed: Mapping[str, Expression]
    selection: Expression | None

    def make_columns(self, chunk: Mapping[str, Any], first_entry: int) -> dict[str, Any]:
        """Return the columns of the model, and those of the selection, of a chunk as it was read.

        Raises
        ------
        DataError
            If a computed value does not fit the type of an input, or the columns of a collection
            differ in their counts.
        """
        columns = {name: self._fit(name, chunk[source]) for name, source in self.direct.items()}
        for name, expression in self.computed.items():
            columns[name] = self._fit(name, expression.evaluate(chunk))
        collections = {
            name: wanted.column.collection
            for name, wanted in self.wanted.items()
            if wanted.column is not None and wanted.column.collection is not None
        }
        jagged = {name: columns[name] for name in collections}
        return {**columns, **align_counts(jagged, collections, self.where, first_entry)}

    def _fit(self, name: str, values: Any) -> Any:
        """Return values in the type that the model wants."""
        column = self.wanted[name].column
        if column is None or column.shape:
            return values
        try:
            if isinstance(values, Jagged):
                return Jagged(fit_dtype(name, values.content, column.dtype), values.offsets)
            return fit_dtype(name, values, column.dtype)
        except DataError as error:
            message = f"{self.where}: {error}"
            raise DataError(message) from error


def plan_inputs(
    reader: Reader,
    model: OnnxModel,
    selection: ModelSelection | None = None,
    column_map: ColumnMap | None = None,
) -> InputPlan:
    """Decide what to read of a file, and how the columns of the model come from it.

    Raises
    ------
    DataError
        With everything that is wrong with the file: columns that are missing, with the nearest names (then
        it is a MissingNameError), of another kind than the model takes, in another unit; expressions
        that name what is not there.
    ConfigError
        If the map has entries for columns that neither the model nor its selection takes.
    """
    problems = InputProblems(reader, column_map)
    made = problems.parse_map()
    condition = problems.parse_selection(selection, made, model.inputs)
    wanted = _list_wanted(model, condition)
    if column_map is not None:
        column_map.check_names(wanted)
    direct = {
        name: made[name].columns[0] if name in made else name
        for name in wanted
        if name not in problems.broken and (name not in made or made[name].is_column)
    }
    computed = {name: expression for name, expression in made.items() if not expression.is_column}
    for name, source in direct.items():
        problems.check_direct(name, source, wanted[name])
    for name, expression in computed.items():
        problems.check_computed(name, expression, wanted[name])
    problems.raise_all(len(wanted))
    reads = _choose_dtypes(reader, wanted, direct, computed)
    return InputPlan(reader.where, wanted, reads, direct, computed, condition)


def _list_wanted(model: OnnxModel, selection: Expression | None) -> dict[str, Wanted]:
    """Return all columns that are needed: those of the model in their order, then those of the selection."""
    event_number = None if model.folds is None else model.folds.event_number
    wanted = {name: Wanted(column, name == event_number) for name, column in model.inputs.items()}
    for name in selection.columns if selection else ():
        wanted.setdefault(name, Wanted(None))
    return wanted


def _choose_dtypes(
    reader: Reader,
    wanted: Mapping[str, Wanted],
    direct: Mapping[str, str],
    computed: Mapping[str, Expression],
) -> dict[str, Any]:
    """Return what each column of the file is read as: the type of its use, or one that holds all values."""
    uses: dict[str, list[Any]] = {}
    for name, source in direct.items():
        uses.setdefault(source, []).append(wanted[name].dtype)
    for expression in computed.values():
        for source in expression.columns:
            uses.setdefault(source, []).append(None)
    return {source: _common_dtype(reader.columns[source], dtypes) for source, dtypes in uses.items()}


def _common_dtype(info: ColumnInfo, dtypes: Iterable[Any]) -> Any:
    listed: Sequence[Any] = list(dtypes)
    first = listed[0]
    if first is not None and all(dtype == first for dtype in listed):
        return first
    integers = [dtype for dtype in listed if dtype is not None and dtype == np.dtype(np.int64)]
    if integers:
        return integers[0]
    if info.holds_objects:
        return JaggedType.of(_natural_numbers(info.dtype))
    return np.dtype(NATURAL.get(info.kind, np.float64))


def _natural_numbers(dtype: str | None) -> Any:
    """Return the type in which the values of a jagged column are read."""
    kind = np.dtype(dtype or "float64")
    if kind.kind == "f":
        return np.float32 if kind.itemsize <= 4 else np.float64
    return np.int64
