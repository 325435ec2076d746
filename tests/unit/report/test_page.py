from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from rapidity.report import DrawnFigure, ReportContent, draw_evaluation, render_page, write_report
from rapidity.report.markup import tag


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
