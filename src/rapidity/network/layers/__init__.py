"""All layers, one file each; the table maps the `type` in YAML to the layer."""

from __future__ import annotations

from rapidity.core.errors import GraphError
from rapidity.core.registry import Registry
from rapidity.network.layer import Layer
from rapidity.network.layers.activation import Activation
from rapidity.network.layers.add import Add
from rapidity.network.layers.batch_norm import BatchNorm
from rapidity.network.layers.concatenate import Concatenate
from rapidity.network.layers.dense import Dense
from rapidity.network.layers.dropout import Dropout
from rapidity.network.layers.flatten import Flatten
from rapidity.network.layers.layer_norm import LayerNorm

LAYERS: Registry[type[Layer]] = Registry(
    "layer",
    {
        "dense": Dense,
        "activation": Activation,
        "dropout": Dropout,
        "batch_norm": BatchNorm,
        "layer_norm": LayerNorm,
        "concatenate": Concatenate,
        "add": Add,
        "flatten": Flatten,
    },
    GraphError,
)

__all__ = [
    "LAYERS",
    "Activation",
    "Add",
    "BatchNorm",
    "Concatenate",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LayerNorm",
]
