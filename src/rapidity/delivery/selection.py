"""The selection of a model's run, evaluated on events to be scored: which of them would have been used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config.collections import ObjectArrays
from rapidity.config.document import parse_yaml
from rapidity.core.errors import ConfigError, DataError
from rapidity.data.collections import find_collections
from rapidity.data.features import evaluate_expression
from rapidity.expressions import Expression, parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnInfo

CONFIGURATION = "rapidity.configuration"
"""Where a model keeps the configuration of its run."""


@dataclass(frozen=True)
class ModelSelection:
    """`data.selection` of the run that made a model, with the `data.objects` that it may use."""

    text: str
    objects: Mapping[str, Mapping[str, str]]

    def parse(self, columns: Mapping[str, ColumnInfo]) -> Expression:
        """Return the expression, with the columns of a file under the names that the model has for them."""
        return parse_expression(
            self.text, self.objects, find_collections([columns], self.objects, with_arrays=True)
        )


def find_configuration(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration that a model carries; empty if it carries none that can be read."""
    try:
        values = parse_yaml(metadata.get(CONFIGURATION, "")).values
    except ConfigError:
        return {}
    return values if isinstance(values, dict) else {}


def find_selection(metadata: Mapping[str, str]) -> ModelSelection | None:
    """Return the selection of the run that made a model; None if every event was used."""
    data = find_configuration(metadata).get("data")
    if not isinstance(data, dict) or not data.get("selection"):
        return None
    return ModelSelection(str(data["selection"]), data.get("objects") or {})


def find_object_arrays(metadata: Mapping[str, str]) -> dict[str, ObjectArrays]:
    """Return the arrays that the run of a model read as columns of objects (`data.collections`)."""
    data = find_configuration(metadata).get("data")
    found = data.get("collections") if isinstance(data, dict) else None
    return {name: ObjectArrays.model_validate(block) for name, block in (found or {}).items()}


def evaluate_selection(
    selection: Expression | None, columns: Mapping[str, Any], n_events: int, where: str, first_entry: int
) -> NDArray[np.bool_]:
    """Return which events pass ``(n_events,)``; a value other than true and false is a DataError."""
    if selection is None:
        return np.ones(n_events, dtype=np.bool_)
    values = evaluate_expression(selection, columns)
    is_odd = ~np.isin(values, (0.0, 1.0))
    if is_odd.any():
        row = int(np.argmax(is_odd))
        message = (
            f"the selection of the model, '{selection.text}', gives {values[row]:g} at entry "
            f"{first_entry + row} of {where}, expected true or false. Score without it: --no-pass."
        )
        raise DataError(message)
    return np.asarray(values != 0)
