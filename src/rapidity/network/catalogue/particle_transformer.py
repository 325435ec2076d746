"""The particle transformer: attention that knows how pairs of particles lie to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from rapidity.network.catalogue.clouds import (
    MOMENTA_CURE,
    CloudInputs,
    join_clouds,
    join_masks,
    layer_name,
    sort_cloud_inputs,
    take_clouds,
    tokens_of_clouds,
)
from rapidity.network.catalogue.convolutional import dense_layers
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.transformer import NormFormerBlock, check_heads
from rapidity.network.layer import Shape
from rapidity.network.layers import (
    Activation,
    BatchNorm,
    Concatenate,
    Dense,
    LayerNorm,
    PairFeatures,
    PairMask,
    SquarePairs,
)
from rapidity.network.layers.activation import ActivationName, initializer_before
from rapidity.network.layers.dropout import DropoutRate
from rapidity.network.layers.masks import MOMENTA_SUFFIX

if TYPE_CHECKING:
    from rapidity.network.layer import Layer

Units = tuple[Annotated[int, Field(gt=0)], ...]
JOINED_CLOUDS, JOINED_MOMENTA, JOINED_MASK = "objects", "momenta", "mask"
PAIR_BIAS = "pair_bias"
FEWEST_NORMALISED = 4
"""Objects of so many features or more are normalised one by one before the first dense layer, as published.

That takes their mean and their size: nothing would be left of a single feature, of two the sign of their
difference, which moreover jumps where they are equal.
"""


class ParticleTransformer(CatalogueNetwork):
    """Attention among particles, each pair with a bias that follows from ln kT, ln z, ln delta R and ln m2.

    Blocks of self-attention, then blocks in which a class token gathers what describes the event. Its result
    does not depend on the order of the objects, nor on places that are left empty; the bias knows nothing of
    rotations about the beam and boosts along it. Objects of fewer than four features are not normalised one
    by one before the first dense layer, which would leave hardly anything of them. Several clouds get an
    embedding each and are one cloud from there on; tables join the class token at the end. What each head
    looks at can be asked for: `block_1_attention.weights`, `class_block_1_attention.weights`.
    """

    paper: ClassVar[str] = (
        "Qu, Li and Qian, arXiv:2202.03772; class attention: Touvron et al., arXiv:2103.17239"
    )
    reference_inputs: ClassVar[Mapping[str, Shape]] = {
        "particles": (128, 17),
        "particles.mask": (128,),
        "particles.momenta": (128, 4),
    }

    type: Literal["particle_transformer"]
    embedding: Units = (128, 512)
    """Units of the dense layers that see one object at a time, before that of `width` units."""
    width: Annotated[int, Field(gt=0)] = 128
    """Features of an object."""
    heads: Annotated[int, Field(gt=0)] = 8
    """Heads of each attention; must divide `width`."""
    blocks: Annotated[int, Field(gt=0)] = 8
    """Number of blocks of self-attention."""
    class_blocks: Annotated[int, Field(gt=0)] = 2
    """Number of blocks in which the class token gathers from the objects."""
    expansion: Annotated[float, Field(gt=0)] = 4.0
    """Units inside the dense layers of a block over `width`."""
    pairs: Literal["momenta", "none"] = "momenta"
    """Where the bias of pairs comes from: `momenta` of the clouds, or `none` for attention without a bias."""
    pair_embedding: Units = (64, 64, 64)
    """Units of the dense layers on the features of a pair, before that of one value for each head."""
    hidden: Units = ()
    """Units of each dense layer after the blocks, before the head."""
    activation: ActivationName = "gelu"
    """Function between the layers."""
    dropout: DropoutRate = 0.1
    """Fraction set to zero while training of the attention weights and of what the halves of a block of
    self-attention add; the blocks of the class token have none."""

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        check_heads(self.heads, self.width)
        return self

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the embeddings, the bias of pairs, both kinds of blocks, and what follows them."""
        given = self._sort(inputs)
        ends = [layer_name(cloud, "embedded") for cloud in given.clouds]
        mask = (JOINED_MASK,) if len(ends) > 1 else given.masks[given.clouds[0]]
        layers = [*self._embed(given), *join_clouds(JOINED_CLOUDS, ends), *join_masks(JOINED_MASK, given)]
        further = mask
        if self.pairs == "momenta":
            layers += self._embed_pairs(given, mask)
            further = (PAIR_BIAS, *mask)
        start = JOINED_CLOUDS if len(ends) > 1 else ends[0]
        block = self._block(self.dropout)
        for number in range(1, self.blocks + 1):
            layers += block.layers(f"block_{number}", start, further)
            start = f"block_{number}"
        layers += take_clouds(given, start)
        token = None
        for number in range(1, self.class_blocks + 1):
            name = f"class_block_{number}"
            layers += self._block(0.0).class_layers(name, token, start, mask)
            token = name
        layers.append(LayerNorm(type="layer_norm", name="class_norm"))
        if given.tables:
            joined = ("class_norm", *given.tables)
            layers.append(Concatenate(type="concatenate", name="joined_tables", inputs=joined))
        return [*layers, *dense_layers(self.hidden, self.activation)]

    def token_nodes(self, inputs: Mapping[str, Shape]) -> Mapping[str, str]:
        """Return cloud -> the node that holds its objects after the last block of self-attention."""
        return tokens_of_clouds(self._sort(inputs), f"block_{self.blocks}")

    def _sort(self, inputs: Mapping[str, Shape]) -> CloudInputs:
        given = sort_cloud_inputs(self.type, inputs)
        if self.pairs == "momenta":
            given.check_beside(self.type, MOMENTA_SUFFIX, "compares the momenta", MOMENTA_CURE)
        return given

    def _block(self, dropout: float) -> NormFormerBlock:
        return NormFormerBlock(self.width, self.heads, self.expansion, self.activation, dropout)

    def _embed(self, given: CloudInputs) -> list[Layer]:
        """Return for each cloud a batch normalisation, then layer normalisation, dense, activation.

        Without the first layer normalisation for objects of few features, see `FEWEST_NORMALISED`.
        """
        layers: list[Layer] = []
        for cloud, mask in given.masks.items():
            name = layer_name(cloud, "norm")
            layers.append(BatchNorm(type="batch_norm", name=name, inputs=(cloud, *mask)))
            for number, units in enumerate((*self.embedding, self.width), start=1):
                is_last = number > len(self.embedding)
                if number > 1 or given.shapes[cloud][1] >= FEWEST_NORMALISED:
                    layers.append(LayerNorm(type="layer_norm", name=layer_name(cloud, "layer_norm", number)))
                layers += [
                    self._dense(layer_name(cloud, "dense", number), units),
                    self._activate(layer_name(cloud, "embedded" if is_last else f"activation_{number}")),
                ]
        return layers

    def _embed_pairs(self, given: CloudInputs, mask: tuple[str, ...]) -> list[Layer]:
        """Return the layers from the momenta to a bias for each pair and head.

        Each pair is embedded once; the bias of an object on itself is zero.
        """
        momenta = [cloud + MOMENTA_SUFFIX for cloud in given.clouds]
        source = JOINED_MOMENTA if len(momenta) > 1 else momenta[0]
        layers = join_clouds(JOINED_MOMENTA, momenta)
        there: tuple[str, ...] = ()
        if mask:
            layers.append(PairMask(type="pair_mask", name="pair_mask", inputs=mask))
            there = ("pair_mask",)
        start = "pair_features"
        layers += [
            PairFeatures(type="pair_features", name=start, inputs=(source, *mask)),
            BatchNorm(type="batch_norm", name="pair_norm", inputs=(start, *there)),
        ]
        for number, units in enumerate((*self.pair_embedding, self.heads), start=1):
            if number > 1:
                layers.append(self._activate(f"pair_activation_{number - 1}"))
            dense = self._dense(f"pair_dense_{number}", units, bias=False)
            layers += [
                dense,
                BatchNorm(type="batch_norm", name=f"pair_norm_{number}", inputs=(dense.name or "", *there)),
            ]
        return [*layers, SquarePairs(type="square_pairs", name=PAIR_BIAS)]

    def _dense(self, name: str, units: int, *, bias: bool = True) -> Layer:
        initializer = initializer_before(self.activation)
        return Dense(type="dense", name=name, units=units, bias=bias, initializer=initializer)

    def _activate(self, name: str) -> Layer:
        return Activation(type="activation", name=name, function=self.activation)
