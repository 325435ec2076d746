"""Periodic embeddings of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, FiniteFloat

from rapidity.network.layer import Layer, ParameterSpec, Shape, ShapeError
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class PeriodicEmbedding(Layer):
    """Turns each number into several: itself, and sums of waves of it that are trained for each feature.

    Of the feature i, ``cos(2 pi x_i frequency_i + phase_i) @ kernel_i + bias_i`` gives ``width - 1`` numbers;
    these come first, feature by feature, and all x_i follow.

    Source: PBLD of Holzmueller, Grinsztajn and Steinwart, arXiv:2407.04491, section 3; waves of numbers as
    inputs: Gorishniy, Rubachev and Babenko, arXiv:2203.05556.
    """

    type: Literal["periodic_embedding"]
    frequencies: Annotated[int, Field(gt=0)] = 16
    """Waves of each feature."""
    width: Annotated[int, Field(ge=2)] = 4
    """Numbers that come out for each feature, itself among them."""
    deviation: Annotated[FiniteFloat, Field(gt=0)] = 0.1
    """Standard deviation of the first frequencies, which are normal, in periods per unit of the feature."""
    rate_factor: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    """Learning rate of all that is trained here over that of the network."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n_features * width,)``."""
        return (self._n_features(shapes) * self.width,)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return frequency and phase ``(n_features, frequencies)``, kernel and bias of the sums.

        The kernel is ``(n_features, frequencies, width - 1)``, the bias ``(n_features, width - 1)``.
        """
        n_features, rate = self._n_features(shapes), self.rate_factor
        waves, sums = (n_features, self.frequencies), (n_features, self.width - 1)
        n_in, n_out = self.frequencies, self.width - 1
        return (
            ParameterSpec("frequency", waves, "unit_normal", factor=self.deviation, rate_factor=rate),
            ParameterSpec("phase", waves, "unit_uniform", factor=math.pi, rate_factor=rate),
            ParameterSpec("kernel", (*waves, n_out), "fan_in_uniform", n_in, n_out, rate_factor=rate),
            ParameterSpec("bias", sums, "fan_in_uniform", n_in, n_out, rate_factor=rate),
        )

    def _n_features(self, shapes: Sequence[Shape]) -> int:
        shape = one_shape(shapes)
        if len(shape) != 1:
            cure = "Name a table in its 'inputs', or put a 'flatten' layer before it"
            raise ShapeError(needs="(n_events, n_features)", cure=cure)
        return shape[0]
