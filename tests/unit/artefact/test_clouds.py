"""Clouds in the model file: objects selected, ordered, cut and prepared in the graph as in training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapidity.artefact import OnnxModel, write_model
from rapidity.artefact.clouds import add_cloud
from rapidity.artefact.columns import SeparateColumns
from rapidity.artefact.emission import Emitter
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.model import PLACES_SQUARED
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.artefact.objects import OBJECTS_IN_A_BATCH, pad_objects
from rapidity.core.classes import ClassSet
from rapidity.core.jagged import Jagged
from rapidity.data.cloud_columns import make_momenta
from rapidity.data.clouds import CloudColumns
from rapidity.data.features import parse_features
from rapidity.data.fitted_cloud import FittedCloud, fit_momenta
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.preparation import FittedPreparation
from rapidity.data.transforms.clip import FittedClip
from rapidity.data.transforms.standard import FittedStandard
from rapidity.expressions import parse_expression
from rapidity.network import LayerList, build_network

COLLECTIONS = {"cand_pt": "cand", "cand_eta": "cand", "cand_phi": "cand", "cand_id": "cand", "sv_mass": "sv"}
FEATURES = (
    "cand_pt",
    "d_eta = cand_eta - jet_eta",
    "d_phi = delta_phi(cand_phi, jet_phi)",
    "log(cand_pt / sum(cand_pt))",
    "is_pion = abs(cand_id) == 211",
    "rank = count(sv_mass) + cand_pt * 0",
)
MOMENTA = {"pt": "cand_pt", "eta": "cand_eta", "phi": "cand_phi", "mass": "0.13957"}
# The same formulae in float64, rounded to float32 at the end.
TOLERANCE = 1e-6


def make_cloud(features=FEATURES, n_objects=3, order_by=None, selection=None, components=MOMENTA, **missing):
    """Return a fitted cloud of candidates; `missing` are settings of every feature."""
    parsed = parse_features(features, "features", (), {}, COLLECTIONS)
    expressions = [
        None if text is None else parse_expression(text, None, COLLECTIONS) for text in (order_by, selection)
    ]
    cloud = CloudColumns(
        "cand", parsed, n_objects, *expressions, components, make_momenta(components, {}, COLLECTIONS),
        parsed[1:3],
    )  # fmt: skip
    steps = (FittedClip(-3.0, 50.0), FittedStandard(1.0, 2.0))
    fitted = tuple(FittedFeature(feature, **missing, transforms=steps) for feature in parsed)
    unmarked = {**missing, "has_indicator": False}
    coordinates = tuple(FittedFeature(feature, **unmarked) for feature in parsed[1:3])
    return FittedCloud(cloud, fitted, fit_momenta(cloud), coordinates)


def make_columns(counts, seed=1):
    rng = np.random.default_rng(seed)
    counts = np.array(counts)
    n_events, n_objects = len(counts), int(counts.sum())
    values = {
        "cand_pt": rng.integers(1, 6, n_objects) / 2,  # many are equal
        "cand_eta": rng.normal(size=n_objects),
        "cand_phi": rng.uniform(-np.pi, np.pi, n_objects),
        "cand_id": rng.choice([211, -211, 22, 130], n_objects),
    }
    columns = {name: Jagged.from_counts(one.astype(np.float32), counts) for name, one in values.items()}
    n_vertices = rng.integers(0, 3, n_events)
    columns["sv_mass"] = Jagged.from_counts(np.ones(n_vertices.sum(), np.float32), n_vertices)
    angles = {name: rng.normal(size=n_events).astype(np.float32) for name in ("jet_eta", "jet_phi")}
    return columns | angles


@pytest.fixture(scope="session")
def run_cloud(run_model):
    """Return a function that prepares a cloud of these columns in ONNX Runtime."""

    def run(fitted, columns, extra_places=0):
        graph, xp = GraphBuilder(), OnnxNamespace()
        used = {name: columns[name] for name in fitted.columns}
        collections = {name: COLLECTIONS[name] for name in used if name in COLLECTIONS}
        source = SeparateColumns(
            graph, {name: values.dtype.name for name, values in used.items()}, {}, collections
        )
        symbols = {
            name: xp.objects(name, collections[name]) if name in collections else xp.column(name)
            for name in used
        }
        made, _ = add_cloud(graph, Emitter(graph, source), fitted, symbols, xp)
        for suffix, value in made.items():
            graph.add_output(value, f"result{suffix}", "float32", ["n", *fitted.shapes[suffix]])
        members = {
            f"n_{name}": [column for column, of in collections.items() if of == name]
            for name in dict.fromkeys(collections.values())
        }
        fed = pad_objects(used, members)
        for name in collections:
            garbage = np.full((len(fed[name]), extra_places), np.nan, fed[name].dtype)
            fed[name] = np.concatenate([fed[name], garbage], axis=1)
        results = run_model(graph.build({}, "").SerializeToString(), fed)
        return {name.removeprefix("result"): values for name, values in results.items()}

    return run


def assert_same(found, expected):
    assert set(found) == set(expected)
    for suffix, values in expected.items():
        assert found[suffix].dtype == np.float32
        np.testing.assert_allclose(found[suffix], values, rtol=TOLERANCE, atol=TOLERANCE, err_msg=suffix)


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    n_objects=st.integers(1, 8),
    order_by=st.sampled_from(
        [None, "cand_pt", "-cand_pt", "cand_eta", "cand_pt + jet_eta", "1 / (cand_pt - 1)"]
    ),
    selection=st.sampled_from(
        [None, "cand_pt > 1", "cand_pt > mean(cand_pt)", "cand_id == 22", "cand_pt < 0"]
    ),
    seed=st.integers(0, 100),
)
def test_any_table_is_prepared_in_the_graph_as_in_training(
    run_cloud, counts, n_objects, order_by, selection, seed
):
    fitted = make_cloud(n_objects=n_objects, order_by=order_by, selection=selection)
    columns = make_columns(counts, seed)
    assert_same(run_cloud(fitted, columns), fitted.prepare(columns))


def test_what_stands_in_the_padding_never_matters(run_cloud):
    fitted = make_cloud(n_objects=4, order_by="cand_pt", selection="cand_pt > 1")
    columns = make_columns([3, 0, 5, 1])
    plain = run_cloud(fitted, columns)
    for suffix, values in run_cloud(fitted, columns, extra_places=3).items():
        np.testing.assert_array_equal(values, plain[suffix])


@pytest.mark.parametrize("order_by", [None, "cand_pt"])
def test_a_batch_without_any_object_gives_nothing_but_zeros(run_cloud, order_by):
    fitted = make_cloud(order_by=order_by)
    found = run_cloud(fitted, make_columns([0, 0]))
    assert found[""].shape == (2, 3, len(FEATURES))
    assert not any(values.any() for values in found.values())


def test_equal_objects_stay_in_the_order_of_the_file(run_cloud):
    n_objects = 40
    values = np.arange(n_objects, dtype=np.float32)
    columns = make_columns([n_objects])
    columns["cand_pt"] = Jagged.from_counts(np.repeat([2, 1], n_objects // 2).astype(np.float32), [n_objects])
    columns["cand_eta"] = Jagged.from_counts(values, [n_objects])
    fitted = make_cloud(["cand_pt", "cand_eta", "cand_phi"], n_objects=30, order_by="cand_pt", components={})
    coordinates = run_cloud(fitted, columns)[".coordinates"][0, :, 0]
    np.testing.assert_array_equal(coordinates, values[:30])


def test_objects_that_cannot_be_ordered_come_last_but_are_kept(run_cloud):
    columns = make_columns([4])
    pt = np.array([1.0, 4.0, 2.0, 9.0], np.float32)
    columns["cand_pt"] = Jagged.from_counts(pt, [4])
    fitted = make_cloud(["cand_pt"], n_objects=6, order_by="log(cand_pt - 3)", components={})
    found = run_cloud(fitted, columns)
    assert found[".mask"].tolist() == [[1, 1, 1, 1, 0, 0]]
    raw = found[""][0, :4, 0] * 2 + 1
    np.testing.assert_allclose(raw, [9, 4, 1, 2])
    assert_same(found, fitted.prepare(columns))


@pytest.mark.parametrize("selection", [None, "cand_pt > 1"])
def test_missing_values_are_filled_and_marked_in_the_graph(run_cloud, selection):
    columns = make_columns([3, 0, 4], seed=3)
    columns["cand_eta"].content[[0, 5]] = -999
    columns["cand_phi"].content[[2, 6]] = np.nan
    columns["jet_eta"][0] = -999
    sentinels = {"cand_eta": (-999.0,), "jet_eta": (-999.0,)}
    fitted = make_cloud(
        FEATURES[:3], n_objects=5, selection=selection, components={}, sentinels=sentinels, nan="missing",
        infinite="missing", fill=0.25, has_indicator=True,
    )  # fmt: skip
    assert fitted.shape == (5, 6)
    expected = fitted.prepare(columns)
    assert expected[""][0, 0, 3] == 1
    assert_same(run_cloud(fitted, columns), expected)


def test_features_of_one_form_share_their_nodes():
    graph, xp = GraphBuilder(), OnnxNamespace()
    names = [f"x{number}" for number in range(20)]
    collections = dict.fromkeys(names, "cand")
    features = parse_features(names, "features", (), {}, collections)
    transforms = (FittedStandard(1.0, 2.0),)
    fitted = FittedCloud(
        CloudColumns("cand", features, 5),
        tuple(FittedFeature(one, transforms=transforms) for one in features),
    )
    source = SeparateColumns(graph, dict.fromkeys(names, "float32"), {}, collections)
    symbols = {name: xp.objects(name, "cand") for name in names}
    add_cloud(graph, Emitter(graph, source), fitted, symbols, xp)
    assert sum(node.op_type == "Sub" and "preparation" in node.name for node in graph.nodes) == 1


def test_events_of_a_batch_are_counted_by_the_places_of_the_clouds(tmp_path):
    collections = {"pt": "cand"}
    (feature,) = parse_features(["pt"], "features", (), {}, collections)
    fitted = FittedCloud(CloudColumns("cand", (feature,), 500), (FittedFeature(feature),))
    preparation = FittedPreparation({"cand": fitted}, {"pt": "float32"}, {}, collections=collections)
    layers = [{"type": "masked_pool", "inputs": ["cand", "cand.mask"], "function": "sum"}]
    network = build_network(LayerList(layers=layers), preparation.input_shapes(), {"class": 1})
    parameters = network.initial_parameters(np.random.default_rng(1))
    write_model(
        tmp_path / "a.onnx", preparation=preparation, classes=ClassSet(("gluon", "quark")), metadata={},
        network=network, parameters=parameters,
    )  # fmt: skip
    model = OnnxModel.load(tmp_path / "a.onnx")
    assert model.n_places == 500
    assert model.usual_batch_size == PLACES_SQUARED // 500**2 < OBJECTS_IN_A_BATCH // 500
    assert replace(model, n_places=30).usual_batch_size == OBJECTS_IN_A_BATCH // 30
    pt = Jagged.from_counts(np.arange(5, dtype=np.float32), np.array([3, 0, 2]))
    kernel, bias = parameters["class_logits.kernel"], parameters["class_logits.bias"]
    expected = np.array([[3.0], [0.0], [7.0]]) * kernel + bias
    np.testing.assert_allclose(model.run({"pt": pt}).logits, expected, rtol=1e-6)


@pytest.mark.parametrize("jumps", [False, True])
def test_the_file_says_whether_its_network_jumps(tmp_path, jumps):
    collections = {"x": "cand", "y": "cand"}
    features = parse_features(["x", "y"], "features", (), {}, collections)
    fitted = FittedCloud(CloudColumns("cand", features, 5), tuple(map(FittedFeature, features)))
    preparation = FittedPreparation(
        {"cand": fitted}, dict.fromkeys("xy", "float32"), {}, collections=collections
    )
    searching = [
        {"type": "neighbours", "inputs": ["cand", "cand.mask"], "k": 2, "name": "near"},
        {"type": "edges", "inputs": ["cand", "cand", "near"], "name": "edges"},
        {"type": "masked_pool", "inputs": ["edges", "near"], "name": "objects"},
    ]
    plain = [{"type": "dense", "inputs": "cand", "units": 2, "name": "objects"}]
    pool = {"type": "masked_pool", "inputs": ["objects", "cand.mask"]}
    layers = [*(searching if jumps else plain), pool]
    network = build_network(LayerList(layers=layers), preparation.input_shapes(), {"class": 1})
    write_model(
        tmp_path / "a.onnx", preparation=preparation, classes=ClassSet(("gluon", "quark")), metadata={},
        network=network, parameters=network.initial_parameters(np.random.default_rng(1)),
    )  # fmt: skip
    assert OnnxModel.load(tmp_path / "a.onnx").is_continuous is not jumps
