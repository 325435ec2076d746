"""What the lowering of a layer gives: a native module, and where its parameters sit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn


@dataclass(frozen=True)
class TensorPlace:
    """Where a canonical parameter sits in a native module.

    Attributes
    ----------
    attribute
        Name of the tensor in the module, with those of the modules inside: ``output.weight``.
    axes
        Order of the canonical axes in the tensor, or None if it is the same.
    """

    attribute: str
    axes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Lowered:
    """The native module of a node.

    Attributes
    ----------
    module
        What the node is.
    places
        Parameter of the node -> where it sits in `module`.
    further
        Name -> function of the module's inputs, for what can be asked for beside the result.
    """

    module: nn.Module
    places: Mapping[str, TensorPlace] = field(default_factory=dict)
    further: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
