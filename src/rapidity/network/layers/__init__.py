"""All layers, one file each; the table maps the `type` in YAML to the layer."""

from __future__ import annotations

from rapidity.core.errors import GraphError
from rapidity.core.registry import Registry
from rapidity.network.layer import Layer
from rapidity.network.layers.activation import Activation
from rapidity.network.layers.dense import Dense

LAYERS: Registry[type[Layer]] = Registry(
    "layer",
    {
        "dense": Dense,
        "activation": Activation,
    },
    GraphError,
)

__all__ = ["LAYERS", "Activation", "Dense"]
