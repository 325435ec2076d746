"""Drawings of computational graphs."""

from __future__ import annotations

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.autodiff.description import describe_nodes
from rapidity.core.errors import DataError
from rapidity.report import draw_computational_graph
from rapidity.report.computational_graph import format_values
from rapidity.report.network_layout import arrange


@pytest.fixture
def nodes():
    journal = ad.Journal(keeps_values=True)
    place = ad.Workspace(journal=journal)
    leaves = {
        "w_$": ad.tensor(0.5, requires_gradient=True, workspace=place),
        "x": ad.tensor([1.0, 2.0, 3.0], workspace=place),
    }
    value = leaves["w_$"] * leaves["x"] + ad.exp(leaves["x"])
    value.backward(np.ones(3))
    return describe_nodes(journal, leaves)


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_drawing_appears(nodes, tmp_path, kind):
    drawn = draw_computational_graph(nodes, tmp_path / f"graph.{kind}", title="w_$ * x + exp(x)")
    assert drawn.paths == (tmp_path / f"graph.{kind}",)
    assert drawn.paths[0].stat().st_size > 1000


def test_same_graph_gives_the_same_bytes(nodes, tmp_path):
    first, second = (
        draw_computational_graph(nodes, tmp_path / f"{name}.svg", title="t").paths[0].read_bytes()
        for name in "ab"
    )
    assert first == second


def test_other_formats_are_refused(nodes, tmp_path):
    with pytest.raises(DataError, match=r"into 'graph.gif': its format must be png, pdf or svg"):
        draw_computational_graph(nodes, tmp_path / "graph.gif", title="t")


def test_inputs_stand_just_above_what_takes_them():
    graph = {"a": [], "b": [], "c": [], "1": ["a", "b"], "2": ["1"], "3": ["2", "c"]}
    rows = {name: row for name, (_, row) in arrange(graph, late_inputs=True).places.items()}
    assert rows == {"a": 0, "b": 0, "1": 1, "2": 2, "c": 2, "3": 3}
    assert arrange(graph).places["c"][1] == 0


def test_values_in_a_few_words():
    assert format_values(np.array(True)) == "true"
    assert format_values(np.array([1.0])) == "[1]"
    assert format_values(np.arange(5.0)) == "[0, 1, ...] 5"
    assert format_values(np.array(np.nan)) == "nan"
