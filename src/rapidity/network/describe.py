"""What the catalogue says about its networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

from rapidity.network.build import build_network
from rapidity.network.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network.graph import Network
    from rapidity.network.layer import Shape


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
    inputs
        Input name -> shape of one event: those that it is described for.
    n_parameters
        Trained numbers with the defaults, for these inputs and two classes.
    network
        The graph of the same.
    """

    name: str
    description: str
    paper: str
    keys: tuple[KeyDescription, ...]
    inputs: Mapping[str, Shape]
    n_parameters: int
    network: Network


def describe_network(name: str, inputs: Mapping[str, Shape] | None = None) -> NetworkDescription:
    """Return what a network of the catalogue is, with its size for two classes.

    Parameters
    ----------
    inputs
        Input name -> shape of one event; None: inputs of the kind that the network is made for.

    Raises
    ------
    GraphError
        If there is no such network, or it is not one for such inputs.

    Examples
    --------
    >>> description = describe_network("mlp")
    >>> description.n_parameters, [key.name for key in description.keys][:2]
    (36609, ['hidden', 'activation'])
    """
    variant = CATALOGUE.get_variant(name)
    inputs = variant.reference_inputs if inputs is None else inputs
    network = build_network(variant.model_validate({"type": name}), inputs, {"class": 1})
    keys = tuple(
        KeyDescription(
            key, None if field.default is PydanticUndefined else field.default, field.description or ""
        )
        for key, field in variant.model_fields.items()
        if key != "type"
    )
    summary = " ".join((variant.__doc__ or "").split())
    return NetworkDescription(name, summary, variant.paper, keys, inputs, network.n_parameters, network)
