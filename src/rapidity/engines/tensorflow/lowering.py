"""What the lowering of a layer gives: Keras layers, and where its parameters sit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Lowered:
    """The Keras layers of a node.

    Attributes
    ----------
    layer
        What the node is.
    places
        Parameter of the node -> attribute of `layer`. The variable holds the same numbers in the same
        order, possibly in another shape (the kernel of a depthwise convolution).
    padding
        A layer that must come before, where Keras' own padding is another.
    further
        Name -> layer that gives, of the inputs of `layer`, what can be asked for beside the result.
    """

    layer: Any
    places: Mapping[str, str] = field(default_factory=dict)
    padding: Any = None
    further: Mapping[str, Any] = field(default_factory=dict)
