"""What networks of attention share: the block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.network.layers import (
    Activation,
    Add,
    Attention,
    ClassAttention,
    Dense,
    Dropout,
    LayerNorm,
    Scale,
)
from rapidity.network.layers.activation import initializer_before

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.network.layer import Layer
    from rapidity.network.layers.activation import ActivationName


def check_heads(heads: int, width: int) -> None:
    """Raise a ValueError unless the heads of an attention divide its width."""
    if width % heads:
        message = f"{heads} heads do not divide the width {width}. Each head has a share of it"
        raise ValueError(message)


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


@dataclass(frozen=True)
class NormFormerBlock:
    """A block of the particle transformer, with more normalisations than an `EncoderBlock` has.

    ``y = x + norm(attention(norm(x)))``, then ``scale * y + dense(norm(activation(dense(norm(y)))))`` with a
    trained scale for each feature; dropout after the attention, after the activation and at the end. Source:
    Qu et al., arXiv:2202.03772, figure 3; Shleifer et al., arXiv:2110.09456, whose factor for each head is
    left out: the kernel after it, or the normalisation, can do the same.

    Attributes
    ----------
    expansion
        Units inside the dense layers over `width`.
    dropout
        Of each place named above and of the attention weights.
    """

    width: int
    heads: int
    expansion: float
    activation: ActivationName
    dropout: float = 0.0

    def layers(self, name: str, start: str, further: Sequence[str] = ()) -> list[Layer]:
        """Return a block of self-attention, the last layer called `name`.

        Parameters
        ----------
        start
            Name of the objects x.
        further
            What the attention takes beside them: a pair bias, a mask.
        """
        norm = f"{name}_norm_1"
        attention = Attention(
            type="attention",
            name=f"{name}_attention",
            inputs=(norm, *further),
            heads=self.heads,
            dropout=self.dropout,
        )
        return [
            LayerNorm(type="layer_norm", name=norm, inputs=start),
            attention,
            LayerNorm(type="layer_norm", name=f"{name}_norm_2"),
            *self._drop(f"{name}_dropout_1"),
            Add(type="add", name=f"{name}_middle", inputs=(start, self._attended(name))),
            *self._think(name),
        ]

    def class_layers(self, name: str, token: str | None, objects: str, mask: Sequence[str]) -> list[Layer]:
        """Return a block in which a token gathers from the objects, the last layer called `name`.

        Parameters
        ----------
        token
            Name of the token; None: a trained one begins. Adding it again would do nothing, since the
            normalisation after the attention has a bias of the same size.
        """
        norm = f"{name}_norm_objects"
        layers: list[Layer] = [LayerNorm(type="layer_norm", name=norm, inputs=objects)]
        taken = (norm, *mask)
        if token is not None:
            layers.append(LayerNorm(type="layer_norm", name=f"{name}_norm_1", inputs=token))
            taken = (f"{name}_norm_1", *taken)
        layers += [
            ClassAttention(
                type="class_attention",
                name=f"{name}_attention",
                inputs=taken,
                heads=self.heads,
                dropout=self.dropout,
            ),
            LayerNorm(type="layer_norm", name=f"{name}_middle" if token is None else f"{name}_norm_2"),
        ]
        if token is not None:
            layers += [
                *self._drop(f"{name}_dropout_1"),
                Add(type="add", name=f"{name}_middle", inputs=(token, self._attended(name))),
            ]
        return [*layers, *self._think(name)]

    def _think(self, name: str) -> list[Layer]:
        inside = max(1, round(self.width * self.expansion))
        initializer = initializer_before(self.activation)
        middle = f"{name}_middle"
        return [
            LayerNorm(type="layer_norm", name=f"{name}_norm_3", inputs=middle),
            Dense(type="dense", name=f"{name}_dense_1", units=inside, initializer=initializer),
            Activation(type="activation", name=f"{name}_activation", function=self.activation),
            *self._drop(f"{name}_dropout_2"),
            LayerNorm(type="layer_norm", name=f"{name}_norm_4"),
            Dense(type="dense", name=f"{name}_dense_2", units=self.width, initializer="glorot_uniform"),
            *self._drop(f"{name}_dropout_3"),
            Scale(type="scale", name=f"{name}_scale", inputs=middle),
            Add(
                type="add",
                name=name,
                inputs=(f"{name}_scale", f"{name}_dropout_3" if self.dropout > 0 else f"{name}_dense_2"),
            ),
        ]

    def _attended(self, name: str) -> str:
        """Return the name of the last layer before what was attended to is added."""
        return f"{name}_dropout_1" if self.dropout > 0 else f"{name}_norm_2"

    def _drop(self, name: str) -> list[Layer]:
        return [Dropout(type="dropout", name=name, rate=self.dropout)] if self.dropout > 0 else []
