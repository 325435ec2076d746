"""Attention of one token on the objects of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import ParameterSpec, Shape, ShapeError
from rapidity.network.layers.attention import WEIGHTS, HeadedLayer, Role
from rapidity.network.layers.masks import check_mask, token_shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ClassAttention(HeadedLayer):
    """One token gathers from all objects of an event, and from itself, what describes the event.

    Inputs: the token ``(n_features,)``, without which a trained one is taken; the objects
    ``(n, n_features)``; and last their mask, if any. The result is a token again. In an event without any
    object the token sees itself alone. Source: Touvron et al., arXiv:2103.17239, section 3; for jets Qu et
    al., arXiv:2202.03772.
    """

    type: Literal["class_attention"]

    def roles(self, shapes: Sequence[Shape]) -> tuple[Role, ...]:
        """Return what each input is, by the number of its axes; a ShapeError if the inputs do not fit."""
        roles: list[Role] = ["token"] if shapes and len(shapes[0]) == 1 else []
        tokens = token_shape(shapes[len(roles) :])
        if roles and shapes[0] != tokens[1:]:
            raise ShapeError(
                needs=f"a token with as many features as the objects, {tokens[1]}",
                cure="Give both one size with a 'dense' layer",
            )
        self.check_heads(tokens[1])
        roles.append("tokens")
        for shape in shapes[len(roles) :]:
            if roles[-1] == "mask":
                raise ShapeError(needs="a token, objects and a mask at most", cure="Name them in this order")
            check_mask(tokens, shape)
            roles.append("mask")
        return tuple(roles)

    def _objects(self, shapes: Sequence[Shape]) -> Shape:
        return shapes[self.roles(shapes).index("tokens")]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n_features,)``."""
        return self._objects(shapes)[1:]

    def further_results(self, shapes: Sequence[Shape]) -> Mapping[str, Shape]:
        """Return ``weights (heads, 1 + n)``: what each head takes of the token itself and of every object."""
        return {WEIGHTS: (self.heads, 1 + self._objects(shapes)[0])}

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``query_kernel``, ``projection_kernel`` (key, value), ``output_kernel`` and their biases.

        Kernels have the shape ``(n_features, n_features)``, that of key and value twice as wide. If no token
        is given, there is also ``token (n_features,)``.
        """
        n_features = self._objects(shapes)[1]
        token = ParameterSpec("token", (n_features,), "small_normal")
        return (
            *self.kernel_and_bias("query", n_features, 1),
            *self.kernel_and_bias("projection", n_features, 2),
            *self.kernel_and_bias("output", n_features, 1),
            *(() if "token" in self.roles(shapes) else (token,)),
        )
