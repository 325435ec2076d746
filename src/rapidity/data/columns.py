"""Which columns are read for which purpose; in which type, says `column_types`."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rapidity.config.inputs import CloudInput, ImageInput
from rapidity.core.errors import ConfigError, DataError, MissingNameError, closest, shorten
from rapidity.data.cloud_columns import find_cloud_columns
from rapidity.data.collections import find_collections
from rapidity.data.column_checks import NUMERIC, check_use, damaged_column
from rapidity.data.column_types import ColumnUse, read_dtypes, rows_at_once, stored_dtypes
from rapidity.data.features import (
    Feature,
    FeatureSet,
    column_feature,
    make_features,
    require_one_value,
)
from rapidity.data.images import find_image_columns
from rapidity.data.output_targets import find_targets
from rapidity.data.table_momentum import find_table_momenta
from rapidity.data.unknown_columns import look_for_columns
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rapidity.config.data import DataBlock
    from rapidity.config.inputs import AnyInput, TableInput
    from rapidity.config.outputs import AnyOutput
    from rapidity.data.clouds import CloudColumns
    from rapidity.data.column_types import ColumnType, Need
    from rapidity.data.features import TableMomentum
    from rapidity.data.images import ImageColumns
    from rapidity.data.output_targets import OutputTarget
    from rapidity.data.sources import JoinedFile, OpenSource
    from rapidity.expressions import Expression

ROW_NUMBER = "row_number"
"""Name that `split.by` may use: the number of the selected event, counted from 0."""

ROW_IDENTITY = ("source_file", "source_entry")
"""Columns of files written here (by a conversion, by a prediction) that say where a row is from."""


@dataclass(frozen=True)
class ColumnPlan:
    """What is read of every file, and what of it stays in the table.

    Attributes
    ----------
    class_value
        The formula of ``data.target``; None where that is a column, or the sources name the classes.
    """

    features: FeatureSet
    selection: Expression | None
    event_weight: Expression | None
    uses: tuple[ColumnUse, ...]
    stored: Mapping[str, ColumnType] = field(default_factory=dict)
    targets: Mapping[str, OutputTarget] = field(default_factory=dict)
    class_value: Expression | None = None

    @property
    def collections(self) -> Mapping[str, str]:
        """Jagged column -> its collection."""
        return self.features.collections

    def read_dtypes(self, file: JoinedFile) -> dict[str, ColumnType]:
        """Return the dtype in which each column of this file is read."""
        return read_dtypes(self.uses, file)

    def rows_at_once(self, file: JoinedFile) -> int:
        """Return how many entries of this file to read at a time."""
        return rows_at_once(self.read_dtypes(file))


def plan_columns(
    data: DataBlock,
    inputs: Mapping[str, AnyInput],
    split_columns: Sequence[str],
    sources: Sequence[OpenSource],
    further: Mapping[str, str] | None = None,
    outputs: Mapping[str, AnyOutput] | None = None,
) -> ColumnPlan:
    """Decide what to read; every column that is missing or of the wrong kind is an error here.

    Parameters
    ----------
    further
        Other columns of numbers that are to be in the table, and what needs each of them. They may be
        features as well.
    outputs
        Name -> output of the network; its target is read and kept. None: there are no targets but the class.

    Raises
    ------
    MissingNameError
        If a file lacks a column; the message says who needs it and shows the nearest names.
    DataError
        If a column is text, jagged or ambiguous where a number is needed, `columns: all` means
        different columns in different files, or a column of images does not hold such.
    ConfigError
        If a feature is also the target or a spectator; or a feature, the selection or the weight has a
        value for each object instead of one an event.
    """
    files = [file for source in sources for file in source.files]
    collections = find_collections([file.columns for file in files], data.objects, with_arrays=True)
    with look_for_columns(files[0], data.objects, {"data.selection": data.selection}):
        selection = _parse(data.selection, "data.selection", data, collections)
    with look_for_columns(files[0], data.objects, {"data.event_weight": data.event_weight}):
        weight = _parse(data.event_weight, "data.event_weight", data, collections)
    splitting = tuple(column for column in split_columns if column != ROW_NUMBER)
    class_value = _class_value(data, files[0], collections)
    of_class = class_value.columns if class_value else (data.target,) if data.target else ()
    targets = find_targets(outputs or {}, data, inputs, files, collections)
    roles = _roles(data, weight, splitting, of_class, targets)
    features = FeatureSet(
        {name: _columns_of(name, config, roles, files, data, collections) for name, config in inputs.items()},
        data.objects,
        collections,
        find_table_momenta(inputs, data.objects, files[0], collections),
    )
    for_others = [ColumnUse(column, purpose, "number") for column, purpose in (further or {}).items()]
    uses = (
        *_list_uses(data, features, selection, weight, splitting, targets),
        *_list_class_uses(data, class_value),
        *for_others,
    )
    _check_roles(features, data, of_class)
    _check_targets(features, targets)
    for use in uses:
        for file in files:
            check_use(use, file, collections)
    return ColumnPlan(features, selection, weight, uses, stored_dtypes(uses, files), targets, class_value)


def _class_value(data: DataBlock, file: JoinedFile, collections: Mapping[str, str]) -> Expression | None:
    """Return ``data.target`` as a formula of one value an event, or None where it is the name of a column."""
    if data.target is None or data.target in file.columns or data.target.isidentifier():
        return None
    with look_for_columns(file, data.objects, {"data.target": data.target}):
        return _parse(data.target, "data.target", data, collections)


def _parse(
    text: str | None, where: str, data: DataBlock, collections: Mapping[str, str]
) -> Expression | None:
    """Return an expression of one value an event, or None where none is given."""
    if text is None:
        return None
    expression = parse_expression(text, data.objects, collections)
    require_one_value(expression, f"{where} '{text}'")
    return expression


def _roles(
    data: DataBlock,
    weight: Expression | None,
    splitting: Sequence[str],
    of_class: Sequence[str],
    targets: Mapping[str, OutputTarget],
) -> dict[str, str]:
    """Return the columns that `columns: all` must not take, and why."""
    roles = dict.fromkeys(ROW_IDENTITY, "row identity")
    roles |= dict.fromkeys(splitting, "split")
    roles |= dict.fromkeys(data.spectators, "spectator")
    roles |= dict.fromkeys(data.event_key or (), "event_key")
    roles |= dict.fromkeys(weight.columns if weight else (), "event_weight")
    for target in targets.values():
        roles |= dict.fromkeys(target.expression.columns, "target")
    return roles | dict.fromkeys(of_class, "target")


def _columns_of(
    name: str,
    config: AnyInput,
    roles: Mapping[str, str],
    files: Sequence[JoinedFile],
    data: DataBlock,
    collections: Mapping[str, str],
) -> tuple[Feature, ...] | ImageColumns | CloudColumns:
    """Return what an input of any kind means in the files."""
    if isinstance(config, ImageInput):
        return find_image_columns(name, config, files)
    if isinstance(config, CloudInput):
        return find_cloud_columns(name, config, data, files, collections)
    return _features_of(name, config, roles, files, data, collections)


def _features_of(
    name: str,
    config: TableInput,
    roles: Mapping[str, str],
    files: Sequence[JoinedFile],
    data: DataBlock,
    collections: Mapping[str, str],
) -> tuple[Feature, ...]:
    if config.columns != "all":
        where = f"inputs.{name}.columns"
        texts = {f"inputs.{name}, feature '{text}'": text for text in config.columns}
        texts |= {
            f"data.objects.{object_name}.{component}": text
            for object_name, components in data.objects.items()
            for component, text in components.items()
        }
        with look_for_columns(files[0], data.objects, texts):
            return make_features(config.columns, where, files[0].columns, data.objects, collections)
    first = _free_columns(config, roles, files[0])
    for file in files[1:]:
        other = _free_columns(config, roles, file)
        different = sorted(set(first) ^ set(other))
        if different:
            message = (
                f"inputs.{name}: `columns: all` means other columns in {file.where} than in "
                f"{files[0].where}: "
                f"{shorten(different)} only in one of them. List the columns, or `exclude` these."
            )
            raise DataError(message)
    _check_exclude(name, config, files[0])
    if not first:
        message = (
            f"inputs.{name}: `columns: all` finds no numeric column in {files[0].where} that has no other "
            "role. "
            f"Columns there: {shorten(files[0].columns)}."
        )
        raise DataError(message)
    return tuple(column_feature(column) for column in first)


def _free_columns(config: TableInput, roles: Mapping[str, str], file: JoinedFile) -> list[str]:
    free = {
        column: info
        for column, info in file.columns.items()
        if column not in roles and not any(fnmatchcase(column, pattern) for pattern in config.exclude)
    }
    for column, info in free.items():
        # Left out without a word, a single wrong cell would take a feature away.
        if info.stray_text is not None:
            raise damaged_column(column, info.stray_text, file, "`columns: all` needs")
    return [column for column, info in free.items() if info.kind in NUMERIC]


def _check_exclude(name: str, config: TableInput, file: JoinedFile) -> None:
    for pattern in config.exclude:
        if not any(fnmatchcase(column, pattern) for column in file.columns):
            near = [f"'{found}'" for found in closest(pattern, file.columns)]
            hint = f"Closest: {', '.join(near)}." if near else f"Columns: {shorten(file.columns)}."
            message = f"inputs.{name}.exclude: '{pattern}' matches no column of {file.where}. {hint}"
            raise MissingNameError(message)


def _list_uses(
    data: DataBlock,
    features: FeatureSet,
    selection: Expression | None,
    weight: Expression | None,
    splitting: Sequence[str],
    targets: Mapping[str, OutputTarget],
) -> Iterable[ColumnUse]:
    yield from _list_input_uses(features)
    for column in data.event_key or ():
        yield ColumnUse(column, "data.event_key", "integer")
    for column in data.spectators:
        yield ColumnUse(column, "data.spectators", "any")
    for column in splitting:
        yield ColumnUse(column, "preparation.split", "split")
    for name, target in targets.items():
        for column in target.expression.columns:
            yield ColumnUse(column, f"outputs.{name}.target", "exact number", is_kept=False)
    for column in selection.columns if selection else ():
        yield ColumnUse(column, "data.selection", "exact number", is_kept=False)
    for column in weight.columns if weight else ():
        yield ColumnUse(column, "data.event_weight", "exact number", is_kept=False)


def _list_class_uses(data: DataBlock, class_value: Expression | None) -> Iterable[ColumnUse]:
    if class_value is not None:
        for column in class_value.columns:
            yield ColumnUse(column, "data.target", "exact number", is_kept=False)
    elif data.target is not None:
        yield ColumnUse(data.target, "data.target", "any", is_kept=False)


def _list_input_uses(features: FeatureSet) -> Iterable[ColumnUse]:
    for name, image in features.images.items():
        for column in image.columns:
            yield ColumnUse(column, f"inputs.{name}", "image")
    for name, listed in features.tables.items():
        for feature in listed:
            yield from _list_expression_uses(feature.expression, f"inputs.{name}, feature '{feature.name}'")
    for name, momentum in features.momenta.items():
        for feature in momentum.features:
            yield from _list_expression_uses(feature.expression, f"inputs.{name}.momenta, '{feature.name}'")
    yield from _list_cloud_uses(features)


def _list_cloud_uses(features: FeatureSet) -> Iterable[ColumnUse]:
    for name, cloud in features.clouds.items():
        for feature in cloud.all:
            yield from _list_expression_uses(feature.expression, f"inputs.{name}, feature '{feature.name}'")
        for part, expression in (("order_by", cloud.order_by), ("selection", cloud.selection)):
            if expression is not None:
                yield from _list_expression_uses(expression, f"inputs.{name}.{part}")


def _list_expression_uses(expression: Expression, purpose: str) -> Iterable[ColumnUse]:
    need: Need = "number" if expression.is_column else "exact number"
    for column in expression.columns:
        yield ColumnUse(column, purpose, need)


def _check_roles(features: FeatureSet, data: DataBlock, of_class: Sequence[str]) -> None:
    for name in features.inputs:
        used = features.columns_of(name)
        truth = [column for column in used if column in of_class]
        if truth:
            role = "is" if truth[0] == data.target else "belongs to"
            message = (
                f"inputs.{name}: '{truth[0]}' {role} data.target, the truth to be learnt. "
                "Remove it from the features."
            )
            raise ConfigError(message)
        carried = [column for column in used if column in data.spectators]
        if carried:
            message = (
                f"inputs.{name}: {shorten(carried)} are features and data.spectators, which are never "
                "trained on. "
                "Remove them from one of the two."
            )
            raise ConfigError(message)


def _check_targets(features: FeatureSet, targets: Mapping[str, OutputTarget]) -> None:
    """Refuse a feature that is the truth to be learnt; expressions of the same columns may be features."""
    momenta: dict[str, TableMomentum | CloudColumns] = {**features.momenta, **features.clouds}
    for name, target in targets.items():
        truth = target.expression.text
        for input_name, listed in {**features.tables, **_cloud_features(features)}.items():
            texts = [feature.expression.text for feature in listed]
            texts += momenta[input_name].components.values() if input_name in momenta else ()
            if truth in texts:
                message = (
                    f"inputs.{input_name}: '{truth}' is outputs.{name}.target, the truth to be learnt. "
                    "Remove it from the features."
                )
                raise ConfigError(message)


def _cloud_features(features: FeatureSet) -> dict[str, tuple[Feature, ...]]:
    return {name: cloud.all for name, cloud in features.clouds.items()}
