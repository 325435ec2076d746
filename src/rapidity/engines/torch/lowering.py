"""What the lowering of a layer gives: a native module, and where its parameters sit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


@dataclass(frozen=True)
class TensorPlace:
    """Where a canonical parameter sits in a native module.

    Attributes
    ----------
    attribute
        Name of the tensor in the module.
    axes
        Order of the canonical axes in the tensor, or None if it is the same.
    """

    attribute: str
    axes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Lowered:
    """A native module, and the places of the node's parameters in it."""

    module: nn.Module
    places: Mapping[str, TensorPlace] = field(default_factory=dict)
