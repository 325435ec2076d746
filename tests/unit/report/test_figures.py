from __future__ import annotations

import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest

from rapidity.core.classes import ClassSet
from rapidity.metrics import PrecisionRecallCurve
from rapidity.report import InputData, draw_evaluation, draw_history, draw_inputs
from rapidity.report.feature_axes import draw_feature_axes
from rapidity.report.history import _set_limits
from rapidity.report.inputs import _count_legend_columns, fill_feature
from rapidity.report.precision_recall import _scale_precision
from rapidity.report.scores import _limit_decades, draw_scores
from rapidity.report.style import (
    emptiest_corner,
    figure_style,
    new_axes,
    plain_text,
    remove_artists,
    set_fitting_title,
)

PNG, PDF = b"\x89PNG", b"%PDF"


def test_evaluation_figures_appear_for_any_names(make_result, tmp_path, names):
    result = make_result(names)
    figures = draw_evaluation(result, tmp_path)
    expected = {"roc", "rejection", "confusion", "confusion_counts", "threshold", "precision_recall"}
    assert expected < {figure.name for figure in figures}
    assert sum(figure.name.startswith("score_") for figure in figures) == len(result.shown_classes)
    for figure in figures:
        assert [path.read_bytes()[:4] for path in figure.paths] == [PNG]
        assert figure.png[:4] == PNG


HISTORY = {"epoch": [1, 2], "rate": [1e-3, 1e-4], "validation_loss": [0.7, 0.6]}


def test_files_appear_in_every_format_asked_for(tmp_path):
    figures = draw_history(HISTORY, tmp_path, formats=("pdf", "svg"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["loss.pdf", "loss.svg", "rate.pdf", "rate.svg"]
    assert (tmp_path / "loss.pdf").read_bytes()[:4] == PDF
    assert figures[0].png[:4] == PNG


def test_the_same_history_gives_the_same_bytes(tmp_path):
    formats = ("png", "pdf", "svg")
    for folder in ("a", "b"):
        draw_history(HISTORY, tmp_path / folder, formats=formats)
    for kind in formats:
        assert (tmp_path / f"a/loss.{kind}").read_bytes() == (tmp_path / f"b/loss.{kind}").read_bytes()


def test_result_without_training_split_is_drawn(make_result, tmp_path):
    result = make_result(signed=False)
    bare = tuple(replace(h, train=None, ks=None, chi2=None) for h in result.score_histograms)
    with figure_style():
        (figure,) = draw_scores(replace(result, score_histograms=bare), tmp_path, ("png",))
    assert "training split" not in figure.caption


def test_pyplot_holds_no_figure(tmp_path):
    draw_history(HISTORY, tmp_path)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_input_figures_appear_for_any_feature_and_change_none(make_inputs, tmp_path, names):
    data = make_inputs(names)
    before = {name: values.copy() for name, values in data.features.items()}
    figures = draw_inputs(data, tmp_path)
    for name, values in data.features.items():
        np.testing.assert_array_equal(values, before[name])
    assert len(figures) == 1 + len(names) + len(data.features)
    assert len({path.name.lower() for path in tmp_path.iterdir()}) == len(figures)
    assert all(path.parent == tmp_path for figure in figures for path in figure.paths)


def test_class_without_events_and_unlabelled_events_are_no_obstacle(make_inputs, tmp_path):
    data = make_inputs()
    index = np.where(data.class_index == 1, -1, data.class_index)
    features = {name: data.features[name] for name in ("lepton_px", "jet_pt")}
    figures = draw_inputs(replace(data, class_index=index, features=features), tmp_path)
    assert len(figures) == 5


def test_history_marks_the_best_epoch_and_skips_what_is_not_there(tmp_path):
    columns = {
        "epoch": [1, 2, 3],
        "rate": [1e-3, 1e-3, 1e-4],
        "train_loss": [0.7, 0.6, 0.5],
        "validation_loss": [0.7, None, 0.6],
        "validation_auc": [None, None, None],
    }
    figures = draw_history(columns, tmp_path, best_epoch=3)
    assert [figure.name for figure in figures] == ["loss", "rate"]


def test_history_of_one_epoch_is_drawn(tmp_path):
    figures = draw_history({"epoch": [1], "rate": [1e-3], "train_loss": [0.5]}, tmp_path, best_epoch=1)
    assert len(figures) == 2


def test_removing_artists_leaves_empty_linear_axes():
    with figure_style():
        _, axes = new_axes()
        axes.errorbar([1, 2], [1, 2], [0.1, 0.1])
        axes.stairs([1, 2], [0, 1, 2])
        axes.set_yscale("log")
        axes.text(0, 0, "x")
        remove_artists(axes)
        assert not [*axes.lines, *axes.collections, *axes.patches, *axes.texts, *axes.containers]
        assert axes.get_yscale() == "linear"


def test_titles_of_small_axes_are_as_wide_as_they_may():
    """Names such as that of a feature of a cloud wrote over those beside them."""
    with figure_style():
        figure, axes = new_axes(3.6, 3.0)
        width = figure.bbox.width
        set_fitting_title(axes, "jet_pt", "GeV", width)
        assert axes.get_title() == "jet_pt [GeV]"
        set_fitting_title(axes, "constituents: constituent_is_charged_hadron", "rad", width)
        assert axes.title.get_window_extent().width <= width
        assert axes.get_title().startswith("constituen")


def test_legends_stand_where_no_lines_run():
    """Ten classes fell through the legend in the corner of the recall."""
    with figure_style():
        _, axes = new_axes()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        assert emptiest_corner(axes, "upper left") == "upper left"
        axes.plot([0.0, 0.2, np.nan, 0.2], [1.0, 0.0, 0.5, 0.0])
        assert emptiest_corner(axes, "lower left") == "upper right"
        axes.plot([0.8, 0.8], [0.6, 1.0])
        assert emptiest_corner(axes, "lower left") == "lower right"


def test_long_names_are_cut_in_the_middle():
    assert plain_text("a" * 30 + "b" * 30, 11) == "aaaa…bbbbb"


def test_labels_of_whole_numbers_do_not_touch():
    """Sums of pixels up to 240000 had ten labels, one over the other."""
    with figure_style():
        figure, axes = new_axes()
        sums = np.linspace(1000, 240_000, 1000).round()
        feature = fill_feature(
            InputData({"sum": sums}, ClassSet(("a", "b")), np.arange(1000) % 2), "sum", [np.arange(1000)] * 2
        )
        draw_feature_axes(axes, feature, ClassSet(("a", "b")))
        figure.canvas.draw()
        shown = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    assert len(shown) >= 3
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(shown))


@pytest.mark.parametrize(("weight", "is_said"), [(None, False), (np.ones(60), True)])
def test_features_are_called_weighted_where_they_are(tmp_path, weight, is_said):
    values = np.random.default_rng(1).normal(size=(2, 60))
    features = {"a": values[0], "b": values[1]}
    data = InputData(features, ClassSet(("s", "b")), np.arange(60) % 2, weight)
    captions = {figure.name: figure.caption for figure in draw_inputs(data, tmp_path)}
    for name in ("overview", "correlation_s"):
        assert ("weighted" in captions[name]) == is_said


def test_scores_are_called_weighted_where_they_are(make_result, tmp_path):
    for signed in (False, True):
        captions = {one.name: one.caption for one in draw_evaluation(make_result(signed=signed), tmp_path)}
        assert ("weighted" in captions["calibration"]) == signed
        assert ("event weights" in captions["calibration"]) == signed


def test_legends_of_many_classes_fit_narrow_overviews():
    assert _count_legend_columns(["airplane"] * 10, 18.0) == 6
    assert _count_legend_columns(["airplane"] * 10, 7.2) == 3
    assert _count_legend_columns(["a" * 30], 3.6) == 1


@pytest.mark.parametrize(
    ("rates", "scale"),
    [
        ((1e-3, 1e-4, 1e-5), "log"),
        ((1e-3, 9e-4, 8e-4), "linear"),
        ((4e-5, 1e-3, 5e-4, 4e-9), "linear"),  # one cycle: five decades for the last point alone
    ],
)
def test_rates_have_a_scale_on_which_most_of_them_are_seen(rates, scale):
    _, axes = new_axes()
    _set_limits(axes, np.arange(len(rates)) + 1.0, np.array(rates), is_log=True)
    assert axes.get_yscale() == scale


@pytest.mark.parametrize(
    ("precision", "scale"),
    [
        (np.r_[0.0, np.full(99, 0.01), 1.0], "log"),  # a rare signal, one cut without it, and one clean
        (np.linspace(0.5, 1.0, 100), "linear"),
        (np.r_[np.full(99, 0.01), -0.1], "linear"),  # negative weights
    ],
)
def test_precision_of_rare_classes_has_a_logarithmic_axis(precision, scale):
    """The curve of a signal of one percent lay on the axis."""
    _, axes = new_axes()
    _scale_precision(axes, [PrecisionRecallCurve(precision, precision, precision)])
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    assert low <= precision[precision != 0].min()
    assert high >= precision.max()


def test_scores_of_few_events_are_shown_over_more_than_a_decade(make_result):
    """Labels such as 6 x 10^-1 at every tick stood over the name of the axis."""
    result = make_result(n_events=60, signed=False)
    _, axes = new_axes()
    axes.set_yscale("log")
    _limit_decades(axes, [one for one in result.score_histograms if one.score_class == "signal"])
    low, high = axes.get_ylim()
    assert high / low > 30
