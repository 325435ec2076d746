"""Attention among the objects of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rapidity.network.initializers import Initializer
from rapidity.network.layer import Layer, ParameterSpec, Shape, ShapeError
from rapidity.network.layers.dropout import DropoutRate
from rapidity.network.layers.masks import check_mask, token_shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HIDDEN_LOGIT = -3.0e4
"""What stands for the logit of a place without an object: its exponential is zero in 32 bits, and unlike
infinity it leaves an event without objects finite. It can be written with 16 bits too."""
WEIGHTS = "weights"
"""Name of the second result of a layer of attention: the attention weights."""

Role = Literal["tokens", "bias", "mask", "token"]


class HeadedLayer(Layer):
    """Base of the layers of attention: heads, their dropout, and where the parameters start."""

    heads: Annotated[int, Field(gt=0)] = 4
    """Number of heads, each with its share of the features; must divide their number."""
    dropout: DropoutRate = 0.0
    """Fraction of the attention weights set to zero while training."""
    initializer: Initializer = "glorot_uniform"
    """How the kernels are first drawn; biases start at zero."""

    def check_heads(self, n_features: int) -> None:
        """Raise a ShapeError unless the heads divide the features."""
        if n_features % self.heads:
            raise ShapeError(
                needs=f"a number of features that its {self.heads} heads divide",
                cure="Change 'heads', or the units of the layer before",
            )

    def kernel_and_bias(self, name: str, n_in: int, n_projections: int) -> tuple[ParameterSpec, ...]:
        """Return the parameters of projections of the same size side by side."""
        kernel = ParameterSpec(
            f"{name}_kernel", (n_in, n_projections * n_in), self.initializer, fan_in=n_in, fan_out=n_in
        )
        return (kernel, ParameterSpec(f"{name}_bias", (n_projections * n_in,), "zeros"))


class Attention(HeadedLayer):
    """Multi-head self-attention: each object gathers from all objects what their likeness to it weighs.

    ``softmax(q k^T / sqrt(n_features / heads) + bias) v`` for each head, the heads side by side and then
    projected. Inputs: the objects or tokens ``(n, n_features)``; a pair bias ``(n, n, heads)``, if any, whose
    first axis is the object that gathers; and last their mask, if any. Places without an object count as
    objects of zeros that nobody attends to; in an event without any object all weights are 1 / n, and the
    result is the same for every such event. Source: Vaswani et al., arXiv:1706.03762; the pair bias is that
    of Qu et al., arXiv:2202.03772.
    """

    type: Literal["attention"]

    def roles(self, shapes: Sequence[Shape]) -> tuple[Role, ...]:
        """Return what each input is, by the number of its axes; a ShapeError if the inputs do not fit."""
        n_tokens, n_features = tokens = token_shape(shapes)
        self.check_heads(n_features)
        roles: list[Role] = ["tokens"]
        for shape in shapes[1:]:
            if len(shape) == 3 and roles == ["tokens"]:
                self._check_bias(n_tokens, shape)
                roles.append("bias")
            elif "mask" in roles:
                raise ShapeError(
                    needs="objects, a pair bias and a mask at most", cure="Name them in this order"
                )
            else:
                check_mask(tokens, shape)
                roles.append("mask")
        return tuple(roles)

    def _check_bias(self, n_tokens: int, shape: Shape) -> None:
        expected = (n_tokens, n_tokens, self.heads)
        if shape != expected:
            raise ShapeError(
                needs=f"a pair bias (n_events, {', '.join(map(str, expected))})",
                cure="Give it one value per head with a 'dense' layer over the pairs",
            )

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the objects."""
        self.roles(shapes)
        return shapes[0]

    def further_results(self, shapes: Sequence[Shape]) -> Mapping[str, Shape]:
        """Return ``weights (heads, n, n)``: for each head and object, what it takes of every object."""
        n_tokens = shapes[0][0]
        return {WEIGHTS: (self.heads, n_tokens, n_tokens)}

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``projection_kernel (n_features, 3 * n_features)``, ``output_kernel`` and their biases.

        The first holds query, key and value one after another, each head by head.
        """
        n_features = token_shape(shapes)[-1]
        return (
            *self.kernel_and_bias("projection", n_features, 3),
            *self.kernel_and_bias("output", n_features, 1),
        )
