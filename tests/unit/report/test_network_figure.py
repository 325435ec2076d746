from __future__ import annotations

import itertools
import re

import pytest
from pydantic import TypeAdapter

from rapidity.core.errors import DataError
from rapidity.network import build_network
from rapidity.network.config import NetworkConfig
from rapidity.report import draw_network
from rapidity.report.network_figure import SIZES, _write_title, describe_layer, format_shape
from rapidity.report.network_layout import BOX_TO_BOX, BOX_TO_LINE, arrange
from rapidity.report.style import CM_PER_INCH, figure_style, new_figure

BRANCHES = {
    "leptons": (),
    "jets": (),
    "event": (),
    "a": ("leptons",),
    "b1": ("jets",),
    "b2": ("b1",),
    "b3": ("b2",),
    "joined": ("a", "b3", "event"),
    "c": ("joined",),
    "d": ("c",),
    "sum": ("d", "joined"),
    "out": ("sum",),
}


def test_boxes_come_below_what_they_take():
    layout = arrange(BRANCHES)
    for name, inputs in BRANCHES.items():
        assert all(layout.places[source][1] < layout.places[name][1] for source in inputs)


def test_boxes_do_not_touch():
    layout = arrange(BRANCHES)
    for (x, row), (other_x, other_row) in itertools.combinations(layout.places.values(), 2):
        assert row != other_row or abs(x - other_x) >= BOX_TO_BOX


def test_connections_pass_no_box():
    layout = arrange(BRANCHES)
    for way in layout.ways.values():
        for x, row in way[1:-1]:
            boxes = [box_x for box_x, box_row in layout.places.values() if box_row == row]
            assert all(abs(x - box_x) >= BOX_TO_LINE for box_x in boxes)


def test_a_chain_is_straight():
    layout = arrange({"in": (), "a": ("in",), "b": ("a",), "c": ("b",)})
    assert {x for x, _ in layout.places.values()} == {0.0}


def test_a_join_stands_in_the_middle():
    layout = arrange({"x": (), "y": (), "z": (), "joined": ("x", "y", "z")})
    xs = sorted(layout.places[name][0] for name in "xyz")
    assert layout.places["joined"][0] == xs[1]


@pytest.fixture
def network():
    config = {"type": "mlp", "hidden": [8, 4], "dropout": 0.1}
    return build_network(TypeAdapter(NetworkConfig).validate_python(config), {"features": (3,)}, {"class": 1})


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_network_is_drawn_into_the_format_of_the_suffix(network, tmp_path, suffix):
    figure = draw_network(network, tmp_path / f"network.{suffix}")
    assert figure.paths == (tmp_path / f"network.{suffix}",)
    assert figure.paths[0].stat().st_size > 1000
    assert f"{network.n_parameters:,}" in figure.caption


def test_unknown_format_is_refused(network, tmp_path):
    with pytest.raises(DataError, match=r"cannot draw a network into 'network\.gif'"):
        draw_network(network, tmp_path / "network.gif")


def test_layers_are_described_with_their_parameters(network):
    described = {node.name: describe_layer(node) for node in network.nodes}
    assert "32 parameters" in described[network.nodes[0].name]
    assert any(text == "dropout 0.1" for text in described.values())


def test_parameters_of_the_layers_add_up_to_those_of_the_network():
    """Of a normalisation the running mean and variance were counted too."""
    config = {"type": "resnet", "widths": [4], "depths": [1]}
    network = build_network(
        TypeAdapter(NetworkConfig).validate_python(config), {"image": (8, 8, 1)}, {"class": 1}
    )
    said = [re.search(r"([\d,]+) parameters?", describe_layer(node)) for node in network.nodes]
    assert any("batch_norm" in describe_layer(node) for node in network.nodes)
    assert sum(int(found[1].replace(",", "")) for found in said if found) == network.n_parameters


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("dense_1", "dense_1"),
        ("stage_1_module_1_3x3_reduced_conv", "stage_1_module_1_3x3_reduced_conv"),
        ("W" * 60, "W" * 8),
    ],
)
def test_names_fill_their_box_and_are_cut_only_where_they_do_not_fit(name, shown):
    with figure_style():
        axes = new_figure().add_axes((0, 0, 1, 1))
        _write_title(axes, 0.5, 0.5, name)
        (written,) = axes.texts
        width_cm = written.get_window_extent().width / axes.figure.dpi * CM_PER_INCH
    assert written.get_text().startswith(shown)
    assert width_cm < SIZES.width


def test_shapes_read_as_products():
    assert format_shape((32, 32, 1)) == "32 x 32 x 1"
