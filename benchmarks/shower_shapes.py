"""Summaries of calorimeter images, as an analysis without networks uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR = 4.7
"""Smallest logarithm of an energy fraction that has a weight, of the opposite sign (Awes et al.,
NIM A 311 (1992) 130; the value is that of CMS, arXiv:1502.02702)."""
THRESHOLDS = (0.05, 0.2, 1.0)
"""GeV; crystals above are counted."""


def summarize_showers(images: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Return name -> one number an image of ``(n, height, width, 2)``: energies in GeV and times in ns."""
    energy = np.clip(images[..., 0].astype(np.float64), 0, None)
    time = images[..., 1].astype(np.float64)
    total = np.maximum(energy.sum(axis=(1, 2)), 1e-9)
    summaries = {"sum": total, "largest": energy.max(axis=(1, 2)) / total}
    for name, half in (("3", 1), ("5", 2), ("9", 4)):
        summaries[f"e{name}x{name}"] = _around_the_largest(energy, half, half) / total
    summaries["e1x5"] = _around_the_largest(energy, 0, 2) / total
    summaries["e5x1"] = _around_the_largest(energy, 2, 0) / total
    summaries |= _moments(energy / total[:, np.newaxis, np.newaxis])
    for threshold in THRESHOLDS:
        summaries[f"above_{threshold:g}"] = (energy > threshold).sum(axis=(1, 2)).astype(np.float64)
    mean = (energy * time).sum(axis=(1, 2)) / total
    spread = (energy * (time - mean[:, np.newaxis, np.newaxis]) ** 2).sum(axis=(1, 2)) / total
    return {**summaries, "time": mean, "time_spread": np.sqrt(spread)}


def _around_the_largest(energy: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    """Return the energy within so many rows and columns of the crystal that has the most."""
    n, height, width = energy.shape
    row, column = np.divmod(energy.reshape(n, -1).argmax(axis=1), width)
    near_row = np.abs(np.arange(height) - row[:, np.newaxis]) <= rows
    near_column = np.abs(np.arange(width) - column[:, np.newaxis]) <= columns
    window: NDArray[np.float64] = np.einsum("nij,ni,nj->n", energy, near_row, near_column)
    return window


def _moments(fraction: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return widths, covariance and skewness with logarithmic weights, and the plain widths."""
    with np.errstate(divide="ignore"):
        weight = np.clip(FLOOR + np.log(fraction), 0, None)
    moments = {}
    for name, unscaled in (("log", weight), ("plain", fraction)):
        values = unscaled / np.maximum(unscaled.sum(axis=(1, 2), keepdims=True), 1e-9)
        along = [values.sum(axis=2), values.sum(axis=1)]
        place = np.arange(fraction.shape[1])
        centred = [place - (part @ place)[:, np.newaxis] for part in along]
        for axis, part, offset in zip(("row", "column"), along, centred, strict=True):
            width = np.sqrt((part * offset**2).sum(axis=1))
            moments[f"{name}_width_{axis}"] = width
            moments[f"{name}_skewness_{axis}"] = (part * offset**3).sum(axis=1) / np.maximum(width, 0.1) ** 3
        moments[f"{name}_covariance"] = np.einsum("nij,ni,nj->n", values, *centred)
    return moments
