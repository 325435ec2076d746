"""A model file of all folds beside one network, and beside computing all networks and selecting.

Prints the processor time of a batch in ONNX Runtime, one thread, for the file that `artefact.build_folds`
makes (rows gathered by fold, each network computes its own), for one that computes every network on every
row, and for the file of one network.

    python benchmarks/folds.py
"""

from __future__ import annotations

import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, compose, helper, numpy_helper

from rapidity.artefact import build_folds, build_model
from rapidity.artefact.graph import finish_model
from rapidity.core.classes import ClassSet
from rapidity.data.features import Feature
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_table import FittedTable
from rapidity.data.preparation import FittedPreparation
from rapidity.data.transforms.standard import FittedStandard
from rapidity.expressions import parse_expression
from rapidity.network import Mlp, build_network

COUNT = 5
NETWORKS = ((10, (32, 32)), (49, (256, 128, 64)))
BATCHES = (1, 100, 16_384)
SECONDS = 1.0
"""Of measuring each."""
SCORES = ("probabilities", "logits")


def make_model(n_columns: int, hidden: tuple[int, ...], seed: int) -> bytes:
    """Return the model file of one network on standardised columns."""
    features = tuple(
        FittedFeature(
            Feature(f"x{i}", parse_expression(f"x{i}")),
            transforms=(FittedStandard(0.1 * seed, 1 + 0.1 * seed),),
        )
        for i in range(n_columns)
    )
    dtypes = {f"x{i}": "float32" for i in range(n_columns)}
    preparation = FittedPreparation({"features": FittedTable(features)}, dtypes, {})
    network = build_network(Mlp(type="mlp", hidden=hidden), preparation.input_shapes(), {"class": 1})
    return build_model(
        preparation=preparation, classes=ClassSet(("signal", "background")), metadata={}, network=network,
        parameters=network.initial_parameters(np.random.default_rng(seed)),
    )  # fmt: skip


def select_among_all(models: list[bytes]) -> bytes:
    """Return a file that computes every network on every row, and keeps the score of the fold."""
    graphs = [onnx.load_model_from_string(data).graph for data in models]
    names = [value.name for value in graphs[0].input]
    inputs = [*graphs[0].input, helper.make_tensor_value_info("event", TensorProto.INT64, ["n"])]
    numbers = {"count": np.array(len(models)), "axis": np.array([1])}
    numbers |= {f"fold/{index}": np.array(index) for index in range(len(models))}
    constants = [numpy_helper.from_array(array.astype(np.int64), name) for name, array in numbers.items()]
    nodes = [
        helper.make_node("Mod", ["event", "count"], ["fold"]),
        helper.make_node("Unsqueeze", ["fold", "axis"], ["column"]),
    ]
    chosen = dict.fromkeys(SCORES, "")
    for index, graph in enumerate(graphs):
        inner = compose.add_prefix_graph(graph, f"fold_{index}/")
        for node in inner.node:
            renamed = [name.removeprefix(f"fold_{index}/") for name in node.input]
            node.input[:] = [
                new if new in names else old for old, new in zip(node.input, renamed, strict=True)
            ]
        nodes += [*inner.node, helper.make_node("Equal", ["column", f"fold/{index}"], [f"is/{index}"])]
        constants += inner.initializer
        for name, before in chosen.items():
            here, last = f"fold_{index}/{name}", index == len(graphs) - 1
            chosen[name] = name if last else f"chosen/{name}/{index}" if index else here
            if index:
                nodes.append(helper.make_node("Where", [f"is/{index}", here, before], [chosen[name]]))
    outputs = [*graphs[0].output, helper.make_tensor_value_info("fold", TensorProto.INT64, ["n"])]
    graph = helper.make_graph(nodes, "all", inputs, outputs, constants)
    return bytes(finish_model(graph, {}, "").SerializeToString())


def time_batch(data: bytes, columns: dict[str, np.ndarray]) -> tuple[float, np.ndarray]:
    """Return the median processor time of a batch in milliseconds, and the probabilities."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, sess_options=options, providers=["CPUExecutionProvider"])
    feed = {value.name: columns[value.name] for value in session.get_inputs()}
    seconds, end = [], time.thread_time() + SECONDS
    while time.thread_time() < end or len(seconds) < 5:
        start = time.thread_time()
        (scores,) = session.run(["probabilities"], feed)
        seconds.append(time.thread_time() - start)
    return 1e3 * float(np.median(seconds)), scores


def main() -> None:
    print(
        f"ONNX Runtime {onnxruntime.__version__}, {COUNT} folds; processor time of a batch in ms, median.\n"
    )
    print("| columns, hidden layers | events | one network | gathered by fold | all, then selected |")
    print("|---|---|---|---|---|")
    for n_columns, hidden in NETWORKS:
        models = [make_model(n_columns, hidden, seed) for seed in range(COUNT)]
        files = (models[0], build_folds(models, "event", {}), select_among_all(models))
        for n_events in BATCHES:
            rng = np.random.default_rng(1)
            columns = {f"x{i}": rng.normal(size=n_events).astype(np.float32) for i in range(n_columns)}
            columns["event"] = rng.integers(-1000, 1000, n_events)
            (one, _), (gathered, found), (everything, expected) = (
                time_batch(data, columns) for data in files
            )
            np.testing.assert_allclose(found, expected, atol=1e-6)
            shape = f"{n_columns}, {'-'.join(map(str, hidden))}"
            print(f"| {shape} | {n_events:,} | {one:.3f} | {gathered:.3f} | {everything:.3f} |", flush=True)


if __name__ == "__main__":
    main()
