"""What networks of attention share: the block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.network.layers import Activation, Add, Attention, Dense, Dropout, LayerNorm
from rapidity.network.layers.activation import initializer_before

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.network.layer import Layer
    from rapidity.network.layers.activation import ActivationName


@dataclass(frozen=True)
class EncoderBlock:
    """A block of a transformer, the normalisation first.

    ``y = x + attention(norm(x))``, then ``y + dense(activation(dense(norm(y))))``, dropout at the end of
    both. Source: Vaswani et al., arXiv:1706.03762; normalisation first: Xiong et al., arXiv:2002.04745.

    Attributes
    ----------
    expansion
        Units inside the dense layers over `width`.
    dropout
        Of what each half adds; `attention_dropout` is that of the attention weights.
    """

    width: int
    heads: int
    expansion: float
    activation: ActivationName
    dropout: float = 0.0
    attention_dropout: float = 0.0

    def layers(self, name: str, start: str, further: Sequence[str] = ()) -> list[Layer]:
        """Return the layers, the last one called `name`.

        Parameters
        ----------
        start
            Name of the tokens x.
        further
            What the attention takes beside the tokens: a pair bias, a mask.
        """
        attention = self._attend(name, start, tuple(further))
        middle = Add(type="add", name=f"{name}_middle", inputs=(start, attention[-1].name or ""))
        dense = self._think(name)
        end = Add(type="add", name=name, inputs=(f"{name}_middle", dense[-1].name or ""))
        return [*attention, middle, *dense, end]

    def _attend(self, name: str, start: str, further: tuple[str, ...]) -> list[Layer]:
        norm = f"{name}_norm_1"
        return [
            LayerNorm(type="layer_norm", name=norm, inputs=start),
            Attention(
                type="attention",
                name=f"{name}_attention",
                inputs=(norm, *further),
                heads=self.heads,
                dropout=self.attention_dropout,
            ),
            *self._drop(f"{name}_dropout_1"),
        ]

    def _think(self, name: str) -> list[Layer]:
        inside = max(1, round(self.width * self.expansion))
        initializer = initializer_before(self.activation)
        return [
            LayerNorm(type="layer_norm", name=f"{name}_norm_2"),
            Dense(type="dense", name=f"{name}_dense_1", units=inside, initializer=initializer),
            Activation(type="activation", name=f"{name}_activation", function=self.activation),
            Dense(type="dense", name=f"{name}_dense_2", units=self.width, initializer="glorot_uniform"),
            *self._drop(f"{name}_dropout_2"),
        ]

    def _drop(self, name: str) -> list[Layer]:
        return [Dropout(type="dropout", name=name, rate=self.dropout)] if self.dropout > 0 else []
