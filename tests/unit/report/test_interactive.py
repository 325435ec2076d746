from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest

from rapidity.report import ReportContent, draw_interactive, find_pages, render_page
from rapidity.report.interactive.pages import TITLES

HISTORY = {
    "epoch": [1, 2, 3],
    "train_loss": [0.7, 0.5, 0.4],
    "validation_loss": [0.6, None, float("nan")],
    "train_accuracy": [None, None, None],
}
LONGEST_S = 2.0


@pytest.fixture
def draw(make_result, tmp_path):
    """Return a function that draws a result and gives the figure of each page."""

    def make(names=("signal", "background"), history=HISTORY, **options):
        result = make_result(names, **options)
        folder = tmp_path / "interactive"
        paths = draw_interactive(result, history, folder, run_name="a <b>run</b>", best_epoch=2)
        return result, {path.stem: figure_of(path) for path in paths if path.stem != "index"}

    return make


def figure_of(path):
    found = re.search(r"const figure = (.*);\nPlotly", path.read_text(encoding="utf-8"))
    return json.loads(found.group(1))


def values(series):
    return np.array([np.nan if value is None else value for value in series], dtype=float)


def test_every_plot_has_a_page_and_the_library_lies_beside_them(draw, names, tmp_path):
    draw(names)
    written = {path.name for path in (tmp_path / "interactive").iterdir()}
    pages = {f"{name}.html" for name in TITLES if name != "accuracy"}
    assert written == {*pages, "index.html", "plotly.min.js"}
    assert (tmp_path / "interactive/plotly.min.js").stat().st_size > 1e6


def test_pages_ask_nothing_of_any_network(draw, tmp_path):
    draw()
    for path in (tmp_path / "interactive").glob("*.html"):
        page = path.read_text(encoding="utf-8")
        addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
        assert all((path.parent / address).is_file() for address in addresses)
        assert "connect-src &#x27;none&#x27;" in page
        assert "http" not in page.replace("http-equiv", "")


def test_data_stay_here(draw):
    for figure in draw()[1].values():
        assert figure["config"]["showSendToCloud"] is False
        assert figure["config"]["plotlyServerURL"] == ""


def test_plotly_knows_every_setting(draw, names):
    import plotly.graph_objects as go

    for figure in draw(names)[1].values():
        # Plotly raises a ValueError for a setting that it does not know.
        assert len(go.Figure(data=figure["data"], layout=figure["layout"]).data) == len(figure["data"])


def test_curves_are_those_of_the_result(draw, names):
    result, figures = draw(names)
    curves = [trace for trace in figures["roc"]["data"] if "name" in trace]
    assert len(curves) == len(result.shown_classes)
    for name, trace in zip(result.shown_classes, curves, strict=True):
        np.testing.assert_allclose(values(trace["x"]), result.roc[name].bkg_eff, rtol=1e-5)
        np.testing.assert_allclose(values(trace["y"]), result.roc[name].sig_eff, rtol=1e-5)
    for quantity in ("precision", "recall", "f1"):
        for name, trace in zip(names, figures[quantity]["data"], strict=True):
            curve = result.precision_recall[name]
            np.testing.assert_allclose(values(trace["x"]), curve.threshold, rtol=1e-5)
            np.testing.assert_allclose(values(trace["y"]), getattr(curve, quantity), rtol=1e-5)


def test_matrix_and_classes_are_those_of_the_result(draw, names):
    result, figures = draw(names)
    (matrix,) = figures["confusion"]["data"]
    np.testing.assert_allclose(values(np.ravel(matrix["z"])), result.confusion_normalised.ravel(), rtol=1e-5)
    assert matrix["customdata"] == result.confusion_counts.astype(int).tolist()
    bars = {trace["name"]: values(trace["y"]) for trace in figures["classes"]["data"]}
    np.testing.assert_allclose(bars["precision"], result.precision, rtol=1e-5)
    np.testing.assert_allclose(bars["recall"], result.recall, rtol=1e-5)
    np.testing.assert_allclose(bars["F1"], result.f1, rtol=1e-5)


def test_loss_has_gaps_where_there_is_none(draw):
    train, validation = draw()[1]["loss"]["data"]
    assert train["y"] == [0.7, 0.5, 0.4]
    assert validation["y"] == [0.6, None, None]
    assert train["x"] == [1, 2, 3]


def test_every_epoch_of_a_short_training_has_one_tick(draw):
    """Ticks at 1, 1.2, 1.4 were all called 1."""
    assert draw()[1]["loss"]["layout"]["xaxis"]["dtick"] == 1
    long = {"epoch": list(range(1, 41)), "train_loss": [0.5] * 40}
    assert "dtick" not in draw(history=long)[1]["loss"]["layout"]["xaxis"]


def test_loss_of_several_outputs_has_no_unit(draw):
    outputs = {"train_loss_class": [0.4, 0.3, 0.2], "train_loss_energy": [2.0, 1.0, 0.5]}
    titles = [
        draw(history=history)[1]["loss"]["layout"]["yaxis"]["title"]["text"]
        for history in (HISTORY, HISTORY | outputs)
    ]
    assert titles == ["Loss [nats]", "Loss"]


def test_training_without_history_has_no_loss_page(draw):
    assert "loss" not in draw(history={"epoch": []})[1]


def test_curves_have_no_more_points_than_can_be_seen(draw):
    _, figures = draw(n_events=30_000)
    assert max(len(trace["x"]) for figure in figures.values() for trace in figure["data"]) <= 1002


def test_names_are_text_everywhere(draw, tmp_path):
    draw(("<script>alert(1)</script>", "</script><b>"))
    for path in (tmp_path / "interactive").glob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert "<b>run" not in page
        assert "<script>alert" not in page
        assert page.count("</script>") == page.count("<script")


def test_long_names_that_are_cut_to_the_same_stay_apart(draw):
    names = ("a" * 40 + "x" + "a" * 40, "a" * 40 + "y" + "a" * 40)
    (matrix,) = draw(names)[1]["confusion"]["data"]
    assert len(set(matrix["x"])) == 2


def test_pages_of_an_earlier_time_are_removed(draw, tmp_path):
    draw()
    draw(history={"epoch": []})
    assert "Training loss" not in find_pages(tmp_path / "interactive")


def test_report_links_the_pages(draw, tmp_path):
    draw()
    pages = find_pages(tmp_path / "interactive")
    links = {title: f"plots/interactive/{path.name}" for title, path in pages.items()}
    page = render_page(ReportContent(name="run", interactive=links))
    assert '<a href="plots/interactive/roc.html">ROC curve</a>' in page
    assert "interactive" not in render_page(ReportContent(name="run"))


def test_drawing_is_quick(make_result, tmp_path):
    result = make_result([str(k) for k in range(10)], n_events=20_000)
    start = time.perf_counter()
    draw_interactive(result, HISTORY, tmp_path, run_name="run")
    assert time.perf_counter() - start < LONGEST_S
