"""Batch normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rapidity.network.layer import Layer, ParameterSpec, Shape
from rapidity.network.layers.arity import one_shape
from rapidity.network.layers.masks import masked_token_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class BatchNorm(Layer):
    """Shifts and scales each feature (last axis) to mean 0 and variance 1 over the batch.

    With the semantics of PyTorch: in training the statistics of the batch, the variance divided by n; the
    running ones move by `momentum` towards them, the variance divided by n - 1; outside training the running
    ones are used. A training batch of one value per feature has no variance: it uses the running
    statistics and leaves them alone. With the mask of objects as a second input only those that there are
    count, in the statistics and in n, and the padding comes out as zeros. Source: Ioffe and Szegedy,
    arXiv:1502.03167.
    """

    type: Literal["batch_norm"]
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Part of each new batch in the running mean and variance."""
    epsilon: Annotated[float, Field(gt=0)] = 1e-5
    """Added to the variance."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        if len(shapes) < 2:
            return one_shape(shapes, min_axes=1)
        shape, mask = shapes[0], shapes[1]
        if len(shapes) == 2 and len(shape) > 1 and mask == shape[:-1]:
            return shape
        return masked_token_shape(shapes)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``scale``, ``bias``, ``running_mean``, ``running_variance``, each ``(n_features,)``."""
        features = (shapes[0][-1],)
        return (
            ParameterSpec("scale", features, "ones"),
            ParameterSpec("bias", features, "zeros"),
            ParameterSpec("running_mean", features, "zeros", is_trained=False),
            ParameterSpec("running_variance", features, "ones", is_trained=False),
        )
