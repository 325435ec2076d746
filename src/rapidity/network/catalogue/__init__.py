"""Named networks, one file each, built out of layers."""

from __future__ import annotations

from rapidity.core.errors import GraphError
from rapidity.core.registry import Registry
from rapidity.network.catalogue.cnn import Cnn
from rapidity.network.catalogue.deep_sets import DeepSets
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.event_graph import EventGraph
from rapidity.network.catalogue.inception import Inception
from rapidity.network.catalogue.lenet import Lenet
from rapidity.network.catalogue.mlp import Mlp
from rapidity.network.catalogue.particle_net import ParticleNet
from rapidity.network.catalogue.particle_transformer import ParticleTransformer
from rapidity.network.catalogue.realmlp import Realmlp
from rapidity.network.catalogue.residual_mlp import ResidualMlp
from rapidity.network.catalogue.resnet import Resnet
from rapidity.network.catalogue.two_branch_cnn import TwoBranchCnn
from rapidity.network.catalogue.vit import Vit

CATALOGUE: Registry[type[CatalogueNetwork]] = Registry(
    "network",
    {
        "mlp": Mlp,
        "residual_mlp": ResidualMlp,
        "realmlp": Realmlp,
        "lenet": Lenet,
        "cnn": Cnn,
        "two_branch_cnn": TwoBranchCnn,
        "resnet": Resnet,
        "inception": Inception,
        "vit": Vit,
        "deep_sets": DeepSets,
        "particle_net": ParticleNet,
        "particle_transformer": ParticleTransformer,
        "event_graph": EventGraph,
    },
    GraphError,
)

__all__ = [
    "CATALOGUE",
    "CatalogueNetwork",
    "Cnn",
    "DeepSets",
    "EventGraph",
    "Inception",
    "Lenet",
    "Mlp",
    "ParticleNet",
    "ParticleTransformer",
    "Realmlp",
    "ResidualMlp",
    "Resnet",
    "TwoBranchCnn",
    "Vit",
]
