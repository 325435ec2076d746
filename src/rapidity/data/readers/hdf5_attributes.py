"""Attributes of HDF5 datasets: units, texts."""

from __future__ import annotations

import json
from typing import Any


def stated_units(dataset: Any, name: str) -> dict[str, str]:
    """Return the units that the attribute `unit` (of a column) or `units` (JSON, by column) states."""
    unit = dataset.attrs.get("unit")
    if unit is not None:
        return {name: as_text(unit)}
    units = dataset.attrs.get("units")
    try:
        stated = json.loads(as_text(units)) if units is not None else {}
    except ValueError:
        return {name: as_text(units)}
    return {str(key): str(value) for key, value in stated.items()} if isinstance(stated, dict) else {}


def as_text(value: Any) -> str:
    """Return the text of an attribute, which may be stored as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
