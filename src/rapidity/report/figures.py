"""Drawn figures: files on disk, and the pixels for the page."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError
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


def choose_formats(path: Path, formats: Sequence[str] | None, what: str) -> tuple[str, ...]:
    """Return the formats to draw in: those asked for, or else the one that the suffix of the file names.

    Parameters
    ----------
    what
        What is drawn, for the message.

    Raises
    ------
    DataError
        If a format is none of those that figures are drawn in.

    Examples
    --------
    >>> from pathlib import Path
    >>> choose_formats(Path("network.svg"), None, "a network")
    ('svg',)
    """
    chosen = (path.suffix.lstrip("."),) if formats is None else tuple(formats)
    if not set(chosen) <= set(_NO_DATE):
        message = f"cannot draw {what} into '{path.name}': its format must be png, pdf or svg."
        raise DataError(message)
    return chosen


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
