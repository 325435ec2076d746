"""Figures of image inputs: means, examples, values of pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import CenteredNorm, LogNorm

from rapidity.core.classes import ClassSet
from rapidity.report import InputData, ReportContent, draw_inputs, render_page
from rapidity.report.images import (
    ImageData,
    _colour_map,
    _draw_grid,
    _draw_panels,
    _Shown,
    choose_scale,
    is_colour,
    make_mosaic,
    mean_images,
    pixel_sums,
    spread,
)
from rapidity.report.inputs import fill_pixels


def image_data(images, names=None):
    n_channels = images.shape[3]
    names = names or tuple(f"image[{k}]" if n_channels > 1 else "image" for k in range(n_channels))
    return ImageData(images.shape[1:], names, lambda rows: images[rows])


@pytest.fixture
def images():
    """Return 40 pictures of 6 x 4 pixels, one channel."""
    return np.random.default_rng(1).integers(0, 256, (40, 6, 4, 1), dtype=np.uint8)


@pytest.fixture
def make_image_inputs():
    """Return a builder of inputs that are images alone."""

    def make(images, names=("0", "1"), **fields):
        index = np.arange(len(images)) % len(names)
        data = image_data(images)
        return InputData({}, ClassSet(tuple(names)), index, images={"image": data}, **fields)

    return make


def rows_of(data):
    return [np.flatnonzero(data.class_index == k) for k in range(len(data.classes))]


def test_mean_images_are_weighted_whatever_the_portions(images, monkeypatch):
    monkeypatch.setattr("rapidity.report.images.VALUES_AT_ONCE", 24 * 7)
    weight = np.random.default_rng(2).normal(1.0, 1.0, 40)
    rows = [np.arange(0, 40, 2), np.arange(1, 40, 2), np.arange(0)]
    means = mean_images(image_data(images), rows, weight)
    for k in (0, 1):
        expected = np.average(images[rows[k]].astype(float), axis=0, weights=weight[rows[k]])
        np.testing.assert_allclose(means[k], expected, rtol=1e-12)
    assert np.isnan(means[2]).all()


def test_sums_of_pixels_do_not_overflow(images):
    full = np.full_like(images, 255)
    np.testing.assert_array_equal(pixel_sums(image_data(full), 40), np.full((40, 1), 255 * 24))


def test_figures_of_images_alone(make_image_inputs, images, tmp_path, names):
    data = make_image_inputs(images, names)
    figures = draw_inputs(data, tmp_path)
    assert [figure.name for figure in figures] == [
        "mean_image",
        "examples_image",
        "overview",
        "feature_pixels_of_image",
        "feature_sum_of_image",
    ]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for figure in figures for path in figure.paths)
    assert "Examples of image" in render_page(ReportContent("digits", figures={"inputs": figures}))


def test_each_channel_has_a_mean_of_its_own(make_image_inputs, tmp_path):
    images = np.random.default_rng(1).random((20, 4, 4, 2), dtype=np.float32)
    figures = {figure.name: figure for figure in draw_inputs(make_image_inputs(images), tmp_path)}
    assert {"mean_image_0", "mean_image_1", "examples_image_0", "examples_image_1"} < set(figures)
    assert figures["examples_image_1"].title == "Examples of image, image[1]"
    assert {"feature_pixels_of_image_0_", "feature_sum_of_image_1_"} < set(figures)


def test_units_and_what_a_pixel_is_are_said(make_image_inputs, tmp_path):
    images = np.random.default_rng(1).random((20, 4, 4, 2), dtype=np.float32)
    data = make_image_inputs(images)
    known = replace(data.images["image"], units=("GeV", ""), pixels="sums of 3 x 3 pixels")
    figures = {one.name: one for one in draw_inputs(replace(data, images={"image": known}), tmp_path)}
    assert figures["mean_image_0"].caption == "The mean image of each class, sums of 3 x 3 pixels."
    units = [histograms.unit for histograms in fill_pixels(data, "image", known, rows_of(data))]
    assert units == ["GeV", "GeV", "", ""]


def test_three_channels_of_bytes_are_a_colour_picture(make_image_inputs, tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)
    assert is_colour(image_data(images), images)
    assert not is_colour(image_data(images), images.astype(np.float32))
    figures = {figure.name: figure for figure in draw_inputs(make_image_inputs(images), tmp_path)}
    assert [name for name in figures if name.startswith(("mean", "examples"))] == [
        "mean_image",
        "examples_image",
    ]
    assert "scale" not in figures["examples_image"].caption
    titles = [figure.title for figure in figures.values()]
    assert "pixels of image, red" in titles
    assert "sum of image, blue" in titles


@pytest.mark.parametrize(
    ("weight", "said"), [(None, "class, pixels"), (np.ones(20), "class, weighted, pixels")]
)
def test_means_are_called_weighted_where_they_are(make_image_inputs, tmp_path, weight, said):
    images = np.random.default_rng(1).random((20, 4, 4, 1), dtype=np.float32)
    mean = draw_inputs(make_image_inputs(images, event_weight=weight), tmp_path)[0]
    assert said in mean.caption


@pytest.mark.parametrize(("unit", "said"), [("GeV", "calorimeter [GeV]"), ("", "calorimeter")])
def test_colour_bars_say_what_they_stand_for(images, unit, said):
    shown = _Shown("mean_image", "calorimeter", "calorimeter", unit, 0)
    pixels = shown.pick(images[:2])
    for figure in (
        _draw_panels(pixels, ["a", "b"], choose_scale(pixels), shown),
        _draw_grid(pixels, [1, 1], ClassSet(("a", "b")), choose_scale(pixels), shown),
    ):
        assert figure.axes[-1].get_ylabel() == said


def test_zero_is_white_where_pixels_have_both_signs():
    """Times of hits around zero were lost in the green middle of a scale that one of them had stretched."""
    times = np.zeros((4, 40, 40))
    times[:, 10:30, 10:30] = np.random.default_rng(1).normal(size=(4, 20, 20))
    times[0, 0, 0] = 50.0
    scale = choose_scale(times)
    assert isinstance(scale, CenteredNorm)
    assert scale(0.0) == 0.5
    assert 2 < scale.halfrange < 5
    assert min(_colour_map(scale)(0.5)[:3]) > 0.95


def test_class_without_events_and_flat_images_are_no_obstacle(make_image_inputs, tmp_path):
    data = make_image_inputs(np.zeros((20, 3, 9, 1), np.uint8), ("a", "b", "c"))
    data.class_index[data.class_index == 1] = -1
    assert len(draw_inputs(data, tmp_path)) == 5


def test_steep_images_are_shown_on_a_logarithmic_scale(images):
    energies = np.zeros((2, 16, 16))
    energies[:, 8, 8] = 1000.0
    assert isinstance(choose_scale(energies), LogNorm)
    assert not isinstance(choose_scale(images.astype(float)), LogNorm)
    assert not isinstance(choose_scale(-energies), LogNorm)


def test_few_examples_are_all_shown():
    assert spread(np.array([3, 5]), 8).tolist() == [3, 5]
    assert spread(np.arange(0), 8).tolist() == []


def test_examples_lie_side_by_side_class_by_class():
    images = np.arange(1.0, 4.0)[:, np.newaxis, np.newaxis] * np.ones((3, 40, 40))
    mosaic = make_mosaic(images, [2, 1])
    assert mosaic.shape == (2 * 42, 8 * 42)
    assert (mosaic[:40, :40] == 1).all()
    assert (mosaic[:40, 42:82] == 2).all()
    assert (mosaic[42:82, :40] == 3).all()
    assert np.isnan(mosaic[:, 84:]).all()
    assert np.isnan(mosaic[40:42]).all()


def test_small_pictures_are_enlarged_and_colours_are_white_between():
    mosaic = make_mosaic(np.zeros((1, 8, 8, 3), np.uint8), [1])
    assert mosaic.shape == (33, 8 * 33, 3)
    assert (mosaic[32] == 255).all()
