"""The error about inputs that are NaN or infinite where the configuration refuses that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.core.errors import DataError, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.data.fitted_input import FittedInput


def check_usable(
    inputs: Iterable[FittedInput],
    columns: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64] | None,
    name_row: Callable[[int], str],
) -> None:
    """Raise one DataError that names all features, images and objects with NaN or infinities refused."""
    problems: dict[str, list[str]] = {"table": [], "image": [], "cloud": []}
    for fitted in inputs:
        problems[fitted.kind].extend(fitted.find_unusable(columns, rows, name_row))
    parts = []
    if problems["table"]:
        parts.append(
            f"features that are not numbers everywhere:\n  {shorten(problems['table'])}.\n"
            "  To fill such values in, set `nan: missing` or `infinite: missing` under preparation.missing "
            "(or for one "
            "feature under preparation.columns); to leave such events out, use data.selection."
        )
    if problems["cloud"]:
        parts.append(
            f"objects that are not numbers everywhere:\n  {shorten(problems['cloud'])}.\n"
            "  To fill such values in, set `nan: missing` or `infinite: missing` under preparation.missing "
            "(momenta are never filled in); to leave such objects out, use the `selection` of the cloud."
        )
    if problems["image"]:
        parts.append(
            f"images that are not numbers everywhere:\n  {shorten(problems['image'])}.\n"
            "  Expected a number in every pixel: correct the file, or leave such events out with "
            "data.selection."
        )
    if parts:
        raise DataError("\n".join(parts))
