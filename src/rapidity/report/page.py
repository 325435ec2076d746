"""One self-contained HTML page about a run: no file beside it, no request to anywhere."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.files import write_text
from rapidity.report.markup import Markup, inline_png, join, raw, tag
from rapidity.report.numbers import evaluation_tables, headline_cards, yield_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.report.content import ReportContent
    from rapidity.report.figures import DrawnFigure

WIDE_PX = 500
"""Figures wider than this get a row of their own, and are scrolled where the window is too narrow."""


def write_report(path: Path | str, content: ReportContent) -> None:
    """Write the page, whole or not at all.

    Names, warnings and the configuration come from users and are escaped; pictures are inside the
    page; it follows the reader's light or dark setting.
    """
    write_text(Path(path), render_page(content))


def render_page(content: ReportContent) -> str:
    """Return the page as HTML."""
    sections = {
        "Results": _results(content),
        "Features": _features(content),
        "Training": _training(content),
        "Network": _network(content),
        "Configuration": _configuration(content),
        "Provenance": _provenance(content),
    }
    shown = {title: body for title, body in sections.items() if body}
    body = tag(
        "body",
        _head_of_page(content, list(shown)),
        *[tag("section", tag("h2", title, id=title.lower()), section) for title, section in shown.items()],
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{content.name} · Rapidity"),
        tag("style", raw(_style_sheet())),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _style_sheet() -> str:
    return resources.files("rapidity.report").joinpath("page.css").read_text(encoding="utf-8")


def _head_of_page(content: ReportContent, titles: Sequence[str]) -> Markup:
    pieces = [tag("p", "Rapidity · report of a run", class_="quiet"), tag("h1", content.name)]
    if content.summary:
        pieces.append(tag("p", content.summary))
    if content.metrics:
        pieces.append(headline_cards(content.metrics, content.parity))
    notes = [*content.warnings, *content.metrics.get("notes", ())]
    if notes:
        listed = tag("ul", *[tag("li", note) for note in notes])
        pieces.append(tag("div", tag("b", "To know"), listed, class_="warnings"))
    pieces.append(tag("nav", *[tag("a", title, href=f"#{title.lower()}") for title in titles]))
    return tag("header", *pieces)


def _results(content: ReportContent) -> Markup:
    pieces = [_interactive(content.interactive), _figures(content.figures.get("evaluation", ()))]
    if content.metrics:
        pieces += [evaluation_tables(content.metrics), yield_tables(content.metrics)]
    if content.parity:
        pieces += [tag("h3", "Agreement of engine and ONNX Runtime"), _facts(content.parity)]
    return join(pieces)


def _interactive(pages: Mapping[str, str]) -> Markup:
    """Return links to the plots that lie beside the page: all else is inside it."""
    if not pages:
        return join([])
    links = [tag("a", title, href=address) for title, address in pages.items()]
    return tag("p", "To zoom into, in the folder of the run: ", *_separated(links, " · "))


def _separated(pieces: Sequence[Markup], between: str) -> list[str]:
    return [part for piece in pieces for part in (between, piece)][1:]


def _features(content: ReportContent) -> Markup:
    figures = content.figures.get("inputs", ())
    single = [figure for figure in figures if figure.name.startswith("feature_")]
    matrices = [figure for figure in figures if figure.name.startswith("correlation_")]
    first = [figure for figure in figures if figure not in single and figure not in matrices]
    return join(
        [
            _figures(first),
            _folded("Correlations", _figures(matrices)),
            _folded("Each feature, with statistical errors", _figures(single)),
        ]
    )


def _training(content: ReportContent) -> Markup:
    return join([_facts(content.training_facts), _figures(content.figures.get("validation", ()))])


def _network(content: ReportContent) -> Markup:
    pieces = [_facts(content.network_facts)]
    if content.network is not None:
        # However narrow, it is never made smaller: its words are small already.
        pieces.append(tag("div", _figure(content.network, is_wide=True), class_="figures"))
    return join(pieces)


def _configuration(content: ReportContent) -> Markup:
    if not content.configuration:
        return join([])
    return _folded("config.yaml, resolved", tag("pre", content.configuration))


def _provenance(content: ReportContent) -> Markup:
    pieces = []
    for group, facts in content.provenance.items():
        if facts:
            pieces += [tag("h3", group), _facts(facts)]
    return join(pieces)


def _facts(facts: Mapping[str, str]) -> Markup:
    if not facts:
        return join([])
    rows = [
        tag("tr", tag("td", name, class_="quiet"), tag("td", str(value))) for name, value in facts.items()
    ]
    return tag("div", tag("table", tag("tbody", *rows)), class_="table facts")


def _folded(title: str, body: Markup) -> Markup:
    return tag("details", tag("summary", title), body) if body else join([])


def _figures(figures: Sequence[DrawnFigure]) -> Markup:
    if not figures:
        return join([])
    return tag("div", *[_figure(figure) for figure in figures], class_="figures")


def _figure(figure: DrawnFigure, *, is_wide: bool = False) -> Markup:
    caption = tag("figcaption", tag("b", figure.title), ". " if figure.caption else "", figure.caption)
    picture = inline_png(figure.png, figure.title, figure.width_px)
    if is_wide or figure.width_px > WIDE_PX:
        return tag("figure", tag("div", picture, class_="scroll"), caption, class_="wide")
    return tag("figure", picture, caption)
