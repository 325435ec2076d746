"""The `network:` block: a network of the catalogue, or a list of layers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from rapidity.core.block import Block
from rapidity.network.catalogue import Mlp
from rapidity.network.layers import Activation, Dense
from rapidity.network.layers.activation import ACTIVATIONS


def _name_to_layer(value: Any) -> Any:  # noqa: ANN401
    """Let `relu` stand for `{type: activation, function: relu}`, and `flatten` for `{type: flatten}`."""
    if not isinstance(value, str):
        return value
    return {"type": "activation", "function": value} if value in ACTIVATIONS else {"type": value}


AnyLayer = Annotated[Dense | Activation, Field(discriminator="type"), BeforeValidator(_name_to_layer)]


class LayerList(Block):
    """A network written out layer by layer; the head (one unit per logit) is added by itself."""

    layers: Annotated[tuple[AnyLayer, ...], Field(min_length=1)]
    """Layers in order; `inputs:` of a layer names inputs and earlier layers, for branches."""


def _network_kind(value: Any) -> str:  # noqa: ANN401
    keys = value if isinstance(value, dict) else {"layers"} if isinstance(value, LayerList) else {}
    return "layers" if "layers" in keys else "catalogue"


NetworkConfig = Annotated[
    Annotated[LayerList, Tag("layers")] | Annotated[Mlp, Tag("catalogue")], Discriminator(_network_kind)
]
