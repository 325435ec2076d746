"""What an input of `kind: cloud` means in the files of a run, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.errors import ConfigError, ExpressionError, shorten
from rapidity.data.clouds import CloudColumns
from rapidity.data.features import Feature, parse_feature, parse_features
from rapidity.data.unknown_columns import look_for_columns
from rapidity.expressions import Expression, parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.config.data import DataBlock
    from rapidity.config.inputs import CloudInput
    from rapidity.data.features import Collections, Objects
    from rapidity.data.readers.reader import ColumnInfo
    from rapidity.data.sources import JoinedFile

FOUR_MOMENTUM = ("px", "py", "pz", "energy")
"""The numbers of `<name>.momenta`, in this order."""
MOMENTA = "momenta"
"""What the objects are called in the expressions of their momenta."""


def find_cloud_columns(
    name: str, config: CloudInput, data: DataBlock, files: Sequence[JoinedFile], collections: Collections
) -> CloudColumns:
    """Return what an input of `kind: cloud` means in these files.

    Raises
    ------
    MissingNameError
        If a file lacks a column.
    ConfigError
        If a feature, the order, the selection or a coordinate has not one value for each object, or they
        belong to different collections.
    """
    where = f"inputs.{name}"
    objects = data.objects
    components = find_components(where, config.momenta, objects)
    texts = {f"{where}, feature '{text}'": text for text in config.features}
    texts |= {f"{where}.order_by": config.order_by or "", f"{where}.selection": config.selection or ""}
    texts |= {f"{where}.momenta.{key}": text for key, text in components.items()}
    texts |= {f"{where}, coordinate '{text}'": text for text in config.coordinates or ()}
    with look_for_columns(files[0], objects, texts):
        features = parse_features(
            config.features, f"{where}.features", files[0].columns, objects, collections
        )
        made = CloudColumns(
            collection=features[0].expression.collection or "",
            features=features,
            n_objects=config.n_objects,
            order_by=_parse(config.order_by, objects, collections),
            selection=_parse(config.selection, objects, collections),
            components=components,
            momenta=make_momenta(components, objects, collections, where),
            coordinates=tuple(
                _find_coordinate(text, features, files[0].columns, objects, collections)
                for text in config.coordinates or ()
            ),
        )
    _check_cloud(where, made, files)
    return made


def _parse(text: str | None, objects: Objects, collections: Collections) -> Expression | None:
    return None if text is None else parse_expression(text, objects, collections)


def find_components(
    where: str, momenta: str | Mapping[str, str | float] | None, objects: Objects
) -> dict[str, str]:
    """Return what the `momenta:` of an input are given by, each an expression; nothing without `momenta:`.

    Raises
    ------
    ConfigError
        If they are the name of an object that is not in ``data.objects``.
    """
    if momenta is None:
        return {}
    if not isinstance(momenta, str):
        return {key: str(value) for key, value in momenta.items()}
    if momenta not in objects:
        known = f"There are: {shorten(objects)}." if objects else "There are none."
        message = (
            f"{where}.momenta is '{momenta}', which is no object of data.objects. {known} Declare it "
            "there, or give the components here: {pt: ..., eta: ..., phi: ..., mass: ...}."
        )
        raise ConfigError(message)
    return dict(objects[momenta])


def make_momenta(
    components: Mapping[str, str], objects: Objects, collections: Collections, where: str = "inputs"
) -> tuple[Feature, ...]:
    """Return px, py, pz and energy of objects that are given by components; nothing without components."""
    if not components:
        return ()
    known = {**objects, MOMENTA: dict(components)}
    try:
        return tuple(
            Feature(name, parse_expression(f"{name}({MOMENTA})", known, collections))
            for name in FOUR_MOMENTUM
        )
    except ExpressionError as error:
        message = str(error).replace(f"data.objects.{MOMENTA}", f"{where}.momenta")
        raise ExpressionError(message) from error


def _find_coordinate(
    text: str,
    features: Sequence[Feature],
    columns: Mapping[str, ColumnInfo],
    objects: Objects,
    collections: Collections,
) -> Feature:
    """Return the feature of this name, or that of an expression."""
    named = [feature for feature in features if feature.name == text.strip()]
    return named[0] if named else parse_feature(text, columns, objects, collections)


def _check_cloud(where: str, cloud: CloudColumns, files: Sequence[JoinedFile]) -> None:
    """Raise a ConfigError unless everything has a value for each object of one collection.

    Of columns that are not there at all it is said first that they are not.
    """
    parts = {f"feature '{feature.name}'": feature.expression for feature in cloud.features}
    parts |= {f"momenta, {feature.name}": feature.expression for feature in cloud.momenta}
    parts |= {f"coordinate '{feature.name}'": feature.expression for feature in cloud.coordinates}
    parts |= {"order_by": cloud.order_by} if cloud.order_by else {}
    parts |= {"selection": cloud.selection} if cloud.selection else {}
    for part, expression in parts.items():
        for column in expression.columns:
            files[0].require_column(column, f"{where}, {part}")
        _check_objects(where, part, expression, files[0].columns)
    of_parts = {part: expression.collection for part, expression in parts.items()}
    first, collection = next(iter(of_parts.items()))
    for part, other in of_parts.items():
        if other != collection:
            message = (
                f"{where}: {first} belongs to the objects of '{collection}', but {part} to those of "
                f"'{other}'. A cloud is made of one collection: give each an input of its own. If they are "
                "the same objects, say so: name their columns in one object of data.objects."
            )
            raise ConfigError(message)
    if cloud.selection is not None and not cloud.selection.is_condition:
        message = (
            f"{where}.selection '{cloud.selection.text}' is a number, expected a condition that holds for an "
            "object or not: compare with something, as in `cand_pt > 0.5`."
        )
        raise ConfigError(message)


def _check_objects(where: str, part: str, expression: Expression, columns: Mapping[str, ColumnInfo]) -> None:
    if expression.collection is None:
        arrays = {name: columns[name].shape for name in expression.columns if name in columns}
        images = [f"'{name}' {shape}" for name, shape in arrays.items() if len(shape) > 1]
        if images:
            found = f"reads whole arrays ({shorten(images)})"
            cure = (
                "Images belong to an input of `kind: image`; arrays (objects, fields) are made columns of "
                "objects by data.collections."
            )
        else:
            found = "has one value an event"
            cure = (
                "Put it into a table input beside the cloud, or combine it with a value of each object "
                "(cand_pt / jet_pt)."
            )
        message = f"{where}, {part}: {found}, but a cloud needs a value for each object. {cure}"
        raise ConfigError(message)
    if expression.is_selection:
        message = (
            f"{where}, {part}: '{expression.text}' selects some of the objects, but all parts of a cloud "
            f"need the same ones. Move the condition to {where}.selection."
        )
        raise ConfigError(message)
