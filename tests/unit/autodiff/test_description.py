"""Nodes in words, and expressions on tensors."""

from __future__ import annotations

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.autodiff import namespace
from rapidity.autodiff.description import describe_nodes
from rapidity.core.namespace import ArrayNamespace
from rapidity.physics import kinematics


@pytest.fixture
def journal():
    return ad.Journal(keeps_values=True)


def describe(journal, compute):
    """Return the nodes of a function of a parameter w and an input x."""
    place = ad.Workspace(journal=journal)
    leaves = {
        "w": ad.tensor(2.0, requires_gradient=True, workspace=place),
        "x": ad.tensor(3.0, workspace=place),
    }
    compute(**leaves, place=place).backward()
    return describe_nodes(journal, leaves)


def test_signs_functions_and_constants(journal):
    nodes = describe(journal, lambda w, x, place: -(w * x) / ad.hypot(w, ad.tensor(0.5, workspace=place)))
    assert [node.formula for node in nodes if node.kind == "operation"] == [
        "#2 = w * x", "#3 = -#2", "#5 = hypot(w, 0.5)", "#6 = #3 / #5",
    ]  # fmt: skip
    assert [(node.kind, node.formula) for node in nodes if node.kind != "operation"] == [
        ("parameter", "w"), ("input", "x"), ("constant", "0.5"),
    ]  # fmt: skip


def test_parameter_that_is_not_used_is_not_visited(journal):
    place = ad.Workspace(journal=journal)
    used, unused = (ad.tensor(1.0, requires_gradient=True, workspace=place) for _ in range(2))
    (used * 2.0).backward()
    nodes = describe_nodes(journal, {"used": used, "unused": unused})
    assert {node.name: node.is_visited for node in nodes if node.kind == "parameter"} == {
        "used": True,
        "unused": False,
    }


def test_plain_values_for_json(journal):
    node = describe(journal, lambda w, x, place: w * x)[-1].to_dict()
    assert node["formula"] == "#2 = w * x"
    assert (node["value"], node["gradient"], node["shape"], node["inputs"]) == (6.0, 1.0, [], [0, 1])
    assert (node["recorded"], node["visited"], node["freed"]) == (
        True,
        True,
        "backward, with node 2 (multiply)",
    )


def test_namespace_has_all_functions():
    assert set(ArrayNamespace.__annotations__) == set(namespace.__all__)
    assert all(hasattr(namespace, name) for name in namespace.__all__)


def test_kinematics_can_be_differentiated():
    phi = np.array([3.0, -3.0, 0.5])

    def delta(phi):
        return kinematics.delta_phi(phi, 1.0, namespace)

    assert np.allclose(delta(ad.tensor(phi)).array, kinematics.delta_phi(phi, 1.0))
    assert ad.check_gradients(delta, [phi], order=2).worst.deviation < 1e-7
