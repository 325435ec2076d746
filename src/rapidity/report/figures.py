"""Drawn figures: files on disk, and the pixels for the page."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.core.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure


@dataclass(frozen=True)
class DrawnFigure:
    """One figure.

    Attributes
    ----------
    name
        Stem of its files.
    paths
        The files written, one a format.
    png
        The picture, for pages; also where no PNG file was asked for.
    width_px
        Width at which the page shows it, in CSS pixels.
    """

    name: str
    title: str
    caption: str
    paths: tuple[Path, ...]
    png: bytes
    width_px: int


# Without these the same figure would differ from run to run by its date.
_NO_DATE = {"png": {"Software": None}, "pdf": {"CreationDate": None, "ModDate": None}, "svg": {"Date": None}}
CSS_PX_PER_INCH = 110


def save_figure(
    figure: Figure,
    folder: Path,
    name: str,
    *,
    title: str,
    caption: str,
    formats: Sequence[str] = ("png",),
) -> DrawnFigure:
    """Write ``<folder>/<name>.<format>`` for every format, whole or not at all; call it inside the style."""
    pixels = _render(figure, "png")
    paths = []
    for kind in formats:
        path = folder / f"{name}.{kind}"
        content = pixels if kind == "png" else _render(figure, kind)
        with write_atomically(path) as temporary:
            temporary.write_bytes(content)
        paths.append(path)
    width_px = round(figure.get_size_inches()[0] * CSS_PX_PER_INCH)
    return DrawnFigure(name, title, caption, tuple(paths), pixels, width_px)


def _render(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, metadata=_NO_DATE[kind])
    return stream.getvalue()
