"""A graph network on events: messages among jets, leptons and missing momentum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from rapidity.core.errors import GraphError
from rapidity.network.catalogue.clouds import (
    MOMENTA_CURE,
    CloudInputs,
    join_clouds,
    layer_name,
    sort_cloud_inputs,
)
from rapidity.network.catalogue.convolutional import dense_layers
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.catalogue.transformer import EncoderBlock, check_heads
from rapidity.network.layer import Shape
from rapidity.network.layers import (
    Activation,
    Add,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    Edges,
    FullMask,
    LayerNorm,
    MaskedPool,
    PairFeatures,
    PairMask,
    SquarePairs,
    TakeObjects,
    ToToken,
)
from rapidity.network.layers.activation import ActivationName, initializer_before
from rapidity.network.layers.dropout import DropoutRate
from rapidity.network.layers.masks import MOMENTA_SUFFIX

if TYPE_CHECKING:
    from rapidity.network.layer import Layer

JOINED_NODES, JOINED_MASK, JOINED_MOMENTA = "nodes", "node_mask", "node_momenta"
PAIRS, PAIR_MASK, OTHERS = "pairs", "pair_mask", "others"


@dataclass(frozen=True)
class Kind:
    """An input whose objects are nodes of the graph: a cloud, or a table as one node.

    Attributes
    ----------
    n_objects
        Places for objects; 1 for a table.
    mask
        Name of its mask: an input, or the layer that says that all are there.
    momenta
        Name of the input of its momenta, if it has one.
    """

    name: str
    n_objects: int
    is_table: bool
    mask: str
    momenta: str | None

    @property
    def end(self) -> str:
        """Name of the layer that holds its objects at the start."""
        return layer_name(self.name, "token" if self.is_table else "embedded")


@dataclass(frozen=True)
class Kinds:
    """All kinds of nodes, in the order in which they are joined; those without momenta last."""

    kinds: tuple[Kind, ...]

    @property
    def nodes(self) -> str:
        """Name of what holds all nodes at the start."""
        return JOINED_NODES if len(self.kinds) > 1 else self.kinds[0].end

    @property
    def mask(self) -> str:
        """Name of the mask of all nodes."""
        return JOINED_MASK if len(self.kinds) > 1 else self.kinds[0].mask

    @property
    def with_momenta(self) -> tuple[Kind, ...]:
        """Those that have momenta."""
        return tuple(kind for kind in self.kinds if kind.momenta is not None)


class EventGraph(CatalogueNetwork):
    """Message passing among all objects of an event, of several kinds: jets, leptons, missing momentum.

    Each cloud, and each table, has a dense layer of its own into the common width, which tells the kinds
    apart. In every round each node adds up what all others tell it: a function of both nodes and of what
    their momenta say as a pair (ln kT, ln z, ln delta R, ln m2); from that it changes itself. Its result does
    not depend on the order of objects in a cloud, nor on places that are left empty.
    """

    paper: ClassVar[str] = (
        "Gilmer et al., arXiv:1704.01212; Battaglia et al., arXiv:1806.01261; pairs: Qu et al.,"
        " arXiv:2202.03772"
    )
    reference_inputs: ClassVar[Mapping[str, Shape]] = {
        "jets": (12, 6),
        "jets.mask": (12,),
        "jets.momenta": (12, 4),
        "leptons": (2, 6),
        "leptons.mask": (2,),
        "leptons.momenta": (2, 4),
        "met": (3,),
    }

    type: Literal["event_graph"]
    width: Annotated[int, Field(gt=0)] = 64
    """Features of a node."""
    rounds: Annotated[int, Field(gt=0)] = 3
    """How often messages are passed."""
    aggregation: Literal["mean", "sum", "max", "attention"] = "mean"
    """What a node takes of its messages; `attention` weighs the other nodes instead, with a bias of pairs."""
    heads: Annotated[int, Field(gt=0)] = 4
    """Heads of `attention`; must divide `width`."""
    pairs: Literal["momenta", "none"] = "momenta"
    """Where the features of pairs come from: `momenta` of the clouds, or `none` to do without."""
    pair_width: Annotated[int, Field(gt=0)] = 32
    """Units of the dense layer on the features of a pair."""
    tables: Literal["node", "end"] = "node"
    """What a table is: a `node` of the graph, or joined at the `end`, after the pooling."""
    expansion: Annotated[float, Field(gt=0)] = 2.0
    """Units inside the dense layers of a round over `width`."""
    pooling: Literal["mean", "sum", "max"] = "mean"
    """What is taken over all nodes after the last round."""
    hidden: tuple[Annotated[int, Field(gt=0)], ...] = (64,)
    """Units of each dense layer after the pooling, before the head."""
    activation: ActivationName = "gelu"
    """Function between the layers."""
    dropout: DropoutRate = 0.0
    """Fraction of what a round adds, and of the values before the dense layers at the end, set to zero while
    training."""

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.aggregation == "attention":
            check_heads(self.heads, self.width)
        return self

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the nodes, their pairs, the rounds, the pooling, and what follows it."""
        given = self._sort(inputs)
        kinds = self._find_kinds(given)
        self._require_pairs(kinds, given)
        layers = [*self._embed(kinds), *self._join_masks(kinds, given), *self._embed_pairs(kinds)]
        start = kinds.nodes
        for number in range(1, self.rounds + 1):
            layers += self._round(f"round_{number}", start, kinds.mask)
            start = f"round_{number}"
        layers += [
            LayerNorm(type="layer_norm", name="last_norm", inputs=start),
            *self._take_clouds(kinds),
            MaskedPool(
                type="masked_pool", name="pooled", inputs=("last_norm", kinds.mask), function=self.pooling
            ),
        ]
        if self.tables == "end" and given.tables:
            joined = ("pooled", *given.tables)
            layers.append(Concatenate(type="concatenate", name="joined_tables", inputs=joined))
        return [*layers, *dense_layers(self.hidden, self.activation, self.dropout)]

    def token_nodes(self, inputs: Mapping[str, Shape]) -> Mapping[str, str]:
        """Return cloud -> the node that holds its objects after the last round."""
        kinds = self._find_kinds(self._sort(inputs)).kinds
        if len(kinds) == 1:
            return {kinds[0].name: "last_norm"}
        return {kind.name: layer_name(kind.name, "tokens") for kind in kinds if not kind.is_table}

    def _sort(self, inputs: Mapping[str, Shape]) -> CloudInputs:
        given = sort_cloud_inputs(self.type, inputs)
        if self.pairs == "momenta":
            given.check_beside(self.type, MOMENTA_SUFFIX, "compares the momenta", MOMENTA_CURE)
        return given

    def _find_kinds(self, given: CloudInputs) -> Kinds:
        tables = given.tables if self.tables == "node" else ()
        kinds = []
        for name in (*given.clouds, *tables):
            masks = given.masks.get(name, ())
            momenta = name + MOMENTA_SUFFIX
            kinds.append(
                Kind(
                    name,
                    1 if name in tables else given.n_objects(name),
                    name in tables,
                    masks[0] if masks else layer_name(name, "mask"),
                    momenta if momenta in given.shapes else None,
                )
            )
        return Kinds(tuple(sorted(kinds, key=lambda kind: kind.momenta is None)))

    def _require_pairs(self, kinds: Kinds, given: CloudInputs) -> None:
        """Raise a GraphError where a node has no other to hear of, or none to compare its momentum with."""
        needs_momenta = self.pairs == "momenta"
        counted = kinds.with_momenta if needs_momenta else kinds.kinds
        if sum(kind.n_objects for kind in counted) > 1:
            return
        cloud, table = given.clouds[0], given.tables[0] if given.tables else "NAME"
        cures = [f"keep more objects (inputs.{cloud}.n_objects)"]
        if needs_momenta:
            what = "compares the momenta of"
            cures.append(
                f"give a table a momentum (inputs.{table}.momenta: {{pt: ..., phi: ...}} and the like)"
            )
        else:
            what = "passes messages among"
            cures.append("put a table beside it")
        if self.tables != "node":
            cures[-1] += " and set network.tables: node"
        if needs_momenta and len(kinds.kinds) > 1:
            cures.append("set network.pairs: none")
        message = (
            f"network 'event_graph' {what} two objects or more of an event, but '{cloud}' keeps one, and no "
            f"other node is there for it. Either {', or '.join(cures)}. For single objects 'mlp' will do."
        )
        raise GraphError(message)

    def _embed(self, kinds: Kinds) -> list[Layer]:
        """Return a dense layer for each kind of node, and all nodes one after another."""
        layers: list[Layer] = []
        for kind in kinds.kinds:
            layers += [
                self._dense(layer_name(kind.name, "dense"), self.width, kind.name),
                self._activate(layer_name(kind.name, "embedded")),
            ]
            if kind.is_table:
                layers.append(ToToken(type="to_token", name=kind.end))
        return [*layers, *join_clouds(JOINED_NODES, [kind.end for kind in kinds.kinds])]

    @staticmethod
    def _join_masks(kinds: Kinds, given: CloudInputs) -> list[Layer]:
        """Return the mask of all nodes, and in a square that of the others which each node listens to."""
        masks = tuple(kind.mask for kind in kinds.kinds)
        layers: list[Layer] = [
            FullMask(type="full_mask", name=kind.mask, inputs=kind.end)
            for kind in kinds.kinds
            if kind.mask not in given.shapes
        ]
        if len(masks) > 1:
            layers.append(Concatenate(type="concatenate", name=JOINED_MASK, inputs=masks))
        return [
            *layers,
            PairMask(type="pair_mask", name=PAIR_MASK, inputs=kinds.mask),
            SquarePairs(type="square_pairs", name=OTHERS),
        ]

    def _embed_pairs(self, kinds: Kinds) -> list[Layer]:
        """Return what the momenta of each pair say, as features."""
        if self.pairs == "none":
            return []
        tables = [kind for kind in kinds.with_momenta if kind.is_table]
        momenta = [str(kind.momenta) for kind in kinds.with_momenta]
        layers: list[Layer] = []
        for table in tables:
            name = layer_name(table.name, "momentum")
            layers.append(ToToken(type="to_token", name=name, inputs=table.momenta))
            momenta[momenta.index(str(table.momenta))] = name
        layers += join_clouds(JOINED_MOMENTA, momenta)
        mask, masks = kinds.mask, tuple(kind.mask for kind in kinds.with_momenta)
        if len(masks) < len(kinds.kinds):
            mask = masks[0]
            if len(masks) > 1:
                mask = "momentum_mask"
                layers.append(Concatenate(type="concatenate", name=mask, inputs=masks))
        return [
            *layers,
            PairFeatures(
                type="pair_features",
                name="pair_features",
                inputs=(JOINED_MOMENTA if len(momenta) > 1 else momenta[0], mask),
                without_momentum=len(kinds.kinds) - len(masks),
            ),
            BatchNorm(type="batch_norm", name="pair_norm", inputs=("pair_features", PAIR_MASK)),
            self._dense("pair_dense", self.pair_width),
            self._activate(PAIRS),
        ]

    def _round(self, name: str, start: str, mask: str) -> list[Layer]:
        """Return a round after which the nodes `start` are called `name`."""
        if self.aggregation == "attention":
            return self._attend(name, start, mask)
        norm, received = f"{name}_norm", f"{name}_received"
        return [
            LayerNorm(type="layer_norm", name=norm, inputs=start),
            *self._send(name, norm),
            MaskedPool(
                type="masked_pool",
                name=received,
                inputs=(f"{name}_messages", OTHERS),
                function=self.aggregation,
            ),
            Concatenate(type="concatenate", name=f"{name}_known", inputs=(norm, received)),
            self._dense(f"{name}_dense_1", max(1, round(self.width * self.expansion))),
            self._activate(f"{name}_activation"),
            self._dense(f"{name}_dense_2", self.width),
            *self._drop(f"{name}_dropout"),
            Add(
                type="add",
                name=name,
                inputs=(start, f"{name}_dropout" if self.dropout > 0 else f"{name}_dense_2"),
            ),
        ]

    def _send(self, name: str, start: str) -> list[Layer]:
        """Return the messages ``(n, n, width)``: two dense layers on both nodes and on the pair.

        The first one is a sum of one on each node and one on the pair, which costs less than one on all three
        side by side, and is the same.
        """
        own, other, edges = f"{name}_own", f"{name}_other", f"{name}_edges"
        layers: list[Layer] = [
            self._dense(own, self.width, start),
            self._dense(other, self.width, start, bias=False),
            Edges(type="edges", name=edges, inputs=(own, other)),
        ]
        if self.pairs == "momenta":
            square = f"{name}_pairs"
            layers += [
                self._dense(f"{name}_pair_dense", self.width, PAIRS, bias=False),
                SquarePairs(type="square_pairs", name=square),
                Add(type="add", name=f"{name}_sum", inputs=(edges, square)),
            ]
        return [
            *layers,
            self._activate(f"{name}_heard"),
            self._dense(f"{name}_message_dense", self.width),
            self._activate(f"{name}_messages"),
        ]

    def _attend(self, name: str, start: str, mask: str) -> list[Layer]:
        layers: list[Layer] = []
        further: tuple[str, ...] = (mask,)
        if self.pairs == "momenta":
            layers += [
                self._dense(f"{name}_pair_dense", self.heads, PAIRS),
                SquarePairs(type="square_pairs", name=f"{name}_bias"),
            ]
            further = (f"{name}_bias", mask)
        block = EncoderBlock(self.width, self.heads, self.expansion, self.activation, self.dropout)
        return [*layers, *block.layers(name, start, further)]

    @staticmethod
    def _take_clouds(kinds: Kinds) -> list[Layer]:
        if len(kinds.kinds) == 1:
            return []
        layers: list[Layer] = []
        start = 0
        for kind in kinds.kinds:
            if not kind.is_table:
                name, count = layer_name(kind.name, "tokens"), kind.n_objects
                layers.append(
                    TakeObjects(type="take_objects", name=name, inputs="last_norm", start=start, count=count)
                )
            start += kind.n_objects
        return layers

    def _dense(self, name: str, units: int, start: str | None = None, *, bias: bool = True) -> Layer:
        initializer = initializer_before(self.activation)
        return Dense(type="dense", name=name, inputs=start, units=units, bias=bias, initializer=initializer)

    def _activate(self, name: str) -> Layer:
        return Activation(type="activation", name=name, function=self.activation)

    def _drop(self, name: str) -> list[Layer]:
        return [Dropout(type="dropout", name=name, rate=self.dropout)] if self.dropout > 0 else []
