from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest

from rapidity.artefact import build_model, write_model
from rapidity.artefact.graph import IR_VERSION, OPSET
from rapidity.core.classes import ClassSet
from rapidity.core.errors import ExportError
from rapidity.data.features import Feature
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_table import FittedTable
from rapidity.data.preparation import FittedPreparation
from rapidity.expressions import parse_expression
from rapidity.network import Mlp, build_network


@pytest.fixture
def build(preparation, classes, network, parameters):
    def make(**changes):
        arguments = {
            "preparation": preparation, "classes": classes, "network": network, "parameters": parameters,
            "metadata": {"configuration": "name: test", "rapidity.data_hashes": "{}"},
        }  # fmt: skip
        return build_model(**{**arguments, **changes})

    return make


def test_inputs_are_the_raw_columns_in_their_own_types(build):
    model = onnx.load_model_from_string(build())
    found = {
        value.name: onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name
        for value in model.graph.input
    }
    assert found == {"pt": "float32", "mass": "float32", "n_jets": "int64", "x": "float64"}
    assert [value.type.tensor_type.shape.dim[0].dim_param for value in model.graph.input] == ["n"] * 4


def test_probabilities_follow_the_preparation_and_the_network(
    build, preparation, columns, classes, parameters, run_model
):
    found = run_model(build(), columns)
    prepared = preparation.apply(columns)["features"]
    hidden = np.maximum(prepared @ parameters["dense_1.kernel"] + parameters["dense_1.bias"], 0)
    logits = hidden @ parameters["class_logits.kernel"] + parameters["class_logits.bias"]
    np.testing.assert_allclose(found["logits"], logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["probabilities"], classes.probabilities(logits), atol=1e-6)


@pytest.mark.parametrize("names", [("background", "signal"), ("signal", "background"), ("s", "b")])
def test_the_single_logit_stands_for_the_positive_class(build, columns, names, run_model):
    classes = ClassSet(names)
    found = run_model(build(classes=classes), columns)
    np.testing.assert_allclose(found["probabilities"], classes.probabilities(found["logits"]), atol=1e-6)


def test_many_classes_use_softmax(build, preparation, columns, run_model):
    classes = ClassSet(("a", "b", "c"))
    network = build_network(Mlp(type="mlp", hidden=(4,)), preparation.input_shapes(), {"class": 3})
    parameters = network.initial_parameters(np.random.default_rng(0))
    found = run_model(build(classes=classes, network=network, parameters=parameters), columns)
    assert found["probabilities"].shape == (40, 3)
    np.testing.assert_allclose(found["probabilities"], classes.probabilities(found["logits"]), atol=1e-6)


def test_a_matrix_gives_the_same_scores(build, columns, run_model):
    matrix = np.stack([columns[name] for name in ("pt", "mass", "n_jets", "x")], axis=1)
    found = run_model(build(signature="matrix"), {"columns": matrix.astype(np.float64)})
    np.testing.assert_array_equal(found["logits"], run_model(build(), columns)["logits"])


def test_equal_content_gives_equal_bytes(build):
    assert build() == build()


def test_versions_are_pinned_and_only_standard_operators_are_used(build):
    model = onnx.load_model_from_string(build())
    assert model.ir_version == IR_VERSION
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    assert {node.domain for node in model.graph.node} == {""}


def test_metadata_tells_classes_inputs_and_what_the_caller_adds(build):
    model = onnx.load_model_from_string(build())
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert entries["rapidity.format_version"] == "1"
    assert json.loads(entries["rapidity.classes"]) == ["signal", "background"]
    assert json.loads(entries["rapidity.inputs"])[0] == {
        "name": "pt", "dtype": "float32", "unit": "GeV", "training_range": [1.0, 90.0],
    }  # fmt: skip
    assert json.loads(entries["rapidity.inputs"])[3]["training_range"] is None
    assert entries["rapidity.configuration"] == "name: test"
    assert entries["rapidity.data_hashes"] == "{}"


def test_values_have_names_that_can_be_read(build):
    names = [node.name for node in onnx.load_model_from_string(build()).graph.node]
    scopes = {"columns", "preparation", "network", "scores", "logits", "probabilities"}
    assert "network/dense_1/gemm" in names
    assert {name.split("/")[0] for name in names} == scopes


def test_the_mass_of_a_collimated_pair_keeps_its_digits(classes, run_model):
    objects = {name: {"pt": f"{name}_pt", "eta": f"{name}_eta", "phi": f"{name}_phi"} for name in "ab"}
    feature = FittedFeature(Feature("m", parse_expression("mass(a, b)", objects)))
    dtypes = {f"{name}_{part}": "float64" for name in "ab" for part in ("pt", "eta", "phi")}
    preparation = FittedPreparation({"features": FittedTable((feature,))}, dtypes, {}, objects)
    network = build_network(Mlp(type="mlp", hidden=(1,)), {"features": (1,)}, {"class": 1})
    ones = {name: np.ones(spec.shape, np.float32) for name, spec in network.parameter_specs().items()}
    data = build_model(
        preparation=preparation, classes=classes, network=network, parameters=ones, metadata={}
    )
    values = {"a_pt": 1e3, "a_eta": 0.0, "a_phi": 0.0, "b_pt": 1e3, "b_eta": 0.0, "b_phi": 1e-5}
    found = run_model(data, {name: np.array([value]) for name, value in values.items()})["logits"]
    assert found[0, 0] == pytest.approx(2.0 + 1e-2, abs=1e-5)


def test_a_column_named_like_an_output_is_refused(classes):
    feature = FittedFeature(Feature("logits", parse_expression("logits")))
    preparation = FittedPreparation({"features": FittedTable((feature,))}, {"logits": "float32"}, {})
    network = build_network(Mlp(type="mlp", hidden=(1,)), {"features": (1,)}, {"class": 1})
    parts = {"network": network, "parameters": network.initial_parameters(np.random.default_rng(0))}
    with pytest.raises(ExportError, match=r"two values called 'logits'.*set deliver\.signature to matrix"):
        build_model(preparation=preparation, classes=classes, metadata={}, **parts)
    build_model(preparation=preparation, classes=classes, metadata={}, signature="matrix", **parts)


def test_a_model_without_a_network_is_refused(build):
    with pytest.raises(ExportError, match="needs the network with its parameters, or body"):
        build(network=None)


def test_a_network_for_other_features_or_classes_is_refused(build, network):
    other = build_network(Mlp(type="mlp", hidden=(1,)), {"features": (3,)}, {"class": 1})
    with pytest.raises(ExportError, match=r"network takes .*\(3,\).*preparation gives .*\(6,\)"):
        build(network=other)
    with pytest.raises(ExportError, match=r"output 'class' .* shape \(1,\), but 3 classes need \(3,\)"):
        build(classes=ClassSet(("a", "b", "c")))


def test_outputs_of_another_run_are_refused(build, preparation):
    network = build_network(
        Mlp(type="mlp", hidden=(1,)), preparation.input_shapes(), {"class": 1, "other": 1}
    )
    with pytest.raises(
        ExportError, match=r"output 'other' of the network has shape .1,., but this run needs no such output"
    ):
        build(network=network, parameters=network.initial_parameters(np.random.default_rng(0)))


def test_a_failed_export_leaves_the_earlier_file(tmp_path, preparation, classes):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"earlier")
    with pytest.raises(ExportError, match="needs the network with its parameters, or body"):
        write_model(path, preparation=preparation, classes=classes, metadata={})
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_importing_the_package_loads_no_onnx():
    code = "import sys, rapidity.artefact; sys.exit('onnx' in sys.modules or 'onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
