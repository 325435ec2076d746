"""One token out of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.class_token import only_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence


class TakeToken(Layer):
    """Keeps the features of one token or object: by default the first, where a class token stands."""

    type: Literal["take_token"]
    index: int = 0
    """Which one, counted from 0; from the end if negative."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n_features,)``."""
        n_tokens, n_features = only_tokens(shapes)
        if not -n_tokens <= self.index < n_tokens:
            cure = f"Set 'index' between 0 and {n_tokens - 1}"
            raise ShapeError(needs=f"more than {n_tokens} tokens for its index {self.index}", cure=cure)
        return (n_features,)
