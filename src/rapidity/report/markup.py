"""HTML made of small pieces, in which every text is escaped unless it is markup already."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WITHOUT_END = ("img", "meta", "br")


class Markup(str):
    """Text that is HTML already; only the functions of this module make it."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: str | int | None) -> Markup:
    """Return an element; plain strings inside are escaped, attributes that are None are left out.

    A trailing underscore is dropped from attribute names (``class_``).

    Examples
    --------
    >>> tag("p", "a < b ", tag("b", "really"), class_="note")
    '<p class="note">a &lt; b <b>really</b></p>'
    """
    settings = "".join(
        f' {key.rstrip("_")}="{html.escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _WITHOUT_END:
        return Markup(f"<{name}{settings}>")
    return Markup(f"<{name}{settings}>{join(content)}</{name}>")


def join(pieces: Sequence[str]) -> Markup:
    """Return the pieces one after the other, plain strings escaped."""
    return Markup(
        "".join(piece if isinstance(piece, Markup) else html.escape(str(piece)) for piece in pieces)
    )


def raw(text: str) -> Markup:
    """Take text of our own (a style sheet) as it is."""
    return Markup(text)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, n_text_columns: int = 1, class_: str | None = None
) -> Markup:
    """Return a table whose first `n_text_columns` columns are text and whose others are numbers.

    Examples
    --------
    >>> table(["class", "events"], [["signal", "10"]]).count("<td")
    2
    """
    return tag(
        "div",
        tag(
            "table",
            tag("thead", _row("th", head, n_text_columns)),
            tag("tbody", *[_row("td", row, n_text_columns) for row in rows]),
        ),
        class_=f"table {class_}" if class_ else "table",
    )


def _row(cell: str, values: Sequence[str], n_text_columns: int) -> Markup:
    return tag(
        "tr",
        *[
            tag(cell, value, class_=None if place < n_text_columns else "number")
            for place, value in enumerate(values)
        ],
    )


def inline_png(pixels: bytes, description: str, width_px: int) -> Markup:
    """Return a picture whose pixels are part of the page."""
    source = f"data:image/png;base64,{base64.b64encode(pixels).decode('ascii')}"
    return tag("img", src=source, alt=description, width=width_px, loading="lazy")
