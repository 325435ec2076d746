"""What is true of each event, for outputs other than its class: read with the events, chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rapidity.config.inputs import CloudInput
from rapidity.config.outputs import AssignmentOutput, RegressionOutput
from rapidity.core.classes import UNLABELLED
from rapidity.core.errors import ConfigError, DataError, shorten
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.features import evaluate_expression, parse_feature, require_one_value
from rapidity.data.targets import canonical_value, show_value
from rapidity.data.unknown_columns import look_for_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.config.data import DataBlock
    from rapidity.config.inputs import AnyInput
    from rapidity.config.outputs import AnyOutput
    from rapidity.data.column_types import ColumnType
    from rapidity.data.sources import JoinedFile
    from rapidity.expressions import Expression


class OutputTarget(Protocol):
    """What is true of the events for one output."""

    @property
    def expression(self) -> Expression:
        """How it follows from the columns."""
        ...

    @property
    def stored(self) -> ColumnType:
        """The type in which it is kept."""
        ...

    def evaluate(self, columns: Mapping[str, Any], name_row: Callable[[int], str]) -> Any:
        """Return the truth of some events; what the configuration refuses is a DataError."""
        ...


@dataclass(frozen=True)
class RegressionTarget:
    """A true value of each event."""

    name: str
    config: RegressionOutput
    expression: Expression

    @property
    def stored(self) -> ColumnType:
        """The type in which it is kept: float64."""
        return np.dtype(np.float64)

    def evaluate(self, columns: Mapping[str, Any], name_row: Callable[[int], str]) -> NDArray[np.float64]:
        """Return the value of each event ``(n_events,)``, NaN where it is not known and that is allowed.

        Raises
        ------
        DataError
            If a value is NaN or infinite and that is refused, or has no logarithm and needs one.
        """
        values = evaluate_expression(self.expression, columns)
        is_known = np.isfinite(values)
        if self.config.missing == "error" and not is_known.all():
            row = int(np.argmin(is_known))
            message = (
                f"outputs.{self.name}: the target '{self.config.target}' is {values[row]} at {name_row(row)}."
                " Every event needs a true value: leave such events out with data.selection, or state"
                f" outputs.{self.name}.missing: ignore, and they do not enter the loss of this output."
            )
            raise DataError(message)
        # A copy: the values of a plain column are those of the file, which others read too.
        values = np.where(is_known, values, np.nan)
        is_low = is_known & (values <= 0)
        if "log" in self.config.transforms[:1] and is_low.any():
            row = int(np.argmax(is_low))
            message = (
                f"outputs.{self.name}: the target '{self.config.target}' is {values[row]:g} at"
                f" {name_row(row)}, which has no logarithm (transform: log needs values above zero). Choose"
                " another transform, or leave such events out with data.selection."
            )
            raise DataError(message)
        return values


@dataclass(frozen=True)
class AssignmentTarget:
    """A class of each object of a collection."""

    name: str
    config: AssignmentOutput
    expression: Expression
    index: Mapping[Any, int]
    """Canonical value of the target -> class index."""

    @property
    def stored(self) -> ColumnType:
        """The type in which it is kept: a class index for each object."""
        return JaggedType.of(np.int64)

    def evaluate(self, columns: Mapping[str, Any], name_row: Callable[[int], str]) -> Jagged:
        """Return the class index of each object, -1 where its value means no class and that is allowed.

        Raises
        ------
        DataError
            If a value means no class and that is refused.
        """
        values: Jagged = self.expression.evaluate({name: columns[name] for name in self.expression.columns})
        distinct, inverse = np.unique(values.content.astype(np.float64), return_inverse=True)
        found = [self.index.get(value, UNLABELLED) for value in distinct.tolist()]
        classes = np.array(found, np.int64)[inverse] if found else np.empty(0, np.int64)
        unknown = distinct[np.array(found, np.int64) == UNLABELLED] if found else distinct
        if len(unknown) and self.config.missing == "error":
            place = int(np.argmax(classes == UNLABELLED))
            event = int(np.searchsorted(values.offsets, place, side="right")) - 1
            message = (
                f"outputs.{self.name}: the target '{self.config.target}' holds values that mean no class:"
                f" {shorten(show_value(value) for value in unknown.tolist())}, first in object"
                f" {place - int(values.offsets[event])} (from 0) of {name_row(event)}. Classes:"
                f" {shorten(f'{name} ({value})' for name, value in self.config.classes.items())}. Add them to"
                f" outputs.{self.name}.classes, or state missing: ignore, and such objects do not enter the"
                " loss."
            )
            raise DataError(message)
        return Jagged(classes, values.offsets)


def find_targets(
    outputs: Mapping[str, AnyOutput],
    data: DataBlock,
    inputs: Mapping[str, AnyInput],
    files: Sequence[JoinedFile],
    collections: Mapping[str, str],
) -> dict[str, OutputTarget]:
    """Return what is true of the events for each output but a classification, whose truth is the class.

    Raises
    ------
    MissingNameError
        If a file lacks a column; the message shows the nearest names.
    ConfigError
        If the target of a regression has a value for each object, or that of an assignment has not, or has
        one for the objects of another collection than its cloud.
    """
    targets: dict[str, OutputTarget] = {}
    for name, output in outputs.items():
        if output.task == "classification":
            continue
        where = f"outputs.{name}.target"
        with look_for_columns(files[0], data.objects, {where: output.target}):
            feature = parse_feature(output.target, files[0].columns, data.objects, collections)
        for column in feature.columns:
            files[0].require_column(column, where)
        if isinstance(output, RegressionOutput):
            require_one_value(feature.expression, f"{where} '{output.target}'")
            targets[name] = RegressionTarget(name, output, feature.expression)
        else:
            _require_objects(name, output, feature.expression, inputs[output.cloud], files, data, collections)
            targets[name] = AssignmentTarget(name, output, feature.expression, _index_values(name, output))
    return targets


def _require_objects(
    name: str,
    output: AssignmentOutput,
    expression: Expression,
    cloud: AnyInput,
    files: Sequence[JoinedFile],
    data: DataBlock,
    collections: Mapping[str, str],
) -> None:
    """Raise a ConfigError unless the target has a value for every object of the cloud."""
    if expression.collection is None:
        message = (
            f"outputs.{name}.target '{output.target}' has one value an event, but an assignment needs one for"
            f" each object of the cloud '{output.cloud}'. Name a column of its objects."
        )
        raise ConfigError(message)
    if expression.is_selection:
        message = (
            f"outputs.{name}.target '{output.target}' selects some of the objects, but each of the cloud "
            f"'{output.cloud}' needs a class. Move the condition to inputs.{output.cloud}.selection, or give "
            "the others a class of their own, or a value that means none with `missing: ignore`."
        )
        raise ConfigError(message)
    first = cloud.features[0] if isinstance(cloud, CloudInput) else ""
    wanted = parse_feature(first, files[0].columns, data.objects, collections).expression.collection
    if expression.collection != wanted:
        message = (
            f"outputs.{name}.target '{output.target}' has a value for each object of the collection"
            f" '{expression.collection}', but the cloud '{output.cloud}' is made of '{wanted}'. Name a column"
            " of the same objects."
        )
        raise ConfigError(message)


def _index_values(name: str, output: AssignmentOutput) -> dict[Any, int]:
    """Return canonical value -> class index; a value that means two classes is a ConfigError."""
    index: dict[Any, int] = {}
    for position, (class_name, listed) in enumerate(output.classes.items()):
        for value in listed if isinstance(listed, tuple) else (listed,):
            key = canonical_value(value)
            if key in index:
                message = (
                    f"outputs.{name}.classes: the value {show_value(key)} means both"
                    f" '{list(output.classes)[index[key]]}' and '{class_name}'. Keep one of them."
                )
                raise ConfigError(message)
            index[key] = position
    return index
