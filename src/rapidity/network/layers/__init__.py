"""All layers, one file each; the table maps the `type` in YAML to the layer."""

from __future__ import annotations

from rapidity.core.errors import GraphError
from rapidity.core.registry import Registry
from rapidity.network.layer import Layer
from rapidity.network.layers.activation import Activation
from rapidity.network.layers.add import Add
from rapidity.network.layers.attention import Attention
from rapidity.network.layers.average_pool2d import AveragePool2d
from rapidity.network.layers.batch_norm import BatchNorm
from rapidity.network.layers.class_attention import ClassAttention
from rapidity.network.layers.class_token import ClassToken
from rapidity.network.layers.concatenate import Concatenate
from rapidity.network.layers.conv2d import Conv2d
from rapidity.network.layers.convolution import Convolution
from rapidity.network.layers.dense import Dense
from rapidity.network.layers.depthwise_conv2d import DepthwiseConv2d
from rapidity.network.layers.dropout import Dropout
from rapidity.network.layers.edges import Edges
from rapidity.network.layers.flatten import Flatten
from rapidity.network.layers.global_pool import GlobalPool
from rapidity.network.layers.join_objects import JoinObjects
from rapidity.network.layers.layer_norm import LayerNorm
from rapidity.network.layers.masked_pool import MaskedPool
from rapidity.network.layers.max_pool2d import MaxPool2d
from rapidity.network.layers.multiply import Multiply
from rapidity.network.layers.neighbours import Neighbours
from rapidity.network.layers.pair_features import PairFeatures
from rapidity.network.layers.pairs import PairMask, SquarePairs
from rapidity.network.layers.parametric_activation import ParametricActivation
from rapidity.network.layers.periodic_embedding import PeriodicEmbedding
from rapidity.network.layers.pooling import Pooling
from rapidity.network.layers.position_embedding import PositionEmbedding
from rapidity.network.layers.scale import Scale
from rapidity.network.layers.take_objects import TakeObjects
from rapidity.network.layers.take_token import TakeToken
from rapidity.network.layers.to_token import FullMask, ToToken
from rapidity.network.layers.to_tokens import ToTokens
from rapidity.network.layers.upsample2d import Upsample2d

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
        "conv2d": Conv2d,
        "depthwise_conv2d": DepthwiseConv2d,
        "max_pool2d": MaxPool2d,
        "average_pool2d": AveragePool2d,
        "global_pool": GlobalPool,
        "upsample2d": Upsample2d,
        "multiply": Multiply,
        "scale": Scale,
        "to_tokens": ToTokens,
        "class_token": ClassToken,
        "position_embedding": PositionEmbedding,
        "take_token": TakeToken,
        "attention": Attention,
        "class_attention": ClassAttention,
        "masked_pool": MaskedPool,
        "neighbours": Neighbours,
        "edges": Edges,
        "pair_features": PairFeatures,
        "pair_mask": PairMask,
        "square_pairs": SquarePairs,
        "join_objects": JoinObjects,
        "take_objects": TakeObjects,
        "to_token": ToToken,
        "full_mask": FullMask,
        "parametric_activation": ParametricActivation,
        "periodic_embedding": PeriodicEmbedding,
    },
    GraphError,
)

__all__ = [
    "LAYERS",
    "Activation",
    "Add",
    "Attention",
    "AveragePool2d",
    "BatchNorm",
    "ClassAttention",
    "ClassToken",
    "Concatenate",
    "Conv2d",
    "Convolution",
    "Dense",
    "DepthwiseConv2d",
    "Dropout",
    "Edges",
    "Flatten",
    "FullMask",
    "GlobalPool",
    "JoinObjects",
    "Layer",
    "LayerNorm",
    "MaskedPool",
    "MaxPool2d",
    "Multiply",
    "Neighbours",
    "PairFeatures",
    "PairMask",
    "ParametricActivation",
    "PeriodicEmbedding",
    "Pooling",
    "PositionEmbedding",
    "Scale",
    "SquarePairs",
    "TakeObjects",
    "TakeToken",
    "ToToken",
    "ToTokens",
    "Upsample2d",
]
