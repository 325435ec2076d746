import json
from dataclasses import replace

import numpy as np
import pytest

from rapidity.artefact import OnnxModel, build_model, check_all_outputs, check_column_names
from rapidity.artefact.metadata import ModelFacts
from rapidity.core.classes import ClassSet
from rapidity.core.errors import ExportError, ParityError
from rapidity.core.records import Batch, ResidentBatches
from rapidity.data.fitted_outputs import (
    FittedAssignment,
    FittedClassification,
    FittedOutputs,
    FittedRegression,
    TargetStep,
    output_from_dict,
)
from rapidity.engines import get_engine
from rapidity.network import Mlp, build_network

CLASSES = ClassSet(("background", "signal"))
LOG = (TargetStep("log"), TargetStep("standard", 3.0, 0.5))
ENERGY = FittedRegression("true_energy", LOG, 20.0, "GeV")
OUTPUTS = FittedOutputs({"energy": ENERGY, "class": FittedClassification(CLASSES)})


@pytest.fixture
def written(tmp_path, preparation):
    """Return a function that writes a model of some outputs, with its network in the numpy engine."""

    def write(outputs):
        network = build_network(Mlp(type="mlp", hidden=(4,)), preparation.input_shapes(), outputs.n_logits)
        parameters = network.initial_parameters(np.random.default_rng(0))
        data = build_model(
            preparation=preparation, classes=CLASSES, metadata={}, network=network, parameters=parameters,
            outputs=outputs,
        )  # fmt: skip
        path = tmp_path / "model.onnx"
        path.write_bytes(data)
        return OnnxModel.load(path), get_engine("numpy").build(network, parameters, "cpu")

    return write


def test_transforms_of_a_target_are_undone():
    values = np.array([5.0, 20.0, np.nan])
    learnt = ENERGY.apply(values)
    assert learnt[:2] == pytest.approx((np.log(values[:2]) - 3.0) / 0.5)
    assert ENERGY.invert(learnt) == pytest.approx(values, nan_ok=True)


@pytest.mark.parametrize(
    "output",
    [
        ENERGY,
        FittedClassification(CLASSES),
        FittedAssignment("jets", "jet", "jet_origin", CLASSES, ("signal",), 4),
    ],
)
def test_outputs_come_back_from_json(output):
    assert output_from_dict(json.loads(json.dumps(output.to_dict()))) == output


def test_unknown_tasks_are_refused():
    with pytest.raises(ValueError, match="unknown task 'guess' of an output"):
        output_from_dict({"task": "guess"})


def test_metadata_hold_the_outputs_and_a_version_that_old_readers_refuse(written):
    model, _ = written(OUTPUTS)
    assert model.metadata["rapidity.format_version"] == "3"
    assert dict(model.outputs) == dict(OUTPUTS.outputs)
    facts = ModelFacts.from_entries(model.metadata, "here")
    assert facts.outputs["energy"].unit == "GeV"


def test_the_usual_classification_says_nothing_of_outputs(written):
    model, _ = written(FittedOutputs.usual(CLASSES))
    assert "rapidity.outputs" not in model.metadata
    assert model.metadata["rapidity.format_version"] == "1"
    assert list(model.outputs) == ["class"]


def test_the_file_gives_the_numbers_of_the_engine(written, columns, preparation):
    model, engine_model = written(OUTPUTS)
    events = Batch(preparation.apply(columns))
    results = engine_model.predict(ResidentBatches(events, events.n_events))
    expected = {
        "class": CLASSES.probabilities(results["class"]),
        "energy": ENERGY.invert(results["energy"][:, 0]),
    }
    report = check_all_outputs(model, columns, expected)
    assert report.max_deviation < 1e-6
    found = model.run(columns)
    assert found.others["energy"] == pytest.approx(expected["energy"], rel=1e-5)
    wrong = {**expected, "energy": expected["energy"] + 0.01}
    with pytest.raises(ParityError, match=r"row \d+, output 'energy', .* rows differ by more than 1e-05"):
        check_all_outputs(model, columns, wrong)
    with pytest.raises(ExportError, match="the outputs are energy and the model's energy, class"):
        check_all_outputs(model, columns, {"energy": expected["energy"]})


def test_a_model_without_classes_gives_no_probabilities(written, columns):
    model, _ = written(FittedOutputs({"energy": replace(ENERGY, steps=())}))
    found = model.run(columns)
    assert found.probabilities.shape == (len(found.others["energy"]), 0)
    assert model.classes.names == ()
    assert [value.name for value in model.session.get_outputs()] == ["prediction"]


def test_a_network_of_other_outputs_is_refused(preparation):
    network = build_network(Mlp(type="mlp", hidden=(4,)), preparation.input_shapes(), {"class": 1})
    with pytest.raises(ExportError, match="the network gives class, but the outputs of the run are ener"):
        build_model(
            preparation=preparation, classes=CLASSES, metadata={}, network=network, outputs=OUTPUTS,
            parameters=network.initial_parameters(np.random.default_rng(0)),
        )  # fmt: skip


@pytest.mark.parametrize("name", ["logits", "probabilities", "prediction", "fold"])
def test_columns_called_like_what_the_file_gives_are_refused(name):
    columns, outputs = ["pt", name], OUTPUTS.outputs
    with pytest.raises(ExportError, match=rf"two values called '{name}': .*\(prediction, .* Rename the col"):
        check_column_names(columns, outputs, further=["fold"])
    check_column_names(["pt", "assignment", "prediction_energy"], outputs, further=["fold"])
    check_column_names(["logits", "fold"], {"energy": ENERGY})
