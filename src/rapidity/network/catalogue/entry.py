"""What every network of the catalogue declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from rapidity.core.block import Block
from rapidity.network.layer import Shape
from rapidity.network.layers import Dense

if TYPE_CHECKING:
    from rapidity.network.layer import Layer


def make_head(name: str, n_logits: int) -> Dense:
    """Return the layer that gives the logits of an output, where the network wants no other."""
    return Dense(type="dense", name=name, units=n_logits, initializer="lecun_normal")


class CatalogueNetwork(Block):
    """Base of the named networks: YAML keys with defaults, a description, and layers made of them."""

    paper: ClassVar[str]
    """Where the network comes from."""
    reference_inputs: ClassVar[Mapping[str, Shape]] = {"features": (26,)}
    """Input name -> shape for which the catalogue gives its size; the default: features of `hww_ttbar`."""

    @property
    def kind(self) -> str:
        """The `type` in YAML."""
        return str(getattr(self, "type"))  # noqa: B009 - each network narrows `type` to its own literal

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the layers between the inputs and the head.

        Parameters
        ----------
        inputs
            Input name -> shape of one event. A first layer that takes one input gets all of them joined.

        Raises
        ------
        GraphError
            If the network is not one for such inputs.
        """
        raise NotImplementedError

    def head(self, name: str, n_logits: int) -> Dense:
        """Return the layer that gives the logits of an output."""
        return make_head(name, n_logits)

    def token_nodes(self, inputs: Mapping[str, Shape]) -> Mapping[str, str]:
        """Return cloud -> name of the node that holds its objects ``(n_objects, n_features)`` at the end.

        That is where an output for each object of a cloud begins. Networks without such nodes have none; a
        node that is made for this alone is left out of the graph where no output takes it.

        Parameters
        ----------
        inputs
            Input name -> shape of one event.
        """
        return {}
