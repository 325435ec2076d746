"""Embeddings in two dimensions: the principal components, and what the probe looks along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.explanation.probe import LinearProbe


@dataclass(frozen=True)
class Plane:
    """Events as points of a plane.

    Attributes
    ----------
    name
        Short, for file names.
    caption
        What the axes are and how they were found.
    points
        ``(n_events, 2)``; the second coordinate is 0 where a layer has one value only.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    caption: str
    points: NDArray[np.float64]


def find_planes(
    probe: LinearProbe, train: NDArray[np.float32], shown: NDArray[np.float32], seed: int
) -> list[Plane]:
    """Return the events `shown` in the plane of largest variance and in that of the probe.

    Parameters
    ----------
    train, shown
        Embeddings ``(n_events, n_values)``: axes are found with the first, the second are drawn.
    seed
        Of the approximate search for components where there are many values.
    """
    fitted, standardised = probe.standardise(train), probe.standardise(shown)
    return [
        _principal_plane(fitted, standardised, seed),
        _probe_plane(probe, train, shown, fitted, standardised, seed),
    ]


def _principal_plane(fitted: NDArray[np.float32], shown: NDArray[np.float32], seed: int) -> Plane:
    components = _components(fitted, 2, seed)
    points = components.transform(shown)
    shares = components.explained_variance_ratio_
    labels = [f"Principal component {k + 1} ({share:.0%} of the variance)" for k, share in enumerate(shares)]
    return Plane(
        "pca",
        "Principal components",
        labels[0],
        labels[1] if len(labels) > 1 else "",
        "Standardised embeddings along the two directions in which those of the training split vary most; "
        "the target played no part in finding them.",
        _two_columns(points),
    )


def _probe_plane(
    probe: LinearProbe,
    train: NDArray[np.float32],
    shown: NDArray[np.float32],
    fitted: NDArray[np.float32],
    standardised: NDArray[np.float32],
    seed: int,
) -> Plane:
    """Two classes: the probe's logit, and the largest variance across it; more: the logits' largest two."""
    title = "Direction of the probe"
    if len(probe.classes) > 2:
        points = _components(probe.logits(train), 2, seed).transform(probe.logits(shown))
        caption = "The logits of the probe along the two directions in which they vary most."
        return Plane(
            "probe", title, "Logits of the probe, component 1", "Component 2", caption, _two_columns(points)
        )
    direction = probe.directions[:, 0] / max(float(np.linalg.norm(probe.directions[:, 0])), 1e-300)
    logits = probe.logits(shown)[:, 0]
    caption = (
        "Across: the logit of the probe, which cuts at 0. Up: the direction of largest variance at right "
        "angles to that of the probe."
    )
    label = f"Logit of the probe for {probe.classes.names[probe.classes.positive_index]}"
    if len(direction) == 1:
        return Plane("probe", title, label, "", caption, _two_columns(logits[:, np.newaxis]))
    across = _components(_without(fitted, direction), 1, seed)
    up = across.transform(_without(standardised, direction))[:, 0]
    points = np.column_stack([logits, up])
    return Plane("probe", title, label, "Largest variance across", caption, points)


def _components(values: NDArray[Any], n_components: int, seed: int) -> Any:
    from sklearn.decomposition import PCA

    return PCA(min(n_components, *values.shape), random_state=seed).fit(values)


def _without(values: NDArray[np.float32], direction: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the values with their part along a direction of unit length taken out."""
    unit = direction.astype(values.dtype)
    return values - np.outer(values @ unit, unit)


def _two_columns(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    full = np.zeros((len(points), 2))
    full[:, : points.shape[1]] = points
    return full
