"""Values of objects as nodes: what meets what, what is shared, and graphs without any object."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from rapidity.artefact.columns import SeparateColumns
from rapidity.artefact.emission import Emitter
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.core.jagged import Jagged
from rapidity.core.namespace import ObjectNamespace
from rapidity.expressions import parse_expression

COLLECTIONS = {"jet_pt": "jets", "jet_eta": "jets", "lep_pt": "leptons"}


def emit(*texts, standardise=False):
    """Return the graph of some expressions, each a row."""
    graph, xp = GraphBuilder(), OnnxNamespace()
    expressions = [parse_expression(text, None, COLLECTIONS) for text in texts]
    names = dict.fromkeys(name for expression in expressions for name in expression.columns)
    used = {name: COLLECTIONS[name] for name in names if name in COLLECTIONS}
    source = SeparateColumns(graph, dict.fromkeys(names, "float32"), None, used)
    columns = {name: xp.objects(name, used[name]) if name in used else xp.column(name) for name in names}
    symbols = [xp.symbol(expression.evaluate(columns, xp)) for expression in expressions]
    if standardise:
        symbols = [(symbol - float(row)) / (row + 2.0) for row, symbol in enumerate(symbols)]
    rows = Emitter(graph, source).emit_features(symbols)
    graph.add_output(rows, "result", "float64", [len(symbols), "n"])
    return graph


def test_the_namespace_has_every_function_for_objects():
    xp = OnnxNamespace()
    for name in inspect.get_annotations(ObjectNamespace):
        assert hasattr(xp, name)


def test_rows_made_of_objects_are_transformed_together():
    texts = ("jet_pt[0]", "jet_eta[0]", "jet_pt[1]", "lep_pt[2]")
    plain, standardised = emit(*texts), emit(*texts, standardise=True)
    # One subtraction and one division for all of them.
    assert len(standardised.nodes) == len(plain.nodes) + 2


def test_positions_counts_and_masks_are_computed_once():
    one = emit("jet_pt[-1]")
    both = emit("jet_pt[-1]", "jet_eta[-1]")
    kinds = [[node.op_type for node in graph.nodes] for graph in (one, both)]
    for op in ("CumSum", "ArgMax", "Less"):
        assert kinds[0].count(op) == kinds[1].count(op) == 1
    assert kinds[1].count("GatherElements") == 2


def test_rows_of_events_and_of_objects_keep_their_order(run_model):
    texts = (
        "met",
        "jet_pt[0]",
        "met + jet_pt[1]",
        "sum(jet_pt)",
        "2 * met",
        "jet_pt[0]",
        "met > jet_pt[0]",
        "lep_pt[0]",
    )
    jets = Jagged.from_counts(np.array([50.0, 30.0, 20.0], np.float32), np.array([2, 0, 1]))
    leptons = Jagged.from_counts(np.array([7.0], np.float32), np.array([0, 0, 1]))
    inputs = {"met": np.array([10.0, 20.0, 30.0], np.float32), "jet_pt": jets.padded(), "n_jets": jets.counts}
    inputs |= {"lep_pt": leptons.padded(), "n_leptons": leptons.counts}
    found = run_model(emit(*texts).build({}, "").SerializeToString(), inputs)["result"]
    nan = np.nan
    expected = [
        [10, 20, 30], [50, nan, 20], [40, nan, nan], [80, 0, 20], [20, 40, 60], [50, nan, 20], [0, 0, 1],
        [nan, nan, 7],
    ]  # fmt: skip
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("width", [0, 1, 7])
def test_a_batch_without_objects_may_have_any_width(width, run_model):
    data = emit("sum(jet_pt)", "jet_pt[2]", "largest(jet_pt, 3)", "jet_pt[jet_pt > 1][-1]").build({}, "")
    inputs = {"jet_pt": np.full((2, width), np.nan, np.float32), "n_jets": np.zeros(2, np.int64)}
    found = run_model(data.SerializeToString(), inputs)["result"]
    np.testing.assert_array_equal(found, [[0, 0], *[[np.nan] * 2] * 3])


def test_the_names_of_the_inputs_and_their_axes():
    graph = emit("sum(jet_pt) + lep_pt[0]")
    shapes = {
        node.name: [axis.dim_param for axis in node.type.tensor_type.shape.dim] for node in graph.inputs
    }
    assert shapes["jet_pt"][0] == shapes["n_jets"][0] == "n"
    assert shapes["jet_pt"][1] != shapes["lep_pt"][1]


def test_values_of_events_and_objects_do_not_meet_unexpanded():
    xp = OnnxNamespace()
    jets = xp.objects("jet_pt", "jets")
    with pytest.raises(TypeError, match=r"Add of values of ranks \[1, 2\]: expand those of events first"):
        jets.values + xp.column("met")
    assert (jets.values + xp.expand(xp.column("met"))).rank == 2
    assert xp.expand(3.0) == 3.0


def test_a_value_for_each_object_is_no_feature():
    graph, xp = GraphBuilder(), OnnxNamespace()
    source = SeparateColumns(graph, {"jet_pt": "float32"}, None, {"jet_pt": "jets"})
    with pytest.raises(
        ValueError, match="a feature has a value for each object; it needs one value an event"
    ):
        Emitter(graph, source).emit_features([xp.objects("jet_pt", "jets").values])


def test_values_of_objects_come_back_with_what_was_kept():
    xp = OnnxNamespace()
    column = xp.objects("jet_pt", "jets")
    found = parse_expression("jet_pt[jet_pt > 30] / 2", None, COLLECTIONS).evaluate({"jet_pt": column}, xp)
    assert found.collection == "jets"
    assert found.values.op == "Div"
    assert found.is_object.op == "And"
    whole = parse_expression("jet_pt / 2", None, COLLECTIONS).evaluate({"jet_pt": column}, xp)
    assert whole.is_object is column.is_object
