from __future__ import annotations

import numpy as np
import pytest

from rapidity.artefact.columns import MatrixColumns, SeparateColumns
from rapidity.artefact.emission import Emitter
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.namespace import OnnxNamespace


def emit(build, dtypes, source=SeparateColumns):
    graph, xp = GraphBuilder(), OnnxNamespace()
    columns = {name: xp.column(name) for name in dtypes}
    symbols = build(xp, columns)
    rows = Emitter(graph, source(graph, dtypes)).emit_features(symbols)
    graph.add_output(rows, "result", "float64", [len(symbols), "n"])
    return graph


def standardise(xp, columns):
    return [(x - float(index)) / (index + 2.0) for index, x in enumerate(columns.values())]


def test_features_computed_alike_share_their_nodes():
    narrow = emit(standardise, {f"c{i}": "float32" for i in range(2)})
    wide = emit(standardise, {f"c{i}": "float32" for i in range(60)})
    assert len(wide.nodes) == len(narrow.nodes) <= 7


def test_features_keep_their_order_and_values_whatever_is_shared(run_model):
    def build(xp, columns):
        a, b, c = columns.values()
        return [a - 1.0, xp.sqrt(b), c - 3.0, a - 1.0, xp.where(a > b, c, 0.0), xp.sqrt(c), a > 0]

    values = {name: np.array([4.0, 9.0, 16.0]) * factor for name, factor in (("a", 1), ("b", 2), ("c", 3))}
    dtypes = {"a": "float32", "b": "float64", "c": "int64"}
    raw = {name: values[name].astype(dtype) for name, dtype in dtypes.items()}
    with np.errstate(all="ignore"):
        expected = np.array([np.asarray(row, float) for row in build(np, values)])
    found = run_model(emit(build, dtypes).build({}, "").SerializeToString(), raw)["result"]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtypes", [{"a": "float32", "b": "float32"}, {"a": "float32", "b": "int64"}])
def test_a_matrix_gives_the_same_as_separate_columns(dtypes, run_model):
    raw = {"a": np.array([1, 2, 3]), "b": np.array([40, 50, 60])}
    separate = emit(standardise, dtypes).build({}, "").SerializeToString()
    matrix = emit(standardise, dtypes, MatrixColumns).build({}, "").SerializeToString()
    dtype = "float32" if set(dtypes.values()) == {"float32"} else "float64"
    stacked = np.stack(list(raw.values()), axis=1).astype(dtype)
    expected = run_model(separate, {name: raw[name].astype(dtype) for name, dtype in dtypes.items()})
    np.testing.assert_array_equal(run_model(matrix, {"columns": stacked})["result"], expected["result"])


def test_a_column_shared_by_all_features_of_a_kind_is_broadcast(run_model):
    def build(xp, columns):
        a, b, c = columns.values()
        return [b - a, c - a]

    values = {name: np.array([1.0, 2.0]) * factor for name, factor in (("a", 1), ("b", 5), ("c", 7))}
    graph = emit(build, dict.fromkeys(values, "float64"))
    found = run_model(graph.build({}, "").SerializeToString(), values)["result"]
    np.testing.assert_array_equal(found, [[4.0, 8.0], [6.0, 12.0]])


def test_an_empty_batch_gives_an_empty_result(run_model):
    graph = emit(standardise, {"a": "float32", "b": "float32"})
    empty = np.zeros(0, np.float32)
    found = run_model(graph.build({}, "").SerializeToString(), {"a": empty, "b": empty})["result"]
    assert found.shape == (2, 0)


def test_constants_are_stored_once():
    graph = emit(
        lambda xp, columns: [x * 3.0 + 3.0 for x in columns.values()], {"a": "float64", "b": "float64"}
    )
    stored = [tensor for tensor in graph.initializers.values() if list(tensor.dims) == []]
    assert len(stored) == 1


def test_a_feature_of_no_column_is_refused():
    with pytest.raises(ValueError, match="depends on no column"):
        emit(lambda xp, columns: [xp.constant(1.0)], {"a": "float64"})
