"""What may be wrong with the columns of a file that a model is to score; all of it in one error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, ExpressionError, MissingNameError, closest, shorten
from rapidity.core.jagged import JaggedType
from rapidity.data.collections import find_collections
from rapidity.data.readers.reader import ColumnInfo
from rapidity.delivery.units import find_factor
from rapidity.expressions import Expression, parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.artefact import ModelInput
    from rapidity.config.column_map import ColumnMap
    from rapidity.data.readers import Reader
    from rapidity.delivery.selection import ModelSelection

NATURAL = {"float32": np.float32, "float64": np.float64, "integer": np.int64, "boolean": np.int64}
"""Types that hold all values of a column of this kind."""


@dataclass(frozen=True)
class Wanted:
    """A column that the model, or its selection, needs.

    Attributes
    ----------
    column
        The input of the model; None for a column of the selection alone, which may be any number.
    is_event_number
        Whether it picks the network of a folded model, so that not a digit may be lost.
    """

    column: ModelInput | None
    is_event_number: bool = False

    @property
    def dtype(self) -> Any:
        """What a reader is asked for; None: whatever holds all values."""
        return None if self.column is None else self.column.column_dtype


class InputProblems:
    """What is wrong with the columns of one file, gathered."""

    def __init__(self, reader: Reader, column_map: ColumnMap | None) -> None:
        self._reader = reader
        self._map = column_map
        objects = column_map.objects if column_map else {}
        self._collections = find_collections([reader.columns], objects, with_arrays=True)
        self.found: list[str] = []
        self.broken: set[str] = set()
        self._n_missing = 0

    def parse_map(self) -> dict[str, Expression]:
        """Return the expressions of the map; those that cannot be understood are noted."""
        if self._map is None:
            return {}
        made = {}
        for name, text in self._map.columns.items():
            # A name that is a column is that column, whatever it looks like.
            quoted = f"`{text}`" if text in self._reader.columns else text
            try:
                made[name] = parse_expression(quoted, self._map.objects, self._collections)
            except ExpressionError as error:
                self.found.append(f"  {self._map.where(name)}: '{name}': {error}")
                self.broken.add(name)
        return made

    def parse_selection(
        self,
        selection: ModelSelection | None,
        made: Mapping[str, Expression],
        inputs: Mapping[str, ModelInput],
    ) -> Expression | None:
        """Return the selection over the columns under the names of the model."""
        if selection is None:
            return None
        # A column that the file lacks is what the model says of it: that it is missing is said elsewhere.
        infos = {
            name: ColumnInfo(name, "jagged", "of the model", collection=column.collection)
            for name, column in inputs.items()
            if column.collection is not None
        }
        infos |= self._reader.columns
        for name, expression in made.items():
            source = self._reader.columns.get(expression.columns[0]) if expression.is_column else None
            kind: Any = "float64" if expression.collection is None else "jagged"
            info = ColumnInfo(name, kind, "expression", collection=expression.collection)
            infos[name] = info if source is None else replace(source, name=name)
        try:
            return selection.parse(infos)
        except ExpressionError as error:
            self.found.append(
                f"  the selection of the model, '{selection.text}', which `pass` tells: {error} "
                "Score without it: --no-pass"
            )
            return None

    def check_direct(self, name: str, source: str, wanted: Wanted) -> None:
        """Look at a column that is read as it is."""
        info = self._reader.columns.get(source)
        renamed = self._map is not None and name in self._map.columns
        place = f"{self._map.where(name)}: " if renamed and self._map else ""
        shown = f"'{name}' from '{source}'" if renamed else f"'{name}'"
        if info is None:
            self._add_missing(f"  {place}{shown}", source, wanted)
            return
        text = _find_mismatch(info, wanted)
        if text:
            self.found.append(f"  {place}{shown}: {text}")

    def check_computed(self, name: str, expression: Expression, wanted: Wanted) -> None:
        """Look at the columns of an expression, and at whether it has one value an event where it should."""
        place = f"  {self._map.where(name) if self._map else ''}: '{name}'"
        for source in expression.columns:
            info = self._reader.columns.get(source)
            if info is None:
                self._add_missing(f"{place}: '{source}'", source, wanted)
            elif info.kind not in NATURAL and not info.holds_objects:
                self.found.append(f"{place}: '{source}' holds {info.type_name}, expected numbers")
        is_jagged = isinstance(wanted.dtype, JaggedType)
        has_objects = expression.collection is not None
        if wanted.column is not None and is_jagged != has_objects:
            per_object = f"per object of '{expression.collection}'"
            expected, found = ("one per object", "per event") if is_jagged else ("one per event", per_object)
            self.found.append(
                f"{place}: '{expression.text}' gives a value {found}, but the model takes {expected}"
            )

    def _add_missing(self, beginning: str, source: str, wanted: Wanted) -> None:
        near = closest(source, self._reader.columns)
        hint = f"  closest: {shorten(near)}" if near else ""
        use = "" if wanted.column is not None else "  (for the selection, which `pass` tells)"
        self.found.append(f"{beginning}{hint}{use}")
        self._n_missing += 1

    def raise_all(self, n_wanted: int) -> None:
        """Raise one error about everything."""
        if not self.found:
            return
        only_missing = self._n_missing == len(self.found)
        what = (
            f"lacks {self._n_missing} of the {n_wanted} columns that are needed:"
            if only_missing
            else "does not fit the model:"
        )
        lines = [f"{self._reader.where} {what}", *self.found[:10]]
        if len(self.found) > 10:
            lines.append(f"  ... and {len(self.found) - 10} more")
        lines.append(f"  List its columns: rapidity inspect {self._reader.path}")
        if self._map is None:
            lines.append("  If they have other names or units here, say so in a file: --columns map.yaml")
        else:
            lines.append(f"  Correct {self._map.source}, which says what they are here.")
        kind = MissingNameError if self._n_missing else DataError
        raise kind("\n".join(lines))


def _find_mismatch(info: ColumnInfo, wanted: Wanted) -> str:
    """Return what is wrong with the kind or the unit of a column, or nothing."""
    dtype, column = wanted.dtype, wanted.column
    if isinstance(dtype, JaggedType):
        if not info.holds_objects:
            return f"holds {info.type_name}, expected a varying number of values per event"
    elif column is not None and column.shape:
        if info.kind != "array" or info.shape != column.shape:
            return f"holds {info.type_name}, expected an array of shape {column.shape} per event"
    elif info.kind not in NATURAL and not (column is None and info.holds_objects):
        stray = f" ({info.stray_text})" if info.stray_text else ""
        return f"holds {info.type_name}{stray}, expected one number per event"
    if wanted.is_event_number and info.kind in {"float32", "float64"}:
        return (
            f"holds {info.type_name}, expected whole numbers: it picks the network of an event, and "
            "floats lose the last digits of long event numbers"
        )
    return _find_unit_mismatch(info, column)


def _find_unit_mismatch(info: ColumnInfo, column: ModelInput | None) -> str:
    if column is None or column.unit is None or info.unit is None:
        return ""
    factor = find_factor(info.unit, column.unit)
    if factor == 1.0:
        return ""
    text = f"is in {info.unit}, but the model takes {column.unit}"
    if factor is None:
        return text
    operation = f"* {factor:g}" if factor > 1 else f"/ {1 / factor:g}"
    return f"{text}: write `{info.name}: {info.name} {operation}` under `columns:` of a file for --columns"
