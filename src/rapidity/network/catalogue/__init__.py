"""Named networks, one file each, built out of layers."""

from __future__ import annotations

from rapidity.core.block import Block
from rapidity.core.errors import GraphError
from rapidity.core.registry import Registry
from rapidity.network.catalogue.mlp import Mlp

CATALOGUE: Registry[type[Block]] = Registry("network", {"mlp": Mlp}, GraphError)

__all__ = ["CATALOGUE", "Mlp"]
