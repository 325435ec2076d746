from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rapidity.artefact import build_model
from rapidity.core.errors import ExportError


def make_body(n_in=6, *, name="features", opset=18, domain="", batch="batch"):
    """Return a linear network as a framework would export it."""
    kernel = np.random.default_rng(0).normal(size=(n_in, 1)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", [name, "kernel"], ["hidden"], domain=domain),
            helper.make_node("Identity", ["hidden"], ["class_logits"], doc_string="written at /somewhere"),
        ],
        "body",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, n_in])],
        [helper.make_tensor_value_info("class_logits", TensorProto.FLOAT, [batch, 1])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    imports = [helper.make_opsetid("", opset)]
    if domain:
        imports.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString(), kernel


def test_a_body_runs_below_the_preparation(preparation, classes, columns, run_model):
    body, kernel = make_body()
    found = run_model(build_model(preparation=preparation, classes=classes, metadata={}, body=body), columns)
    expected = preparation.apply(columns)["features"] @ kernel
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["probabilities"], classes.probabilities(expected), atol=1e-5)


def test_a_body_of_another_opset_is_converted(preparation, classes, columns, run_model):
    body, kernel = make_body(opset=13)
    found = run_model(build_model(preparation=preparation, classes=classes, metadata={}, body=body), columns)
    np.testing.assert_allclose(
        found["logits"], preparation.apply(columns)["features"] @ kernel, rtol=1e-4, atol=1e-5
    )


def test_notes_of_the_exporter_are_left_out(preparation, classes):
    body, _ = make_body()
    data = build_model(preparation=preparation, classes=classes, metadata={}, body=body)
    assert b"/somewhere" not in data
    assert all(node.name or not node.doc_string for node in onnx.load_model_from_string(data).graph.node)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (make_body(name="tracks")[0], "takes tracks, but the preparation gives features"),
        (make_body(domain="com.microsoft")[0], "uses operators of com.microsoft"),
        (b"no onnx", "is not ONNX"),
    ],
)
def test_bodies_that_cannot_be_used_are_refused(preparation, classes, body, message):
    with pytest.raises(ExportError, match=message):
        build_model(preparation=preparation, classes=classes, metadata={}, body=body)


def test_a_body_of_another_width_is_refused(preparation, classes):
    body, _ = make_body(n_in=9)
    with pytest.raises(ExportError, match=r"shape \('batch', 9\), but the preparation gives \(n_events, 6\)"):
        build_model(preparation=preparation, classes=classes, metadata={}, body=body)


def test_a_body_of_a_fixed_batch_size_is_refused(preparation, classes):
    body, _ = make_body(batch=2)
    with pytest.raises(ExportError, match=r"takes batches of 2 only.*dynamic first axis"):
        build_model(preparation=preparation, classes=classes, metadata={}, body=body)
