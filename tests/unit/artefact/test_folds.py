"""One file of several networks: each event is scored by that of its fold, whatever stands beside it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapidity.artefact import OnnxModel, build_folds, build_model, write_folds, write_model
from rapidity.artefact.description import describe_model
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError, ExportError, MissingNameError
from rapidity.data.preparation import FittedPreparation

COUNT = 3
TOLERANCE = 1e-6  # of float32 that the same nodes give in batches of other sizes
SMALLEST, LARGEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@pytest.fixture
def networks(preparation, classes, network) -> list[bytes]:
    """Return the model files of three networks of different parameters and training ranges."""
    return [
        build_model(
            preparation=replace(preparation, ranges={"pt": (10.0 - fold, 80.0 + fold)}),
            classes=classes,
            metadata={},
            network=network,
            parameters=network.initial_parameters(np.random.default_rng(fold)),
        )
        for fold in range(COUNT)
    ]


@pytest.fixture
def opened(networks, tmp_path):
    """Return the file of all folds, opened, and the networks one by one."""
    single = []
    for fold, data in enumerate(networks):
        (tmp_path / f"{fold}.onnx").write_bytes(data)
        single.append(OnnxModel.load(tmp_path / f"{fold}.onnx", n_threads=1))
    write_folds(tmp_path / "folds.onnx", networks, "event", {"name": "tiny"})
    return OnnxModel.load(tmp_path / "folds.onnx", n_threads=1), single


def check_each_row(opened, columns, event) -> None:
    """Compare every score with what the network of its fold says when it is run alone, in one batch."""
    folded, single = opened
    event = np.asarray(event, dtype=np.int64)
    scores = folded.run({**columns, "event": event})
    np.testing.assert_array_equal(scores.fold, np.mod(event, COUNT))
    for fold, model in enumerate(single):
        rows = np.flatnonzero(np.mod(event, COUNT) == fold)
        alone = model.run({name: values[rows] for name, values in columns.items()})
        np.testing.assert_allclose(scores.logits[rows], alone.logits, atol=TOLERANCE)
        np.testing.assert_allclose(scores.probabilities[rows], alone.probabilities, atol=TOLERANCE)


@pytest.mark.parametrize("event", [0, 1, 2, -1, -2, SMALLEST, LARGEST])
def test_a_batch_of_one_is_scored_by_its_network(opened, columns, event):
    check_each_row(opened, {name: values[:1] for name, values in columns.items()}, [event])


@pytest.mark.parametrize("event", [[0, 1], [1, 1], [2, 0], [-3, -4]])
def test_a_batch_of_two_is_scored_by_its_networks(opened, columns, event):
    check_each_row(opened, {name: values[:2] for name, values in columns.items()}, event)


@pytest.mark.parametrize("missing", [(), (0,), (2,), (0, 1)])
def test_folds_without_events_in_a_batch_are_left_out(opened, columns, missing):
    there = [fold for fold in range(COUNT) if fold not in missing]
    check_each_row(opened, columns, np.resize(there, 40))


def test_no_events_give_no_scores(opened, columns):
    folded, _ = opened
    names = ["probabilities", "logits", "fold"]
    nothing = {name: values[:0] for name, values in columns.items()}
    found = folded.session.run(names, {**nothing, "event": np.empty(0, np.int64)})
    assert [values.shape for values in found] == [(0, 2), (0, 1), (0,)]


@given(event=st.lists(st.integers(SMALLEST, LARGEST), min_size=1, max_size=40), batch_size=st.integers(1, 41))
@settings(deadline=None, max_examples=40)
def test_each_score_is_that_of_its_network_alone(shared_models, event, batch_size):
    folded, single, columns = shared_models
    rows = {name: values[: len(event)] for name, values in columns.items()}
    numbers = np.array(event, dtype=np.int64)
    scores = folded.run({**rows, "event": numbers}, batch_size)
    everyone = np.stack([model.run(rows).logits for model in single])
    expected = everyone[np.mod(numbers, COUNT), np.arange(len(event))]
    np.testing.assert_array_equal(scores.fold, np.mod(numbers, COUNT))
    np.testing.assert_allclose(scores.logits, expected, atol=TOLERANCE)


@pytest.fixture(scope="module")
def shared_models(tmp_path_factory):
    """Return the models once for all examples of a property, with one input and many classes."""
    from rapidity.data.features import column_feature
    from rapidity.data.fitted_feature import FittedFeature
    from rapidity.data.fitted_table import FittedTable
    from rapidity.network import Mlp, build_network

    table = FittedTable(tuple(FittedFeature(column_feature(name)) for name in ("x", "y")))
    preparation = FittedPreparation({"features": table}, {"x": "float32", "y": "float64"}, {})
    classes = ClassSet(("a", "b", "c"))
    network = build_network(Mlp(type="mlp", hidden=(4,)), preparation.input_shapes(), {"class": 3})
    folder = tmp_path_factory.mktemp("folds")
    for fold in range(COUNT):
        parameters = network.initial_parameters(np.random.default_rng(fold))
        write_model(
            folder / f"{fold}.onnx", preparation=preparation, classes=classes, metadata={}, network=network,
            parameters=parameters,
        )  # fmt: skip
    files = [folder / f"{fold}.onnx" for fold in range(COUNT)]
    write_folds(folder / "folds.onnx", [file.read_bytes() for file in files], "event", {})
    rng = np.random.default_rng(7)
    columns = {"x": rng.normal(size=40).astype(np.float32), "y": rng.normal(size=40)}
    return OnnxModel.load(folder / "folds.onnx", 1), [OnnxModel.load(file, 1) for file in files], columns


def test_the_file_says_what_it_holds(opened):
    folded, _ = opened
    assert json.loads(folded.metadata["rapidity.folds"]) == {
        "count": COUNT, "event_number": "event", "is_feature": False,
    }  # fmt: skip
    assert list(folded.inputs) == ["pt", "mass", "n_jets", "x", "event"]
    assert folded.inputs["event"].dtype == "int64"
    assert folded.inputs["event"].training_range is None
    assert folded.inputs["pt"].training_range == (8.0, 82.0)
    assert folded.inputs["pt"].unit == "GeV"
    assert folded.metadata["rapidity.name"] == "tiny"
    assert [output.name for output in folded.session.get_outputs()] == ["probabilities", "logits", "fold"]


def test_the_same_networks_give_the_same_bytes(networks):
    first, second = (build_folds(networks, "event", {"name": "tiny"}) for _ in range(2))
    assert first == second
    assert onnx.load_model_from_string(first).opset_import[0].version == 18


def test_a_description_counts_the_parameters_of_all_networks(opened):
    folded, single = opened
    expected = sum(describe_model(model.path).n_parameters for model in single)
    assert describe_model(folded.path).n_parameters == expected > 0


def test_a_model_of_one_network_tells_no_fold(networks, columns, tmp_path):
    (tmp_path / "one.onnx").write_bytes(networks[0])
    model = OnnxModel.load(tmp_path / "one.onnx")
    assert model.folds is None
    assert model.run(columns).fold is None


def test_the_event_number_is_required(opened, columns):
    with pytest.raises(MissingNameError, match="needs column 'event', which is not among the 4 given"):
        opened[0].run(columns)


def test_the_event_number_is_whole(opened, columns):
    with pytest.raises(
        DataError, match=r"column 'event' must hold whole numbers \(int64\), found 0.5 in row 0"
    ):
        opened[0].run({**columns, "event": np.full(40, 0.5)})


def test_the_matrix_keeps_the_event_number_apart(preparation, classes, network, columns, tmp_path):
    """Event numbers above 2**24 would lose digits among float32 columns."""
    models = [
        build_model(
            preparation=preparation, classes=classes, metadata={}, network=network, signature="matrix",
            parameters=network.initial_parameters(np.random.default_rng(fold)),
        )
        for fold in range(COUNT)
    ]  # fmt: skip
    single = []
    for fold, data in enumerate(models):
        (tmp_path / f"{fold}.onnx").write_bytes(data)
        single.append(OnnxModel.load(tmp_path / f"{fold}.onnx"))
    write_folds(tmp_path / "folds.onnx", models, "event", {})
    folded = OnnxModel.load(tmp_path / "folds.onnx")
    assert [value.name for value in folded.session.get_inputs()] == ["columns", "event"]
    check_each_row((folded, single), columns, LARGEST - np.arange(40))


def test_an_event_number_that_is_a_feature_is_one_input(preparation, classes, network, columns, tmp_path):
    models = [
        build_model(
            preparation=preparation, classes=classes, metadata={}, network=network,
            parameters=network.initial_parameters(np.random.default_rng(fold)),
        )
        for fold in range(COUNT)
    ]  # fmt: skip
    write_folds(tmp_path / "folds.onnx", models, "n_jets", {})
    model = OnnxModel.load(tmp_path / "folds.onnx")
    assert model.folds.is_feature
    assert list(model.inputs) == ["pt", "mass", "n_jets", "x"]
    np.testing.assert_array_equal(model.run(columns).fold, columns["n_jets"] % COUNT)


def test_a_feature_of_another_type_cannot_pick(networks):
    with pytest.raises(
        ExportError, match=r"'pt' is also a feature, of type float32; the input .* must be int64"
    ):
        build_folds(networks, "pt", {})


@pytest.mark.parametrize("name", ["fold", "logits", "probabilities"])
def test_the_event_number_has_no_name_of_an_output(networks, name):
    with pytest.raises(ExportError, match=f"two values called '{name}': a column cannot have the name"):
        build_folds(networks, name, {})


def test_models_of_other_classes_do_not_belong_together(networks, preparation, network):
    other = build_model(
        preparation=preparation, classes=ClassSet(("a", "b")), metadata={}, network=network,
        parameters=network.initial_parameters(np.random.default_rng(0)),
    )  # fmt: skip
    with pytest.raises(ExportError, match="the models of fold 0 and fold 1 do not belong together"):
        build_folds([networks[0], other], "event", {})
