"""Networks as declared graphs of layers, free of any engine.

`build_network` turns the `network:` block into a `Network`: named nodes with inferred shapes and the
parameters each of them needs. Engines build it; `artefact` writes it as ONNX; nothing here computes.
"""

from __future__ import annotations

from rapidity.network.build import build_network, describe_shape, head_name
from rapidity.network.catalogue import (
    CATALOGUE,
    CatalogueNetwork,
    Cnn,
    DeepSets,
    EventGraph,
    Inception,
    Lenet,
    Mlp,
    ParticleNet,
    ParticleTransformer,
    Realmlp,
    ResidualMlp,
    Resnet,
    TwoBranchCnn,
    Vit,
)
from rapidity.network.config import LayerList, NetworkConfig
from rapidity.network.describe import NetworkDescription, describe_network
from rapidity.network.graph import Network, Node, SummaryRow
from rapidity.network.layer import Layer, ParameterSpec, Shape
from rapidity.network.layers import LAYERS

__all__ = [
    "CATALOGUE",
    "LAYERS",
    "CatalogueNetwork",
    "Cnn",
    "DeepSets",
    "EventGraph",
    "Inception",
    "Layer",
    "LayerList",
    "Lenet",
    "Mlp",
    "Network",
    "NetworkConfig",
    "NetworkDescription",
    "Node",
    "ParameterSpec",
    "ParticleNet",
    "ParticleTransformer",
    "Realmlp",
    "ResidualMlp",
    "Resnet",
    "Shape",
    "SummaryRow",
    "TwoBranchCnn",
    "Vit",
    "build_network",
    "describe_network",
    "describe_shape",
    "head_name",
]
