"""Models with columns of objects: their inputs, their metadata, and the same numbers as the preparation."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest

from rapidity.artefact import OnnxModel, build_folds, write_model
from rapidity.artefact.columns import check_signature, name_counts
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError, ExportError
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.features import make_features
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_table import FittedTable
from rapidity.data.preparation import FittedPreparation
from rapidity.network import LayerList, build_network

TEXTS = (
    "jet_pt[1]", "sum(jet_pt)", "max(jet_tag)", "count(jet_tag > 0)", "any(jet_tag < 0)", "met / sum(jet_pt)",
    "min_delta_r(jets)", "n_sv", "sv_mass[0]", "count(sv_mass)",
)  # fmt: skip
JETS = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi"}
COLLECTIONS = {"jet_pt": "jets", "jet_eta": "jets", "jet_phi": "jets", "jet_tag": "jets", "sv_mass": "sv"}
SENTINEL = -999.0
# The same formulae in float64, rounded to float32 at the end.
TOLERANCE = 1e-6


def make_preparation(texts=TEXTS, collections=COLLECTIONS):
    features = make_features(texts, "columns", (), {"jets": JETS}, collections)
    sentinels = {"jet_tag": (SENTINEL,)}
    fitted = tuple(
        FittedFeature(
            feature,
            {}
            if feature.expression.is_condition
            else {c: sentinels[c] for c in feature.columns if c in sentinels},
            nan="missing",
            infinite="missing",
            fill=-1.0,
            has_indicator=True,
        )
        for feature in features
    )
    columns = dict.fromkeys(column for feature in features for column in feature.columns)
    dtypes = {name: "float64" if name == "jet_tag" else "float32" for name in columns}
    used = {name: of for name, of in collections.items() if name in columns}
    ranges = {"jet_pt": (5.0, 900.0)}
    return FittedPreparation(
        {"event": FittedTable(fitted)}, dtypes, ranges, {"jets": JETS}, {"jet_pt": "GeV"}, collections=used
    )


@pytest.fixture
def write_copy(tmp_path):
    """Return a writer of models whose logits are the prepared numbers themselves."""

    def write(preparation, name="model.onnx", **keys):
        n_features = preparation.input_shapes()["event"][0]
        classes = ClassSet(tuple(f"c{index}" for index in range(n_features)))
        layers = LayerList.model_validate({"layers": ["flatten"]})
        network = build_network(layers, preparation.input_shapes(), {"class": n_features})
        parameters = network.initial_parameters(np.random.default_rng(0))
        parameters["class_logits.kernel"] = np.eye(n_features, dtype=np.float32)
        parameters["class_logits.bias"][:] = 0.0
        path = tmp_path / name
        write_model(
            path, preparation=preparation, classes=classes, network=network, parameters=parameters,
            metadata={}, **keys,
        )  # fmt: skip
        return OnnxModel.load(path, n_threads=1)

    return write


def draw_events(n_events=300, seed=3, most_jets=5):
    """Return events with up to five jets, half of them without secondary vertices, and some sentinels."""
    rng = np.random.default_rng(seed)
    n_jets = rng.integers(0, most_jets + 1, n_events)
    n_sv = rng.integers(0, 2, n_events)
    jets = {
        "jet_pt": rng.exponential(40.0, n_jets.sum()),
        "jet_eta": rng.normal(0.0, 2.0, n_jets.sum()),
        "jet_phi": rng.uniform(-np.pi, np.pi, n_jets.sum()),
        "jet_tag": np.where(rng.random(n_jets.sum()) < 0.2, SENTINEL, rng.normal(size=n_jets.sum())),
    }
    return {
        **{name: Jagged.from_counts(values.astype(np.float32), n_jets) for name, values in jets.items()},
        "sv_mass": Jagged.from_counts(rng.exponential(2.0, n_sv.sum()).astype(np.float32), n_sv),
        "met": rng.exponential(20.0, n_events).astype(np.float32),
        "n_sv": n_sv.astype(np.float32),
    }


@pytest.mark.parametrize("batch_size", [1, 2, 7, None])
def test_the_model_prepares_as_the_preparation_does(write_copy, batch_size):
    preparation = make_preparation()
    events = draw_events()
    model = write_copy(preparation)
    expected = preparation.apply(events)["event"]
    np.testing.assert_allclose(model.run(events, batch_size).logits, expected, rtol=TOLERANCE, atol=TOLERANCE)
    names = preparation.feature_names("event")
    assert 0 < expected[:, names.index("missing(max(jet_tag))")].mean() < 1


def test_what_stands_in_the_padding_changes_nothing(write_copy):
    model = write_copy(make_preparation())
    events = draw_events(60)
    counts = {"n_jets": events["jet_pt"].counts, "n_sv_objects": events["sv_mass"].counts}
    expected = model.run(events).logits
    for width, fill in ((5, 0.0), (9, np.nan), (6, -1e30), (7, SENTINEL)):
        padded = {
            name: values.padded(width, fill) if isinstance(values, Jagged) else values
            for name, values in events.items()
        }
        found = model.run({**padded, **counts}).logits
        np.testing.assert_array_equal(found, expected)
        fed = {**padded, **counts, "jet_tag": padded["jet_tag"].astype(np.float64)}
        (raw,) = model.session.run(["logits"], fed)
        np.testing.assert_allclose(raw, expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("n_events", [0, 1, 5])
def test_events_without_any_object_are_scored(write_copy, n_events):
    preparation = make_preparation()
    events = draw_events(n_events, most_jets=0)
    events["sv_mass"] = Jagged(np.empty(0, np.float32), np.zeros(n_events + 1, np.int64))
    found = write_copy(preparation).run(events).logits
    np.testing.assert_allclose(found, preparation.apply(events)["event"], rtol=TOLERANCE)


def test_a_batch_is_cut_where_events_have_many_objects(write_copy):
    preparation = make_preparation(("min_delta_r(jets)", "sum(jet_pt)", "met"))
    events = draw_events(30, most_jets=400)
    found = write_copy(preparation).run(events).logits
    np.testing.assert_allclose(found, preparation.apply(events)["event"], rtol=1e-5, atol=TOLERANCE)


def test_inputs_and_metadata_say_what_is_what(write_copy):
    model = write_copy(make_preparation())
    graph = onnx.load(model.path).graph
    shapes = {
        value.name: tuple(dim.dim_param for dim in value.type.tensor_type.shape.dim) for value in graph.input
    }
    assert shapes["jet_pt"] == ("n", "objects_jets")
    assert shapes["sv_mass"] == ("n", "objects_sv")
    # A raw column has the name that the counts would have.
    assert shapes["n_sv"] == shapes["n_sv_objects"] == shapes["n_jets"] == ("n",)
    types = {value.name: value.type.tensor_type.elem_type for value in graph.input}
    assert types["n_jets"] == types["n_sv_objects"] == onnx.TensorProto.INT64
    assert types["jet_tag"] == onnx.TensorProto.DOUBLE
    assert model.collections == {"jets": "n_jets", "sv": "n_sv_objects"}
    assert json.loads(model.metadata["rapidity.collections"]) == model.collections
    assert model.metadata["rapidity.format_version"] == "2"
    assert model.has_pairs
    assert not write_copy(make_preparation(("jet_pt[0]", "sum(jet_pt)", "met"))).has_pairs
    jet_pt = model.inputs["jet_pt"]
    assert (jet_pt.collection, jet_pt.unit, jet_pt.training_range) == ("jets", "GeV", (5.0, 900.0))
    assert jet_pt.column_dtype == JaggedType.of(np.float32)
    assert model.inputs["met"].column_dtype == np.float32


def test_the_same_arguments_give_the_same_bytes(write_copy):
    first, second = (write_copy(make_preparation(), name).path.read_bytes() for name in ("a.onnx", "b.onnx"))
    assert first == second


def test_folds_pass_objects_on(write_copy, tmp_path):
    preparation = make_preparation(("jet_pt[1]", "count(jet_pt)", "met"))
    single = write_copy(preparation)
    data = single.path.read_bytes()
    path = tmp_path / "folds.onnx"
    path.write_bytes(build_folds([data, data], "event", {}))
    folded = OnnxModel.load(path, n_threads=1)
    assert folded.collections == {"jets": "n_jets"}
    events = draw_events(20)
    found = folded.run({**events, "event": np.arange(20)})
    np.testing.assert_allclose(found.logits, single.run(events).logits, rtol=TOLERANCE)
    assert found.fold.tolist() == [0, 1] * 10


def test_columns_of_a_collection_must_agree(write_copy):
    model = write_copy(make_preparation())
    events = draw_events(10, most_jets=3)
    events["jet_eta"] = Jagged.from_counts(np.zeros(10), np.ones(10, int))
    first = int(np.flatnonzero(events["jet_pt"].counts != 1)[0])
    with pytest.raises(
        DataError, match=rf"collection 'jets' of the columns for .*model.onnx, entry {first}:"
    ):
        model.run(events)


def test_a_varying_number_of_values_is_no_plain_column(write_copy):
    model = write_copy(make_preparation())
    events = draw_events(10)
    with pytest.raises(DataError, match=r"column 'met' must hold one number an event .*a varying number"):
        model.run({**events, "met": events["jet_pt"]})


def test_a_matrix_has_no_place_for_objects(write_copy):
    message = r"one number a column, but jet_pt, .* hold a value for each object of a collection. Set deliver"
    with pytest.raises(ExportError, match=message):
        write_copy(make_preparation(), signature="matrix")
    with pytest.raises(ExportError, match=r"but image hold images"):
        check_signature("matrix", {"image": (8, 8)}, {})
    check_signature("columns", {"image": (8, 8)}, {"jet_pt": "jets"})
    check_signature("matrix", {}, {})


def test_counts_find_a_free_name():
    columns = ("jet_pt", "n_jets", "n_jets_objects")
    assert name_counts({"jet_pt": "jets"}, columns) == {"jets": "n_jets_objects_objects"}
