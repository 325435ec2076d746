"""Reading a YAML file that is one block of configuration: every mistake is told, with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from rapidity.config.document import Document, KeyPath, Problem, read_document
from rapidity.config.problems import collect_problems, format_problems
from rapidity.core.block import Block
from rapidity.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

B = TypeVar("B", bound=Block)


def load_block(
    path: Path,
    model: type[B],
    overrides: Sequence[str] = (),
    *,
    optional: Sequence[str] = (),
    needs: str = "name, data and features (or inputs)",
) -> B:
    """Read and check a YAML file that is one block, such as `RunConfig`.

    Parameters
    ----------
    overrides
        Single values to replace, ``key.inner=value``.
    optional
        Keys with nothing below them that mean the defaults.
    needs
        What at least belongs into such a file, for the message about an empty one.

    Raises
    ------
    ConfigError
        With every problem at once: line, key, what is wrong, what is allowed.
    """
    document = read_document(path, needs)
    default_types = dict(_default_types(model))
    for override in overrides:
        document.set_value(override, default_types)
    for name in optional:
        if document.values.get(name, ...) is None:
            del document.values[name]
    problems = list(document.problems)
    config = None
    try:
        config = model.model_validate(document.values)
    except ValidationError as error:
        problems += collect_problems(error, model, document)
    else:
        problems += _truth_values_as_numbers(document, config)
    if problems or config is None:
        raise ConfigError(format_problems(problems, str(path)))
    return config


def _default_types(model: type[Block], path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yield the key of every block that has a `type`, and the type that it has when it is left out."""
    for name, info in model.model_fields.items():
        default = info.get_default()
        if isinstance(default, Block):
            where = (*path, info.alias or name)
            kind = getattr(default, "type", None)
            if kind is not None:
                yield where, kind
            yield from _default_types(type(default), where)


def _truth_values_as_numbers(document: Document, config: Block) -> list[Problem]:
    """Refuse `weight_decay: true`, which pydantic reads as 1."""
    resolved = config.model_dump(mode="json", by_alias=True)
    problems = []
    for path, found in _truth_values(document.values, ()):
        value: Any = resolved
        for key in path:
            is_there = key in value if isinstance(value, dict) else isinstance(value, list)
            value = value[key] if is_there else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            text = f"expected a number, found {str(found).lower()}."
            problems.append(Problem(document.where(path), path, text))
    return problems


def _truth_values(value: Any, path: KeyPath) -> list[tuple[KeyPath, bool]]:
    if isinstance(value, bool):
        return [(path, value)]
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [found for key, inner in items for found in _truth_values(inner, (*path, key))]
