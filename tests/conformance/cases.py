"""Networks to try: every registered layer on rows, clouds and images, and every network of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rapidity.core.records import Batch, Objective, OutputObjective
from rapidity.network import CATALOGUE, LAYERS, LayerList, Network, build_network
from rapidity.network.layers.activation import ACTIVATIONS

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
MASK, MOMENTA, COORDINATES = ".mask", ".momenta", ".coordinates"
"""Ends of the names of inputs that say of each object whether there is one, and its momentum and place."""
NUMBERS = ".numbers"
"""End of the name of an input of numbers of neighbours, 0 for none."""

ROW, CLOUD, IMAGE = (6,), (4, 6), (6, 7, 4)
SHAPE_NAMES = {ROW: "row", CLOUD: "cloud", IMAGE: "image"}
TRIED = "tried"
"""Name of the layer that a case is about."""


@dataclass(frozen=True, eq=False)
class Case:
    """One network to try.

    Attributes
    ----------
    kind
        The layer or the network of the catalogue that the case is about.
    is_first
        Whether it is the first case of its kind: costly tests take only those.
    """

    title: str
    config: Any
    inputs: Shapes
    kind: str
    is_first: bool
    n_logits: int = 1

    @cached_property
    def network(self) -> Network:
        return build_network(self.config, self.inputs, {"class": self.n_logits})

    @property
    def objective(self) -> Objective:
        return Objective({"class": OutputObjective(max(2, self.n_logits))})

    def make_events(self, n_events: int, seed: int = 5) -> Batch:
        """Return events whose first value says which class they are of, for all but the first class."""
        rng = np.random.default_rng(seed)
        inputs = {name: draw_input(rng, n_events, name, shape) for name, shape in self.inputs.items()}
        first = next(iter(inputs.values())).reshape(n_events, -1)
        return Batch(inputs, {"class": (first[:, 0] > 0).astype(np.int64)})

    def make_garbage(self, events: Batch, garbage: float) -> Batch:
        """Return the same events with other numbers where there is no object."""
        inputs = dict(events.inputs)
        for name, mask in events.inputs.items():
            if name.endswith(MASK):
                stem = name.removesuffix(MASK)
                for objects in {stem, stem + MOMENTA, stem + COORDINATES} & {*inputs}:
                    n_front = inputs[objects].shape[1] - mask.shape[1]
                    sides = ((0, 0), (n_front, 0), *((0, 0),) * (mask.ndim - 2))
                    is_object = np.pad(mask == 1, sides, constant_values=True)[..., np.newaxis]
                    other = np.float32(garbage) * (1 + np.abs(inputs[objects]))
                    inputs[objects] = np.where(is_object, inputs[objects], other)
        return Batch(inputs, events.targets)

    @property
    def has_mask(self) -> bool:
        return any(name.endswith(MASK) for name in self.inputs)

    def draw_parameters(self) -> dict[str, Any]:
        """Return parameters of which none is zero or one, so that none can be overlooked."""
        rng = np.random.default_rng(9)
        return {
            name: (rng.uniform(0.3, 1.3, spec.shape) * self._signs(rng, spec)).astype(np.float32)
            for name, spec in self.network.parameter_specs().items()
        }

    @staticmethod
    def _signs(rng: np.random.Generator, spec: Any) -> Any:
        """Return signs for kernels, scaled so that values keep their size through many layers."""
        if not spec.is_kernel:
            return 1.0
        return rng.choice([-1.0, 1.0], spec.shape) / max(1, spec.fan_in) ** 0.5


def draw_input(rng: np.random.Generator, n_events: int, name: str, shape: Shape) -> Any:
    """Return values of an input of that name."""
    if name.endswith(MASK):
        return draw_mask(rng, n_events, shape)
    if name.endswith(NUMBERS):
        return rng.integers(0, shape[0] + 1, (n_events, *shape)).astype(np.float32)
    values = rng.standard_normal((n_events, *shape)).astype(np.float32)
    if name.endswith(MOMENTA):
        values[..., 3] = np.hypot(np.linalg.norm(values[..., :3], axis=-1), values[..., 3])
    return values


def draw_mask(rng: np.random.Generator, n_events: int, shape: Shape) -> Any:
    """Return masks of objects, or of their pairs; the first event is full, the second has no object."""
    masks = []
    for extent in shape:
        n_objects = rng.integers(0, extent + 1, n_events)
        n_objects[:2] = [extent, 0][:n_events]
        masks.append((np.arange(extent) < n_objects[:, np.newaxis]).astype(np.float32))
    return masks[0] if len(shape) == 1 else masks[0][:, :, np.newaxis] * masks[1][:, np.newaxis]


ROWS, CLOUDS = (ROW,), (ROW, CLOUD)
OBJECTS = {"jets": (5, 6)}
MASKED = {**OBJECTS, f"jets{MASK}": (5,)}
IN_FRONT = {"jets": (6, 6), f"jets{MASK}": (5,)}
"""A token in front of the objects, which the mask does not know."""
PAIRS = {"jets": (5, 6), "pairs": (5, 5, 2)}
TOKEN = {"token": (6,)}
EDGES = {"edges": (3, 4, 6), f"edges{MASK}": (3, 4)}
COORDINATES_OF_MASKED = {f"jets{COORDINATES}": (5, 2), f"jets{MASK}": (5,)}
MOMENTA_OF_MASKED = {f"jets{MOMENTA}": (5, 4), f"jets{MASK}": (5,)}
WITHOUT_GRADIENT = (MASK, MOMENTA, COORDINATES, NUMBERS)
"""Ends of the names of inputs that no trained layer stands before: no gradient flows to them."""
EVERYWHERE = (ROW, CLOUD, IMAGE)

SETTINGS: Mapping[str, list[tuple[dict[str, Any], tuple[Shape | Shapes, ...]]]] = {
    "dense": [
        ({"units": 3}, EVERYWHERE),
        ({"units": 3, "bias": False, "initializer": "zeros"}, CLOUDS),
        ({"units": 3, "parametrization": "ntk", "bias_deviation": 0.5}, CLOUDS),
    ],
    "activation": [
        *(({"function": function}, ROWS) for function in ACTIVATIONS),
        ({"function": "leaky_relu", "slope": 0.3}, CLOUDS),
        ({"function": "elu", "alpha": 0.7}, ROWS),
        ({"function": "relu"}, (IMAGE,)),
        ({"function": "softmax"}, (CLOUD, IMAGE)),
    ],
    "dropout": [({"rate": 0.4}, (ROW, IMAGE))],
    "batch_norm": [
        ({}, (*EVERYWHERE, MASKED, IN_FRONT, {"pairs": (3, 3, 6), f"pairs{MASK}": (3, 3)})),
        ({"momentum": 0.4, "epsilon": 0.1}, (ROW, MASKED)),
    ],
    "layer_norm": [({}, EVERYWHERE), ({"epsilon": 0.1}, ROWS)],
    "flatten": [({}, (CLOUD, IMAGE))],
    "conv2d": [
        ({"filters": 3}, (IMAGE, (3, 3, 1))),
        ({"filters": 3, "kernel_size": [2, 4], "padding": "same"}, (IMAGE,)),
        ({"filters": 4, "stride": 2, "padding": "same", "groups": 2}, (IMAGE,)),
        ({"filters": 4, "kernel_size": [3, 2], "padding": [2, 1], "bias": False, "groups": 4}, (IMAGE,)),
        ({"filters": 2, "dilation": 2, "padding": "same", "stride": [1, 2]}, (IMAGE,)),
        ({"filters": 2, "kernel_size": [2, 3], "dilation": [3, 2], "stride": [2, 1]}, (IMAGE,)),
        ({"filters": 5, "kernel_size": 1, "stride": 3, "padding": "same"}, (IMAGE,)),
        ({"filters": 2, "kernel_size": 5, "padding": 1, "stride": 2}, ((5, 5, 1),)),
    ],
    "depthwise_conv2d": [
        ({}, (IMAGE,)),
        ({"kernel_size": [2, 3], "multiplier": 3, "stride": 2, "padding": "same"}, (IMAGE,)),
        ({"multiplier": 2, "dilation": [2, 1], "padding": 2, "bias": False}, (IMAGE, (6, 7, 1))),
    ],
    "max_pool2d": [
        ({}, (IMAGE,)),
        ({"kernel_size": 3, "stride": 2, "padding": 1}, (IMAGE,)),
        ({"kernel_size": [4, 2], "stride": [1, 3], "padding": "same"}, (IMAGE,)),
    ],
    "average_pool2d": [
        ({}, (IMAGE,)),
        ({"kernel_size": 3, "stride": 2, "padding": 1}, (IMAGE,)),
        ({"kernel_size": [4, 2], "stride": [1, 3], "padding": "same"}, (IMAGE,)),
    ],
    "global_pool": [({"function": "average"}, (IMAGE,)), ({"function": "max"}, (IMAGE,))],
    "upsample2d": [({}, (IMAGE,)), ({"factor": [3, 1]}, ((5, 4, 3),))],
    "multiply": [
        ({}, ({"a": ROW, "b": ROW}, {"a": IMAGE, "b": IMAGE, "c": (4,)}, {"a": CLOUD, "b": (6,)})),
    ],
    "scale": [({}, EVERYWHERE), ({"initial": 0.1}, ROWS)],
    "to_tokens": [({}, (IMAGE,))],
    "class_token": [({}, (CLOUD,))],
    "position_embedding": [({}, (CLOUD,))],
    "take_token": [({}, (CLOUD,)), ({"index": -2}, (CLOUD,))],
    "attention": [
        ({"heads": 2}, (OBJECTS, MASKED, IN_FRONT, PAIRS, {**PAIRS, f"jets{MASK}": (5,)})),
        ({"heads": 3, "dropout": 0.3}, (MASKED,)),
    ],
    "class_attention": [
        ({"heads": 2}, (MASKED, OBJECTS, {**TOKEN, **OBJECTS}, {**TOKEN, **MASKED}, {**TOKEN, **IN_FRONT})),
        ({"heads": 1, "dropout": 0.3}, (MASKED,)),
    ],
    "masked_pool": [
        ({"function": function}, (OBJECTS, MASKED, IN_FRONT, EDGES)) for function in ("mean", "sum", "max")
    ],
    "neighbours": [
        ({"k": 2}, ({f"jets{COORDINATES}": (5, 3)},)),
        ({"k": 4}, ({f"jets{COORDINATES}": (5, 9), f"jets{MASK}": (5,)},)),
    ],
    "edges": [
        ({}, ({"x": (5, 6), "y": (5, 6)}, {"x": (5, 6), "y": (5, 6), f"x{NUMBERS}": (5, 3)})),
    ],
    "pair_features": [
        ({}, ({f"jets{MOMENTA}": (3, 4)},)),
        ({"without_momentum": 2}, (MOMENTA_OF_MASKED,)),
    ],
    "pair_mask": [({}, ({f"jets{MASK}": (5,)},))],
    "square_pairs": [({}, ({"pairs": (6, 3)}, {f"pairs{MASK}": (6,)}))],
    "join_objects": [({}, ({"a": (2, 6), "b": (3, 6), "c": (1, 6)},))],
    "take_objects": [({"start": 1, "count": 2}, (CLOUD,))],
    "to_token": [({}, (ROW,))],
    "full_mask": [({}, (CLOUD,))],
    "parametric_activation": [({"function": "selu"}, EVERYWHERE), ({"function": "leaky_relu"}, ROWS)],
    "periodic_embedding": [({}, ROWS), ({"frequencies": 3, "width": 2, "deviation": 1.0}, ROWS)],
}
"""What to try of each kind, and on which shapes; a kind that is not here is tried with its defaults."""

TABLE, TWO_TABLES = {"a": ROW}, {"a": ROW, "b": (2,)}
DIGITS, TWO_IMAGES = {"image": (8, 8, 1)}, {"image": (8, 9, 1), "layers": (8, 9, 2)}
TWO_IMAGES_AND_TABLE = {**TWO_IMAGES, "features": (3,)}
ENERGY_AND_TIME = {"energy": (9, 8, 1), "features": (3,), "time": (5, 6, 2)}
SMALL = {"filters": (3, 4), "hidden": (6,)}
GRAPH = {**MASKED, **COORDINATES_OF_MASKED, **MOMENTA_OF_MASKED}
"""A cloud with all that may stand beside it; networks leave what they do not need."""
SECOND_GRAPH = {
    "tracks": (4, 3),
    f"tracks{MASK}": (4,),
    f"tracks{COORDINATES}": (4, 2),
    f"tracks{MOMENTA}": (4, 4),
}
SMALL_PARTICLE_TRANSFORMER = {"embedding": (5,), "width": 6, "heads": 2, "expansion": 1.0}

NETWORK_SETTINGS: Mapping[str, list[tuple[dict[str, Any], Shapes]]] = {
    "mlp": [
        ({}, TABLE),
        ({}, TWO_TABLES),
        ({"hidden": (), "activation": "relu"}, TABLE),
        *(
            ({"hidden": (8, 4), "activation": "selu", "dropout": 0.2, "normalization": kind}, TABLE)
            for kind in ("none", "batch", "layer")
        ),
    ],
    "residual_mlp": [
        ({}, TABLE),
        ({"width": 8, "blocks": 1, "expansion": 0.5, "dropout": 0.0, "normalization": "layer"}, TWO_TABLES),
        (
            {"width": 8, "blocks": 3, "residual_dropout": 0.2, "normalization": "none", "activation": "gelu"},
            TABLE,
        ),
        ({"width": 8, "blocks": 1}, DIGITS),
    ],
    "realmlp": [
        ({"hidden": (8, 4), "frequencies": 3}, TABLE),
        ({"hidden": (5,), "activation": "mish", "embedding_width": 1, "dropout": 0.0}, TWO_TABLES),
    ],
    "lenet": [
        ({}, DIGITS),
        ({"activation": "tanh", "pooling": "average", "hidden": (9,)}, {"image": (32, 33, 1)}),
        ({"filters": (2, 3)}, TWO_IMAGES),
    ],
    "cnn": [
        (SMALL, DIGITS),
        (
            {**SMALL, "convolutions": 2, "normalization": "layer", "kernel_size": (2, 3), "hidden": ()},
            TWO_IMAGES,
        ),
        ({**SMALL, "normalization": "none", "pooling": "average", "dropout": 0.0}, TWO_IMAGES_AND_TABLE),
    ],
    "two_branch_cnn": [
        (SMALL, ENERGY_AND_TIME),
        ({**SMALL, "activation": "gelu"}, TWO_IMAGES),
        (SMALL, DIGITS),
    ],
    "resnet": [
        ({"widths": (3, 4), "depths": (1, 2)}, DIGITS),
        (
            {
                "widths": (4,),
                "depths": (1,),
                "stem_stride": 2,
                "stem_pooling": True,
                "squeeze": 2,
                "hidden": (5,),
            },
            TWO_IMAGES_AND_TABLE,
        ),
        ({"widths": (3, 3), "depths": (1, 1), "activation": "gelu", "dropout": 0.1}, TWO_IMAGES),
    ],
    "inception": [
        ({"filters": (16, 16), "modules": 1, "dropout": 0.0}, DIGITS),
        ({"filters": (64,), "modules": 1, "normalization": "layer", "hidden": (5,)}, TWO_IMAGES_AND_TABLE),
        ({"filters": (16,), "modules": 1, "normalization": "none"}, DIGITS),
    ],
    "vit": [
        ({"width": 8, "heads": 2, "blocks": 2}, DIGITS),
        (
            {"width": 6, "heads": 3, "blocks": 1, "patch_size": (4, 3), "pooling": "mean", "hidden": (5,)},
            TWO_IMAGES_AND_TABLE,
        ),
        (
            {
                "width": 4,
                "heads": 1,
                "blocks": 1,
                "block_dropout": 0.1,
                "attention_dropout": 0.1,
                "dropout": 0.1,
            },
            DIGITS,
        ),
    ],
    "deep_sets": [
        ({"object_hidden": (12, 8), "hidden": (8,)}, MASKED),
        (
            {"object_hidden": (6,), "hidden": (5,), "normalization": "batch", "pooling": "mean"},
            {**MASKED, "met": (3,), "tracks": (4, 3), "tracks.mask": (4,)},
        ),
        (
            {
                "object_hidden": (6, 6),
                "hidden": (),
                "normalization": "layer",
                "pooling": "max",
                "dropout": 0.1,
            },
            {**OBJECTS, "met": (3,)},
        ),
    ],
    "particle_net": [
        ({"k": 2, "channels": ((6, 5), (4, 4)), "hidden": (5,)}, GRAPH),
        (
            {"k": 7, "channels": ((6,),), "embedding": 4, "hidden": (), "activation": "gelu"},
            {**GRAPH, **SECOND_GRAPH, "met": (3,)},
        ),
    ],
    "particle_transformer": [
        ({**SMALL_PARTICLE_TRANSFORMER, "blocks": 1, "pair_embedding": (4,), "dropout": 0.0}, GRAPH),
        (
            {
                **SMALL_PARTICLE_TRANSFORMER,
                "blocks": 1,
                "class_blocks": 1,
                "pair_embedding": (),
                "hidden": (5,),
            },
            {**GRAPH, **SECOND_GRAPH, "met": (3,)},
        ),
    ],
    "event_graph": [
        (
            {"width": 6, "rounds": 1, "pair_width": 4, "hidden": (5,), "dropout": 0.1},
            {**GRAPH, **SECOND_GRAPH, "met": (3,), "met.momenta": (4,), "event": (2,)},
        ),
        (
            {"width": 4, "rounds": 1, "aggregation": "attention", "heads": 2, "tables": "end", "hidden": ()},
            {**GRAPH, "leptons": (2, 3), f"leptons{MOMENTA}": (2, 4), "met": (3,)},
        ),
    ],
}
"""What to try of each network, and with which inputs; others are tried on their reference inputs."""


def layer_cases() -> list[Case]:
    """Return the cases of every registered layer."""
    cases: list[Case] = []
    for kind in LAYERS:
        for settings, shapes in SETTINGS.get(kind, [({}, EVERYWHERE)]):
            for shape in shapes:
                values = [f"{key} {value}" for key, value in settings.items()]
                title = ", ".join([kind, *values, describe_shapes(shape)])
                is_first = all(case.kind != kind for case in cases)
                cases.append(_layer_case(title, kind, settings, shape, is_first=is_first))
    return cases


def describe_shapes(shape: Shape | Shapes) -> str:
    """Return what a case is tried on, for its title."""
    if isinstance(shape, Mapping):
        return " and ".join(f"{name} {extents}" for name, extents in shape.items())
    return SHAPE_NAMES.get(shape, str(shape))


def _layer_case(
    title: str, kind: str, settings: dict[str, Any], shape: Shape | Shapes, *, is_first: bool
) -> Case:
    """Return the layer between trained ones, so that its gradient has to go on to those before it."""
    if not isinstance(shape, Mapping):
        shape = dict.fromkeys(("a", "b") if kind in {"concatenate", "add"} else ("a",), shape)
    before = [
        {"type": "dense", "name": f"{name}_before", "inputs": name, "units": extents[-1]}
        for name, extents in shape.items()
        if not name.endswith(WITHOUT_GRADIENT)
    ]
    inputs = [name if name.endswith(WITHOUT_GRADIENT) else f"{name}_before" for name in shape]
    layer = {"type": kind, "name": TRIED, "inputs": inputs, **settings}
    shapes = [*shape.values()]
    result = LayerList.model_validate({"layers": [layer]}).layers[0].output_shape(shapes)
    rest = [] if len(result) == 1 else [{"type": "flatten"}]
    config = LayerList.model_validate({"layers": [*before, layer, *rest]})
    return Case(title, config, shape, kind, is_first)


def network_cases() -> list[Case]:
    """Return the cases of every network of the catalogue, and graphs with branches."""
    cases = []
    for name, variant in CATALOGUE.items():
        for number, (settings, inputs) in enumerate(
            NETWORK_SETTINGS.get(name, [({}, variant.reference_inputs)])
        ):
            config = variant.model_validate({"type": name, **settings})
            values = [f"{key} {value}" for key, value in settings.items()]
            title = ", ".join([name, *values, f"on {' and '.join(inputs)}"])
            cases.append(Case(title, config, inputs, name, number == 0, n_logits=3 if number == 1 else 1))
    return [*cases, _branches_of_tables(), _branches_of_images()]


def _branches_of_tables() -> Case:
    layers = [
        {"type": "flatten", "name": "flat", "inputs": "cloud"},
        {"type": "dense", "name": "left", "inputs": "flat", "units": 6},
        "tanh",
        {"type": "add", "name": "sum", "inputs": ["row", "tanh_1"]},
        {"type": "concatenate", "inputs": ["sum", "flat"]},
        "batch_norm",
    ]
    config = LayerList.model_validate({"layers": layers})
    return Case("branches of tables", config, {"row": ROW, "cloud": CLOUD}, "branches", is_first=True)


def _branches_of_images() -> Case:
    """Return a graph in which images meet in every way: joined, added, of changing size, with numbers."""
    layers = [
        {"type": "conv2d", "inputs": "image", "filters": 4, "padding": "same"},
        "batch_norm",
        {"type": "activation", "function": "relu", "name": "left"},
        {"type": "average_pool2d", "inputs": "image", "padding": "same"},
        {"type": "depthwise_conv2d", "kernel_size": 2, "padding": "same"},
        {"type": "upsample2d", "name": "right"},
        {"type": "conv2d", "name": "crop", "inputs": "right", "filters": 4, "kernel_size": [1, 2]},
        {"type": "add", "name": "sum", "inputs": ["left", "crop"]},
        {"type": "concatenate", "name": "joined", "inputs": ["sum", "image", "left"]},
        "layer_norm",
        {"type": "max_pool2d", "name": "pooled"},
        {"type": "global_pool", "inputs": "joined"},
        {"type": "flatten", "inputs": "pooled"},
        {"type": "concatenate", "inputs": ["flatten_1", "global_pool_1", "row"]},
    ]
    config = LayerList.model_validate({"layers": layers})
    return Case("branches of images", config, {"image": IMAGE, "row": ROW}, "branches", is_first=True)


LAYER_CASES = layer_cases()
NETWORK_CASES = network_cases()
