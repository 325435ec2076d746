"""Records and arrays as the plain values that JSON can hold."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def by_class(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return class name -> value.

    Examples
    --------
    >>> by_class(["signal", "background"], [1, 2])
    {'signal': 1, 'background': 2}
    """
    return dict(zip(names, values, strict=True))


def to_plain(value: Any) -> Any:
    """Return plain values; NaN and infinities, which JSON lacks, become None.

    Examples
    --------
    >>> to_plain({"auc": np.float64(0.5), "edges": np.array([0.0, np.inf]), "names": ("a", "b")})
    {'auc': 0.5, 'edges': [0.0, None], 'names': ['a', 'b']}
    """
    if isinstance(value, np.ndarray | np.generic):
        return to_plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        mapping: Mapping[Any, Any] = value
        return {str(key): to_plain(entry) for key, entry in mapping.items()}
    if isinstance(value, list | tuple):
        return [to_plain(entry) for entry in value]
    return value
