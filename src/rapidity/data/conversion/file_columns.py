"""The columns of the files to convert: which collections they form, what expressions make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, ExpressionError
from rapidity.core.jagged import Jagged
from rapidity.data.collections import find_collections
from rapidity.data.conversion.guessing import split_collections
from rapidity.data.conversion.plan import PlannedColumn
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.config.conversion import ConversionConfig
    from rapidity.data.conversion.looking import FileLook
    from rapidity.data.conversion.naming import WantedColumn
    from rapidity.data.conversion.plan import RawColumn
    from rapidity.data.readers import ColumnInfo
    from rapidity.expressions import Expression

_STORED = {"text": "object"}


@dataclass(frozen=True)
class FileColumns:
    """The columns that names, globs and expressions of a conversion mean.

    Attributes
    ----------
    infos, where
        The columns of the first file, and what it is called in messages.
    objects
        The block `objects` of the configuration.
    collection_of
        Jagged column of the files -> its collection.
    """

    infos: Mapping[str, ColumnInfo]
    where: str
    objects: Mapping[str, Mapping[str, str]]
    collection_of: Mapping[str, str]

    def find_collection(self, column: WantedColumn, key: str) -> str | None:
        """Return the collection of the files whose objects a column has a value for; None: an event."""
        if column.is_column:
            return self.collection_of.get(column.text)
        return self.parse(column.text, f"{key}, '{column.name}'").collection

    def parse(self, text: str, key: str) -> Expression:
        """Return an expression; an error about it names the key where it stands."""
        try:
            return parse_expression(text, self.objects, self.collection_of)
        except ExpressionError as error:
            message = f"{key}: {error}"
            raise ExpressionError(message) from error

    def read_for(self, text: str | float | None, key: str) -> dict[str, None]:
        """Return the columns of the files that a column or an expression is made of; none for a number."""
        if not isinstance(text, str):
            return {}
        if text in self.infos:
            return {text: None}
        return dict.fromkeys(self.parse(text, key).columns)

    def plan_column(
        self, column: WantedColumn, collection: str | None, types: Mapping[str, RawColumn]
    ) -> PlannedColumn:
        """Return a column of the output with its type, given those of the columns of the files."""
        if column.is_column:
            raw = types[column.text]
            dtype, shape = raw.dtype, raw.shape
            unit = column.unit or self.infos[column.text].unit
        else:
            dtype, shape, unit = self._type_of_expression(column, types), (), column.unit
        if column.type is not None:
            dtype = _STORED.get(column.type, column.type)
        return PlannedColumn(column.name, column.text, column.is_column, dtype, collection, shape, unit)

    def _type_of_expression(self, column: WantedColumn, types: Mapping[str, RawColumn]) -> str:
        """Return what an expression is stored as: found out by computing it for one event of ones."""
        expression = self.parse(column.text, column.name)
        raw = [types[name] for name in expression.columns]
        values = {item.name: _one_event(item) for item in raw}
        if shared := next((value for value in values.values() if isinstance(value, Jagged)), None):
            values = {
                name: Jagged(value.content, shared.offsets) if isinstance(value, Jagged) else value
                for name, value in values.items()
            }
        found = expression.evaluate(values)
        kind = (found.content if isinstance(found, Jagged) else np.asarray(found)).dtype.kind
        if kind != "f":
            return "bool" if kind == "b" else "int64"
        dtypes = {item.dtype for item in raw if item.dtype.startswith("float")}
        return "float32" if dtypes == {"float32"} else "float64"


def find_columns(
    config: ConversionConfig, looks: Sequence[FileLook], samples: Sequence[Mapping[str, str]]
) -> FileColumns:
    """Return the columns of the files; `samples` are what `guessing.sample_counts` returns."""
    collection_of = _find_collections(config, looks, samples)
    return FileColumns(looks[0].columns, looks[0].where, config.objects, collection_of)


def _find_collections(
    config: ConversionConfig, looks: Sequence[FileLook], samples: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Return jagged column -> collection; columns listed under one collection are made to be one."""
    files = [look.columns for look in looks]
    objects = config.objects
    found = find_collections(files, objects)
    joined = {}
    for name, block in config.collections.items():
        listed = [column.expression or column.name for column in block.columns or ()]
        plain = [text for text in listed if text in found]
        if len({found[text] for text in plain}) > 1:
            joined[name] = dict(zip(plain, plain, strict=True))
    if joined:
        found = find_collections(files, {**objects, **joined})
    named = {*(text for parts in (*objects.values(), *joined.values()) for text in parts.values())}
    return split_collections(found, samples, named) if samples else found


def _one_event(raw: RawColumn) -> Any:
    if raw.is_jagged:
        return Jagged.from_counts(np.ones(1, raw.dtype), np.ones(1, np.int64))
    if raw.dtype == "object":
        message = f"column '{raw.name}' holds text, which expressions do not compute with. Leave it out."
        raise DataError(message)
    return np.ones((1, *raw.shape), raw.dtype)
