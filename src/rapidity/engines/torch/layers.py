"""One small lowering per layer into native `torch.nn` modules.

PyTorch's semantics are the canonical ones, so little is left to do but to say where the parameters sit.
Layers of images are in `image_layers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rapidity.core.errors import EngineError
from rapidity.core.registry import Registry
from rapidity.engines.engine import find_lowering
from rapidity.engines.torch.attention_layers import lower_attention, lower_class_attention
from rapidity.engines.torch.dropout import QuickDropout
from rapidity.engines.torch.graph_layers import (
    EdgesOfObjects,
    JoinClouds,
    MaskOfOnes,
    RowToToken,
    lower_neighbours,
    lower_pair_features,
    lower_pair_mask,
    lower_square_pairs,
    lower_take_objects,
)
from rapidity.engines.torch.image_layers import (
    lower_average_pool2d,
    lower_convolution,
    lower_global_pool,
    lower_max_pool2d,
    lower_upsample2d,
)
from rapidity.engines.torch.lowering import Lowered, TensorPlace
from rapidity.engines.torch.table_layers import NtkLinear, ParametricActivation, lower_periodic_embedding
from rapidity.engines.torch.token_layers import (
    MultiplyBranches,
    find_objects,
    lower_class_token,
    lower_masked_pool,
    lower_position_embedding,
    lower_scale,
    lower_take_token,
    lower_to_tokens,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rapidity.network import Node
    from rapidity.network.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
    from rapidity.network.layers import ParametricActivation as ParametricActivationLayer


class LastAxisBatchNorm(nn.BatchNorm1d):
    """Batch normalisation of the last axis, for any number of axes and masked, that survives one value.

    `torch.nn.BatchNorm1d` takes the second axis for the features, and stops the training when the last
    batch of an epoch happens to hold one event.
    """

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: A002 - the name in torch
        """Return the normalised values, of the same shape; with a mask, zeros where there is no object."""
        if mask is None:
            rows = input if input.dim() == 2 else input.reshape(-1, input.shape[-1])
            result = self._normalize(rows)
            return result if input.dim() == 2 else result.reshape(input.shape)
        rows = input.reshape(-1, input.shape[-1])
        (objects,) = find_objects(mask, input.shape[1]).flatten().nonzero(as_tuple=True)
        normalized = self._normalize(rows.index_select(0, objects))
        return torch.zeros_like(rows).index_copy(0, objects, normalized).view(input.shape)

    def _normalize(self, rows: Tensor) -> Tensor:
        """Return rows ``(n_rows, n_features)`` normalised; of fewer than two with the running statistics."""
        if self.training and len(rows) < 2:
            return nn.functional.batch_norm(
                rows,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                training=False,
                eps=self.eps,
            )
        return super().forward(rows)


class ConcatenateBranches(nn.Module):
    """Puts its inputs side by side along the last axis."""

    def forward(self, *branches: Tensor) -> Tensor:
        """Return the joined values."""
        return torch.cat(branches, dim=-1)


class AddBranches(nn.Module):
    """Adds its inputs up."""

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        """Return the sum."""
        for other in others:
            first = first + other
        return first


ACTIVATION_MODULES: Mapping[str, Callable[[Activation], nn.Module]] = {
    "relu": lambda _: nn.ReLU(),
    "leaky_relu": lambda layer: nn.LeakyReLU(layer.slope),
    "elu": lambda layer: nn.ELU(layer.alpha),
    "selu": lambda _: nn.SELU(),
    "gelu": lambda _: nn.GELU(),
    "silu": lambda _: nn.SiLU(),
    "mish": lambda _: nn.Mish(),
    "softplus": lambda _: nn.Softplus(),
    "softsign": lambda _: nn.Softsign(),
    "hard_sigmoid": lambda _: nn.Hardsigmoid(),
    "sigmoid": lambda _: nn.Sigmoid(),
    "tanh": lambda _: nn.Tanh(),
    "softmax": lambda _: nn.Softmax(dim=-1),
}


def lower_dense(node: Node, layer: Dense) -> Lowered:
    """Return a linear module; torch keeps its kernel as ``(n_out, n_in)``."""
    n_in, units = node.parameters[0].shape
    places = {"kernel": TensorPlace("weight", (1, 0))}
    if layer.bias:
        places["bias"] = TensorPlace("bias")
    module = NtkLinear if layer.parametrization == "ntk" else nn.Linear
    return Lowered(module(n_in, units, bias=layer.bias), places)


def lower_activation(node: Node, layer: Activation) -> Lowered:
    """Return the module of the function."""
    return Lowered(ACTIVATION_MODULES[layer.function](layer))


def lower_parametric_activation(node: Node, layer: ParametricActivationLayer) -> Lowered:
    """Return the module of the function with its parts."""
    function = ACTIVATION_MODULES[layer.function](layer.activation)
    return Lowered(ParametricActivation(node.shape[-1], function), {"part": TensorPlace("part")})


def lower_dropout(node: Node, layer: Dropout) -> Lowered:
    """Return a dropout module."""
    return Lowered(QuickDropout(layer.rate))


def lower_batch_norm(node: Node, layer: BatchNorm) -> Lowered:
    """Return a batch normalisation over the last axis."""
    places = {
        "scale": TensorPlace("weight"),
        "bias": TensorPlace("bias"),
        "running_mean": TensorPlace("running_mean"),
        "running_variance": TensorPlace("running_var"),
    }
    return Lowered(LastAxisBatchNorm(node.shape[-1], eps=layer.epsilon, momentum=layer.momentum), places)


def lower_layer_norm(node: Node, layer: LayerNorm) -> Lowered:
    """Return a layer normalisation over the last axis."""
    places = {"scale": TensorPlace("weight"), "bias": TensorPlace("bias")}
    return Lowered(nn.LayerNorm(node.shape[-1], eps=layer.epsilon), places)


LOWERINGS: Registry[Callable[[Node, Any], Lowered]] = Registry(
    "layer of the engine 'torch'",
    {
        "dense": lower_dense,
        "activation": lower_activation,
        "dropout": lower_dropout,
        "batch_norm": lower_batch_norm,
        "layer_norm": lower_layer_norm,
        "concatenate": lambda _node, _layer: Lowered(ConcatenateBranches()),
        "add": lambda _node, _layer: Lowered(AddBranches()),
        "flatten": lambda _node, _layer: Lowered(nn.Flatten()),
        "conv2d": lower_convolution,
        "depthwise_conv2d": lower_convolution,
        "max_pool2d": lower_max_pool2d,
        "average_pool2d": lower_average_pool2d,
        "global_pool": lower_global_pool,
        "upsample2d": lower_upsample2d,
        "multiply": lambda _node, _layer: Lowered(MultiplyBranches()),
        "scale": lower_scale,
        "to_tokens": lower_to_tokens,
        "class_token": lower_class_token,
        "position_embedding": lower_position_embedding,
        "take_token": lower_take_token,
        "attention": lower_attention,
        "class_attention": lower_class_attention,
        "masked_pool": lower_masked_pool,
        "neighbours": lower_neighbours,
        "edges": lambda _node, _layer: Lowered(EdgesOfObjects()),
        "pair_features": lower_pair_features,
        "pair_mask": lower_pair_mask,
        "square_pairs": lower_square_pairs,
        "join_objects": lambda _node, _layer: Lowered(JoinClouds()),
        "take_objects": lower_take_objects,
        "to_token": lambda _node, _layer: Lowered(RowToToken()),
        "parametric_activation": lower_parametric_activation,
        "periodic_embedding": lower_periodic_embedding,
        "full_mask": lambda _node, _layer: Lowered(MaskOfOnes()),
    },
    EngineError,
)


def lower_node(node: Node) -> Lowered:
    """Return the native module of a node; an EngineError names engines that have a layer which this lacks."""
    return find_lowering(LOWERINGS, "torch", node)(node, node.layer)
