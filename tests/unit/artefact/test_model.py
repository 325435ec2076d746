from __future__ import annotations

import numpy as np
import onnx
import pytest

from rapidity.artefact import OnnxModel, write_model
from rapidity.core.errors import DataError, ExportError, MissingNameError


@pytest.fixture(params=["columns", "matrix"])
def model(request, tmp_path, preparation, classes, network, parameters):
    path = tmp_path / "model.onnx"
    write_model(
        path, preparation=preparation, classes=classes, network=network, parameters=parameters,
        metadata={"configuration": "name: test"}, signature=request.param,
    )  # fmt: skip
    return OnnxModel.load(path)


def test_a_model_knows_its_classes_and_inputs(model):
    assert model.classes.names == ("signal", "background")
    assert list(model.inputs) == ["pt", "mass", "n_jets", "x"]
    assert model.inputs["pt"].dtype == "float32"
    assert model.inputs["pt"].unit == "GeV"
    assert model.inputs["pt"].training_range == (1.0, 90.0)
    assert model.metadata["rapidity.configuration"] == "name: test"


@pytest.mark.parametrize("batch_size", [1, 2, 7, 40, 1000])
def test_scores_do_not_depend_on_the_batch_size(model, columns, batch_size):
    whole, parts = model.run(columns), model.run(columns, batch_size)
    assert whole.logits.shape == (40, 1)
    assert whole.probabilities.shape == (40, 2)
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-6)


def test_no_events_give_no_scores(model, columns):
    scores = model.run({name: values[:0] for name, values in columns.items()})
    assert scores.probabilities.shape == (0, 2)


def test_columns_of_other_number_types_are_converted(model, columns):
    other = {
        "pt": columns["pt"].astype(np.float64),
        "mass": columns["mass"].astype(">f4"),
        "n_jets": columns["n_jets"].astype(np.float32),
        "x": columns["x"],
        "not_needed": np.array(["text"]),
    }
    np.testing.assert_array_equal(model.run(other).logits, model.run(columns).logits)


def test_a_missing_column_names_the_nearest(model, columns):
    renamed = {("njets" if name == "n_jets" else name): values for name, values in columns.items()}
    with pytest.raises(MissingNameError, match=r"needs column 'n_jets'.*Closest: njets"):
        model.run(renamed)


def test_how_many_columns_are_missing_is_told(model):
    with pytest.raises(MissingNameError, match=r"3 of its 4 columns are missing"):
        model.run({"x": np.zeros(1)})


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        (
            "pt",
            np.full(40, 1e300),
            r"column 'pt' must hold numbers that fit its type \(float32\), found 1e\+300",
        ),
        (
            "n_jets",
            np.full(40, 1.5),
            r"column 'n_jets' must hold whole numbers \(int64\), found 1\.5 in row 0",
        ),
        ("n_jets", np.full(40, np.nan), r"column 'n_jets' must hold whole numbers"),
        ("pt", np.full(40, "a"), r"column 'pt' must hold one number an event"),
        ("pt", np.zeros((40, 2)), r"of shape \(40, 2\)"),
        ("pt", np.zeros(3), r"differ in length \(pt: 3, mass: 40"),
    ],
)
def test_columns_that_do_not_fit_are_refused(model, columns, name, values, message):
    with pytest.raises(DataError, match=message):
        model.run({**columns, name: values})


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ExportError, match=r"no model at .*other\.onnx"):
        OnnxModel.load(tmp_path / "other.onnx")


@pytest.mark.parametrize("content", [b"", b"not an onnx file at all", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_a_file_that_is_not_onnx_is_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ExportError, match=r"model\.onnx"):
        OnnxModel.load(path)


def test_a_truncated_model_is_refused(model, tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(model.path.read_bytes()[:-100])
    with pytest.raises(ExportError, match=r"cut\.onnx"):
        OnnxModel.load(path)


def rewrite(model, path, change):
    proto = onnx.load(model.path)
    change(proto)
    path.write_bytes(proto.SerializeToString())
    return path


def test_an_onnx_file_of_others_is_refused(model, tmp_path):
    path = rewrite(model, tmp_path / "other.onnx", lambda proto: proto.ClearField("metadata_props"))
    with pytest.raises(ExportError, match=r"other\.onnx was not written by Rapidity"):
        OnnxModel.load(path)


def test_a_newer_format_is_refused(model, tmp_path):
    def change(proto):
        for entry in proto.metadata_props:
            if entry.key == "rapidity.format_version":
                entry.value = "99"

    path = rewrite(model, tmp_path / "new.onnx", change)
    with pytest.raises(ExportError, match=r"has format version 99, this Rapidity reads 1"):
        OnnxModel.load(path)


def test_spoilt_metadata_are_refused(model, tmp_path):
    def change(proto):
        for entry in proto.metadata_props:
            if entry.key == "rapidity.inputs":
                entry.value = "[{}]"

    path = rewrite(model, tmp_path / "spoilt.onnx", change)
    with pytest.raises(ExportError, match=r"or was changed since: its metadata .* cannot be read"):
        OnnxModel.load(path)
