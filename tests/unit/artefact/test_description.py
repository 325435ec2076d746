"""What is in an ONNX file."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rapidity.artefact import describe_model
from rapidity.artefact.metadata import FoldFacts, ModelFacts, ModelInput
from rapidity.core.classes import ClassSet
from rapidity.core.errors import ExportError


def write_model(path, entries=None):
    """Write ``y = x @ kernel`` with six parameters and one whole number that is none."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "kernel"], ["y"])],
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [
            numpy_helper.from_array(np.ones((3, 2), np.float32), "kernel"),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    for key, value in (entries or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    return path


@pytest.fixture
def own_model(tmp_path):
    facts = ModelFacts(
        ClassSet(("background", "signal")),
        {
            "met": ModelInput("float32", "GeV", (0.0, 400.0)),
            "jet_pt": ModelInput("float64", "GeV", (20.0, 900.0), collection="jets"),
        },
        "columns",
        FoldFacts(5, "event"),
        {"jets": "n_jets"},
    )
    return write_model(tmp_path / "model.onnx", {**facts.to_entries(), "rapidity.name": "four-leptons"})


def test_model_of_a_run_is_described(own_model):
    model = describe_model(own_model)
    assert (model.is_ours, model.name, model.opset, model.n_parameters) == (True, "four-leptons", 18, 6)
    assert model.classes == ("background", "signal")
    assert model.inputs["met"].unit == "GeV"
    assert model.n_folds == 5
    text = str(model)
    assert "model of configuration four-leptons, opset 18, 6 parameters" in text
    assert "5 networks, one a fold" in text


def test_description_is_json(own_model):
    content = json.loads(json.dumps(describe_model(own_model).to_dict()))
    assert set(content) == {
        "format_version", "path", "is_ours", "name", "classes", "inputs", "outputs", "signature", "opset",
        "n_parameters", "n_folds", "metadata",
    }  # fmt: skip
    assert content["inputs"]["jet_pt"] == {
        "dtype": "float64", "unit": "GeV", "training_range": [20.0, 900.0], "shape": [], "collection": "jets",
    }  # fmt: skip


def test_model_of_others_is_described(tmp_path):
    model = describe_model(write_model(tmp_path / "other.onnx"))
    assert (model.is_ours, model.name, model.classes) == (False, None, ())
    assert model.inputs["x"].dtype == "float32"
    assert model.inputs["x"].shape == (3,)
    assert model.outputs == ("y",)
    assert "model that Rapidity did not write, opset 18, 6 parameters" in str(model)


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(ExportError, match=r"model file .*no\.onnx does not exist\. Give the model\.onnx"):
        describe_model(tmp_path / "no.onnx")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\xff" * 100])
def test_file_that_is_no_model_is_an_error(tmp_path, content):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(ExportError, match=r"bad\.onnx cannot be read as ONNX \(.*\)\. Copy it again"):
        describe_model(path)
