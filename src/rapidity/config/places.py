"""Where an error of pydantic lies: its path without union tags, and what the models say of it.

A location such as ``('layers', 1, 'dropout', 'rate')`` mixes keys with the labels of unions. The
models are followed alongside to tell which is which, and to learn the allowed keys and limits.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag, WrapValidator
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rapidity.config.document import KeyPath


@dataclass(frozen=True)
class Option:
    """One type that may stand at a place, with its constraints."""

    annotation: Any
    metadata: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Place:
    """A place in the configuration.

    Attributes
    ----------
    path
        Keys and list positions, as the user wrote them.
    options
        The types that may stand there.
    description
        What the innermost key on the way is documented as.
    choice_path
        Path of the outermost plain union on the way, or None: its alternatives fail side by side.
    """

    path: KeyPath
    options: tuple[Option, ...]
    description: str
    choice_path: KeyPath | None

    def keys(self) -> list[str]:
        """Return the keys that a block here may have."""
        names = [name for model in self.models() for name in field_names(model)]
        return sorted(dict.fromkeys(names))

    def models(self) -> list[type[BaseModel]]:
        """Return the models that may stand here."""
        return [option.annotation for option in self.options if _is_model(option.annotation)]

    def constraints(self) -> list[Any]:
        """Return the constraints (``Gt(gt=0)`` and the like) on the value."""
        return [item for option in self.options for item in option.metadata]


def find_place(model: type[BaseModel], location: Sequence[str | int], values: Any) -> Place:
    """Follow `location` from `model` downwards, through the `values` that the user wrote."""
    options = _expand([Option(model)])
    path: list[str | int] = []
    description = ""
    choice_path = None
    for element in location:
        options = _pick(options, values)
        labelled = _choose(options, element)
        if labelled is not None:
            options, is_tag = labelled
            if not is_tag and choice_path is None:
                choice_path = tuple(path)
            continue
        options, found = _descend(options, element)
        if element == "[key]":
            continue
        path.append(element)
        values = _inside(values, element)
        description = found or ("" if isinstance(element, str) else description)
    options = _pick(options, values)
    return Place(tuple(path), _expand(options, is_deep=True), description, choice_path)


def field_names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return key in YAML -> field."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def keys_of_all_blocks(model: type[BaseModel]) -> Iterator[tuple[KeyPath, str]]:
    """Yield (path of a block, key in it) for every block that is reached through keys alone."""
    yield from _walk(model, ())


def _walk(annotation: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for option in _expand([Option(annotation)], is_deep=True):
        if not _is_model(option.annotation):
            continue
        for name, field in field_names(option.annotation).items():
            yield path, name
            yield from _walk(field.annotation, (*path, name))


def _pick(options: Sequence[Option], value: Any) -> tuple[Option, ...]:
    """Choose among models as the wrap validators of networks do: by their keys, or by the `type`.

    Such a union leaves no label in the location.
    """
    wrapped = [o for o in options if any(isinstance(item, WrapValidator) for item in o.metadata)]
    if not wrapped:
        return tuple(options)
    members = [member for member in _expand(wrapped, is_deep=True) if _is_model(member.annotation)]
    block = value if isinstance(value, dict) else {}
    untyped = [member for member in members if "type" not in field_names(member.annotation)]
    chosen = [member for member in untyped if _required(member.annotation) <= set(block)]
    chosen = (
        chosen or [member for member in members if block.get("type") in _tags(member.annotation)] or members
    )
    return tuple(Option(member.annotation) for member in chosen)


def _required(model: type[BaseModel]) -> set[str]:
    return {name for name, field in field_names(model).items() if field.is_required()}


def _inside(value: Any, key: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    is_there = isinstance(value, list) and isinstance(key, int) and key < len(value)
    return value[key] if is_there else None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _unwrap(option: Option) -> Option:
    if get_origin(option.annotation) is not Annotated:
        return option
    inner, *metadata = get_args(option.annotation)
    flat = [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
    return _unwrap(Option(inner, (*option.metadata, *flat)))


def _expand(options: Sequence[Option], *, is_deep: bool = False) -> tuple[Option, ...]:
    """Unwrap ``Annotated`` and ``X | None``; with `is_deep`, all unions."""
    expanded: list[Option] = []
    for option in map(_unwrap, options):
        members = _members(option.annotation)
        if members and (is_deep or len(members) == 1):
            inner = [Option(member, option.metadata) for member in members]
            expanded.extend(_expand(inner, is_deep=is_deep))
        else:
            expanded.append(option)
    return tuple(expanded)


def _members(annotation: Any) -> list[Any]:
    if not _is_union(annotation):
        return []
    return [member for member in get_args(annotation) if member is not types.NoneType]


def _choose(options: Sequence[Option], label: str | int) -> tuple[tuple[Option, ...], bool] | None:
    """Return the alternatives that a union's `label` leaves and whether it is a tag; None: no union."""
    members = [
        Option(member, option.metadata) for option in options for member in _members(option.annotation)
    ]
    if not members or isinstance(label, int):
        return None
    tagged = [member for member in members if label in _tags(member.annotation)]
    return _expand(tagged or members), bool(tagged)


def _tags(annotation: Any) -> list[Any]:
    option = _unwrap(Option(annotation))
    tags = [item.tag for item in option.metadata if isinstance(item, Tag)]
    fields = option.annotation.model_fields if _is_model(option.annotation) else {}
    for key in ("type", "task"):
        kind = fields[key].annotation if key in fields else None
        tags += get_args(kind) if get_origin(kind) is Literal else []
    return tags


def _descend(options: Sequence[Option], element: str | int) -> tuple[tuple[Option, ...], str]:
    """Go one key or list position down; return what may stand there and the key's description."""
    below: list[Option] = []
    description = ""
    for option in options:
        origin, arguments = get_origin(option.annotation), get_args(option.annotation)
        if _is_model(option.annotation):
            field = field_names(option.annotation).get(str(element))
            if field is not None:
                below.append(Option(field.annotation, tuple(field.metadata)))
                description = " ".join((field.description or "").split())
        elif origin is tuple and isinstance(element, int):
            is_open = len(arguments) == 2 and arguments[1] is Ellipsis
            below.append(Option(arguments[0 if is_open else min(element, len(arguments) - 1)]))
        elif origin is dict:
            below.append(Option(arguments[0 if element == "[key]" else 1]))
    return _expand(below), description
