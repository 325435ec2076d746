"""Neighbours that are equally far away, and momenta without a direction: the same in every library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.layers import lower_network
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import LayerList, Network, build_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR = np.log(1e-8)


def build(layer: dict[str, Any], inputs: dict[str, tuple[int, ...]]) -> Network:
    """Return a network whose logits are the results of the layer, laid out in one row."""
    layers = LayerList.model_validate(
        {"layers": [{**layer, "name": "tried", "inputs": [*inputs]}, "flatten"]}
    )
    n_values = int(np.prod(layers.layers[0].output_shape([*inputs.values()])))
    return build_network(layers, inputs, {"class": n_values})


def run(engine_name: str, network: Network, inputs: dict[str, NDArray[np.float32]]) -> NDArray[Any]:
    """Return the result of the layer in an engine, after checking that of ONNX Runtime to be the same."""
    n_values = network.shape_of("class_logits")[0]
    parameters = {
        "class_logits.kernel": np.eye(n_values, dtype=np.float32),
        "class_logits.bias": np.zeros(n_values, np.float32),
    }
    n_events = len(next(iter(inputs.values())))
    model = get_engine(engine_name).build(network, parameters, "cpu")
    found = model.predict(ResidentBatches(Batch(inputs), n_events), ["tried"])["tried"]
    graph = GraphBuilder()
    names = {name: graph.add_input(name, "float32", ["n", *shape]) for name, shape in network.inputs.items()}
    graph.add_output(
        lower_network(graph, network, parameters, names)["class"], "row", "float32", ["n", n_values]
    )
    session = onnxruntime.InferenceSession(graph.build({}, "test").SerializeToString())
    (of_onnx,) = session.run(["row"], inputs)
    np.testing.assert_allclose(of_onnx, found.reshape(n_events, -1), rtol=1e-6, atol=1e-6)
    return found


def find_stable(x: NDArray[np.float32], k: int) -> NDArray[Any]:
    """Return the neighbours in the order of their exact distances, then of their places."""
    distances = ((x[:, :, np.newaxis].astype(np.float64) - x[:, np.newaxis]) ** 2).sum(axis=-1)
    distances[:, np.arange(x.shape[1]), np.arange(x.shape[1])] = np.inf
    return np.argsort(distances, axis=-1, kind="stable")[..., :k] + 1


@pytest.mark.parametrize("n_coordinates", [2, 12])
def test_of_equal_distances_the_first_object_is_taken(engine_name: str, n_coordinates: int) -> None:
    """Objects on a small grid: many are equally far away, and several lie in one place."""
    x = np.random.default_rng(1).integers(0, 3, (40, 20, n_coordinates)).astype(np.float32)
    network = build({"type": "neighbours", "k": 7}, {"places": (20, n_coordinates)})
    np.testing.assert_array_equal(run(engine_name, network, {"places": x}), find_stable(x, 7))


def test_objects_in_one_place_are_taken_in_their_order(engine_name: str) -> None:
    x = np.full((2, 12, 3), 0.1, np.float32)
    network = build({"type": "neighbours", "k": 3}, {"places": (12, 3)})
    found = run(engine_name, network, {"places": x})[1]
    np.testing.assert_array_equal(found[[0, 1, 2, 11]], [[2, 3, 4], [1, 3, 4], [1, 2, 4], [1, 2, 3]])


def test_only_objects_that_there_are_count_as_neighbours(engine_name: str) -> None:
    x = np.array([[[0.0], [9.0], [1.0], [0.0], [np.nan]]], np.float32).repeat(2, axis=0)
    mask = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0]], np.float32)
    network = build({"type": "neighbours", "k": 3}, {"a": (5, 1), "a.mask": (5,)})
    found = run(engine_name, network, {"a": x, "a.mask": mask})
    np.testing.assert_array_equal(found[0], [[3, 2, 0], [3, 1, 0], [1, 2, 0], [0, 0, 0], [0, 0, 0]])
    assert not found[1].any()


def compare(engine_name: str, *momenta: list[float]) -> NDArray[Any]:
    network = build({"type": "pair_features"}, {"a": (len(momenta), 4)})
    return run(engine_name, network, {"a": np.array([momenta], np.float32)})[0]


def test_equal_directions_have_the_smallest_features(engine_name: str) -> None:
    """Also of large momenta, of which sums in float64 would leave a mass."""
    found = compare(engine_name, [3e5, 4e5, 1e6, 0], [3e5, 4e5, 1e6, 0], [3e5, 4e5, 1e6, 0])
    np.testing.assert_allclose(found, [[FLOOR, np.log(0.5), FLOOR, FLOOR]] * 3, rtol=1e-6)


def test_pairs_without_transverse_momentum_get_zeros(engine_name: str) -> None:
    found = compare(engine_name, [0, 0, 0, 0], [1, 2, 3, 5], [0, 0, 7, 7])
    assert not found.any()


def test_opposite_directions_are_apart_by_pi(engine_name: str) -> None:
    ((ln_kt, ln_z, ln_delta_r, ln_m2),) = compare(engine_name, [2, 0, 0, 2], [-6, 0, 0, 6])
    expected = [2 * np.pi, 0.25, np.pi, 4 * 2 * 6]
    np.testing.assert_allclose(np.exp([ln_kt, ln_z, ln_delta_r, ln_m2]), expected, rtol=1e-6)


def test_an_energy_below_the_momentum_counts_as_the_momentum(engine_name: str) -> None:
    light, short = [[1, 2, 3, 14**0.5], [2, -1, 5, 30**0.5]], [[1, 2, 3, 1], [2, -1, 5, 0]]
    np.testing.assert_allclose(compare(engine_name, *light), compare(engine_name, *short), rtol=1e-5)


def test_momenta_along_the_beam_stay_finite(engine_name: str) -> None:
    assert np.isfinite(compare(engine_name, [1e-6, 0, 1e6, 1e6], [0, 1e-6, -1e6, 1e6], [1, 1, 0, 2])).all()


@pytest.mark.parametrize("garbage", [0.0, np.nan])
def test_gradients_beside_momenta_are_finite(engine_name: str, garbage: float) -> None:
    inputs = {"a": (3, 4), "a.mask": (3,)}
    layers = [{"type": "pair_features", "inputs": [*inputs]}, "flatten", {"type": "dense", "units": 2}]
    network = build_network(LayerList.model_validate({"layers": layers}), inputs, {"class": 1})
    model = get_engine(engine_name).build(
        network, network.initial_parameters(np.random.default_rng(1)), "cpu"
    )
    momenta = np.array([[[1, 0, 0, 1], [1, 0, 0, 1], [garbage] * 4]] * 2, np.float32)
    events = Batch(
        {"a": momenta, "a.mask": np.array([[1, 1, 0]] * 2, np.float32)}, {"class": np.array([0, 1], np.int64)}
    )
    gradients = model.gradients(events, Objective({"class": OutputObjective(2)}))
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
    assert np.abs(gradients["dense_1.kernel"]).max() > 0
