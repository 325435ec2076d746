from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from rapidity.report import DrawnFigure, ReportContent, draw_evaluation, render_page, write_report
from rapidity.report.markup import tag
from rapidity.report.output_tables import show_estimate


class Outline(HTMLParser):
    """Checks that tags close in order, and collects addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, name, attributes):
        self.seen.add(name)
        self.addresses += [value for key, value in attributes if key in ("src", "href")]
        if name not in ("meta", "img", "br"):
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name


@pytest.fixture
def outline():
    def read(page):
        parser = Outline()
        parser.feed(page)
        assert parser.open == []
        return parser

    return read


def test_page_is_whole_and_asks_nothing_of_the_network(make_result, tmp_path, outline, names):
    result = make_result(names)
    figures = {"evaluation": draw_evaluation(result, tmp_path)}
    content = ReportContent(name="run", metrics=result.to_metrics(), figures=figures)
    write_report(tmp_path / "report.html", content)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    read = outline(page)
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in read.addresses)
    assert "url(" not in page
    assert "@import" not in page
    assert page.count("<figure") == len(figures["evaluation"])


def test_words_in_drawings_stay_readable_in_narrow_windows(tmp_path):
    """A network of 1,600 pixels was shrunk to the window, and one of 400 to a column of the page."""
    network = DrawnFigure("network", "Network", "", (), b"", 411)
    columns = [
        DrawnFigure("roc", "ROC", "", (), b"", 372),
        DrawnFigure("overview", "Features", "", (), b"", 780),
    ]
    page = render_page(ReportContent("run", network=network, figures={"evaluation": columns}))
    scrolled = re.findall(r'<figure class="wide"><div class="scroll"><img [^>]*alt="(\w+)"', page)
    assert scrolled == ["Features", "Network"]
    assert ".scroll img { max-width: none; }" in page


def test_what_users_wrote_is_escaped(outline):
    evil = "<script>alert('x')</script>"
    content = ReportContent(
        name=evil,
        summary=evil,
        warnings=[evil],
        configuration=evil,
        parity={evil: evil},
        training_facts={evil: evil},
        provenance={evil: {evil: evil}},
    )
    page = render_page(content)
    assert "script" not in outline(page).seen
    assert "&lt;script&gt;" in page


def test_page_from_a_metrics_file_equals_page_from_a_result(make_result):
    metrics = make_result().to_metrics()
    stored = json.loads(json.dumps(metrics))
    assert render_page(ReportContent("run", metrics=metrics)) == render_page(
        ReportContent("run", metrics=stored)
    )


def test_headline_numbers_are_on_the_page(make_result):
    metrics = make_result().to_metrics()
    page = render_page(ReportContent("run", metrics=metrics, parity={"ONNX parity": "1.2e-07"}))
    assert "<dt>AUC</dt>" in page
    assert "<dd>1.2e-07</dd>" in page
    assert "negative weights" in page
    for name in metrics["classes"]:
        assert f"<td>{name}</td>" in page


def test_undefined_numbers_leave_a_dash(make_result):
    metrics = make_result().to_metrics()
    metrics["test_auc_interval"]["signal"] = [None, None]
    metrics["precision"]["signal"] = None
    page = render_page(ReportContent("run", metrics=metrics))
    assert re.search(r'<td class="number">-</td>', page)
    assert "None" not in page


def test_empty_parts_are_left_out():
    page = render_page(ReportContent(name="run"))
    assert "<h2" not in page


def test_attributes_are_escaped():
    assert tag("a", "x", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;">x</a>'


def test_values_have_the_digits_of_their_intervals():
    """Fractions were written as 0.63 [0.5863, 0.6752] beside 0.5579 [0.5145, 0.6044]."""
    assert show_estimate(0.63, [0.5863, 0.6752]) == "0.630 [0.586, 0.675]"
    assert show_estimate(12345.6, [11900, 12800]) == "12,346 [11,900, 12,800]"
    assert show_estimate(1.5e-9, [1.4e-9, 1.6e-9]) == "1.500e-09 [1.400e-09, 1.600e-09]"
    assert show_estimate(0.25, [0.25, 0.25]) == "0.2500 [0.2500, 0.2500]"


def test_rejections_keep_their_zeros(make_result):
    metrics = make_result().to_metrics()
    metrics["working_points"]["signal"][0]["bkg_rej"] = 4.09
    assert ">4.090<" in render_page(ReportContent("run", metrics=metrics))


@pytest.fixture
def assignment():
    """What ``metrics.json`` holds of an assignment of jets."""
    return {
        "task": "assignment",
        "cloud": "jets",
        "classes": ["b"],
        "n_objects": 9,
        "n_events": 5,
        "n_left_out": 0,
        "accuracy": 0.5,
        "accuracy_interval": [0.4, 0.6],
        "all_right": 0.1,
        "all_right_interval": [0.0, 0.2],
        "class_accuracy": {"b": 0.5},
        "class_accuracy_interval": {"b": [0.4, 0.6]},
    }


def test_headline_numbers_of_other_outputs_have_intervals(make_result, assignment):
    metrics = make_result().to_metrics() | {"outputs": {"origin": assignment}}
    page = render_page(ReportContent("run", metrics=metrics))
    assert "<dt>origin: objects right</dt><dd>0.50<small>[0.40, 0.60]</small></dd>" in page


def test_numbers_of_other_outputs_are_shown_fold_by_fold(make_result, assignment):
    right = {"values": [0.25, 0.75], "mean": 0.5, "spread": 0.3536}
    undefined = {"values": [0.125, None], "mean": 0.125, "spread": None}
    folds = {"count": 2, "event_number": "event", "events": [2, 3], "accuracy": right, "all_right": undefined}
    metrics = make_result().to_metrics() | {"outputs": {"origin": assignment | {"folds": folds}}}
    page = render_page(ReportContent("run", metrics=metrics)).replace(' class="number"', "")
    assert "<h3>origin in each fold</h3>" in page
    assert "<td>1</td><td>3</td><td>0.7500</td><td>-</td>" in page
    assert "<td>mean ± spread</td><td>5</td><td>0.5000 ± 0.3536</td><td>0.1250 ± -</td>" in page
