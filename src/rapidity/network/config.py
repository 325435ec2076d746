"""The `network:` block: a network of the catalogue, or a list of layers.

Both unions are made from the tables `LAYERS` and `CATALOGUE`, so that a layer is declared once. The types are
chosen here rather than by pydantic: an unknown one gets near names, and the path of an error holds
only what the user wrote (``layers, 1, rate``), not the tag of the union.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BaseModel, Field, WrapValidator

from rapidity.core.block import Block
from rapidity.core.errors import ConfigError, GraphError
from rapidity.core.registry import Registry
from rapidity.network.catalogue import CATALOGUE, CatalogueNetwork
from rapidity.network.layer import Layer
from rapidity.network.layers import LAYERS
from rapidity.network.layers.activation import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Callable


def _works_by_itself(variant: type[BaseModel]) -> bool:
    """Whether every key but `type` has a default."""
    return not any(field.is_required() for key, field in variant.model_fields.items() if key != "type")


BARE_LAYERS: tuple[str, ...] = (
    *ACTIVATIONS,
    *(kind for kind, layer in LAYERS.items() if _works_by_itself(layer)),
)
"""Names that may stand for a layer in a list."""

# Near names of a misspelt bare name include those of activations.
_BARE_NAMES: Registry[type[Layer]] = Registry(
    "layer", {**LAYERS, **dict.fromkeys(ACTIVATIONS, LAYERS["activation"])}, GraphError
)


def _read_layer(value: Any, _: Callable[[Any], Any]) -> Layer:
    """Return the layer of a YAML value: a mapping with `type`, or a bare name such as `relu`."""
    if isinstance(value, Layer):
        return value
    if isinstance(value, str):
        if value not in ACTIVATIONS:
            return _BARE_NAMES.get_variant(value).model_validate({"type": value})
        value = {"type": "activation", "function": value}
    kind = _type_of(value, "a layer", "{type: dense, units: 64}, or a bare name such as relu")
    if kind in ACTIVATIONS and kind not in LAYERS:
        message = f"'{kind}' is an activation. Write {{type: activation, function: {kind}}}, or just {kind}"
        raise ConfigError(message)
    return LAYERS.get_variant(kind).model_validate(value)


def _read_network(value: Any, _: Callable[[Any], Any]) -> LayerList | CatalogueNetwork:
    """Return the network of a YAML value: a mapping with `layers` or `type`, or the bare name of one."""
    if isinstance(value, LayerList | CatalogueNetwork):
        return value
    if isinstance(value, str):
        value = {"type": value}
    if isinstance(value, dict) and "layers" in value:
        return LayerList.model_validate(value)
    kind = _type_of(value, "a network", "{type: mlp, hidden: [64, 64]}, or {layers: [...]}")
    return CATALOGUE.get_variant(kind).model_validate(value)


def _type_of(value: Any, what: str, example: str) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        found = "a mapping without 'type'" if isinstance(value, dict) else repr(value)
        message = f"{what} is written as {example}; found {found}"
        raise ConfigError(message)
    return kind


def _union(registry: Registry[Any]) -> Any:
    # Subscription at run time: the members come from the table.
    return Annotated[Union[tuple(registry.values())], Field(discriminator="type")]  # noqa: UP007


if TYPE_CHECKING:
    AnyLayer = Layer
else:
    AnyLayer = Annotated[Literal[BARE_LAYERS] | _union(LAYERS), WrapValidator(_read_layer)]


class LayerList(Block):
    """A network written out layer by layer; the head (one unit per logit) is added by itself."""

    layers: Annotated[tuple[AnyLayer, ...], Field(min_length=1)]
    """Layers in order; `inputs:` of a layer names inputs and earlier layers, for branches."""


if TYPE_CHECKING:
    NetworkConfig = LayerList | CatalogueNetwork
else:
    NetworkConfig = Annotated[
        Literal[tuple(kind for kind, network in CATALOGUE.items() if _works_by_itself(network))]
        | _union(CATALOGUE)
        | LayerList,
        WrapValidator(_read_network),
    ]
