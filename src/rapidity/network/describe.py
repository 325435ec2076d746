"""What the catalogue says about its networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

from rapidity.network.build import build_network
from rapidity.network.catalogue import CATALOGUE

if TYPE_CHECKING:
    from rapidity.network.graph import Network

REFERENCE_FEATURES = 26
"""Features of the reference input: those of the sample `hww_ttbar`."""


@dataclass(frozen=True)
class KeyDescription:
    """One YAML key of a network."""

    name: str
    default: Any
    description: str


@dataclass(frozen=True)
class NetworkDescription:
    """A network of the catalogue.

    Attributes
    ----------
    n_parameters
        Trained numbers with the defaults, for `n_features` features and two classes.
    network
        The graph of the same.
    """

    name: str
    description: str
    paper: str
    keys: tuple[KeyDescription, ...]
    n_features: int
    n_parameters: int
    network: Network


def describe_network(name: str, n_features: int = REFERENCE_FEATURES) -> NetworkDescription:
    """Return what a network of the catalogue is, with its size for two classes.

    Examples
    --------
    >>> description = describe_network("mlp")
    >>> description.n_parameters, [key.name for key in description.keys][:2]
    (36609, ['hidden', 'activation'])
    """
    variant = CATALOGUE.get_variant(name)
    network = build_network(variant.model_validate({"type": name}), {"features": (n_features,)}, {"class": 1})
    keys = tuple(
        KeyDescription(
            key, None if field.default is PydanticUndefined else field.default, field.description or ""
        )
        for key, field in variant.model_fields.items()
        if key != "type"
    )
    summary = " ".join((variant.__doc__ or "").split())
    return NetworkDescription(name, summary, variant.paper, keys, n_features, network.n_parameters, network)
