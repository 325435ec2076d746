"""What every network of the catalogue declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rapidity.core.block import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.network.layer import Layer


class CatalogueNetwork(Block):
    """Base of the named networks: YAML keys with defaults, a description, and layers made of them."""

    paper: ClassVar[str]
    """Where the network comes from."""

    def layers(self, input_names: Sequence[str]) -> list[Layer]:
        """Return the layers between the inputs (already joined if several) and the head."""
        raise NotImplementedError
