"""Named networks, one file each, built out of layers."""

from __future__ import annotations

from rapidity.core.errors import GraphError
from rapidity.core.registry import Registry
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.mlp import Mlp
from rapidity.network.catalogue.residual_mlp import ResidualMlp

CATALOGUE: Registry[type[CatalogueNetwork]] = Registry(
    "network", {"mlp": Mlp, "residual_mlp": ResidualMlp}, GraphError
)

__all__ = ["CATALOGUE", "CatalogueNetwork", "Mlp", "ResidualMlp"]
