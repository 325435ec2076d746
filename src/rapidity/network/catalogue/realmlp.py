"""RealMLP, the perceptron whose defaults were tuned on many tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, FiniteFloat

from rapidity.core.errors import GraphError
from rapidity.network.catalogue.entry import CatalogueNetwork
from rapidity.network.layers import (
    Concatenate,
    Dense,
    Dropout,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
)
from rapidity.network.layers.activation import ActivationName
from rapidity.network.layers.dropout import DropoutRate
from rapidity.network.layers.masks import is_optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network.layer import Layer, Shape

SCALE_RATE = 6.0
"""Learning rates over that of the network: table A.1 of the paper."""
SMALL_RATE = 0.1
BIAS_DEVIATION = 3**-0.5
"""Deviation of a sum of five values of deviation 1 with random parts that add up to 1.

The paper draws a bias as minus such a mean of the layer's own results for five training events; their
deviation at the start is 1. What is drawn here depends on no data.
"""


class Realmlp(CatalogueNetwork):
    """RealMLP: a perceptron with waves of each feature, trained scales and defaults tuned on many tables.

    Preparation, learning rate and schedule belong to it: the guide, page "Networks", has them as YAML.
    """

    paper: ClassVar[str] = "Holzmueller, Grinsztajn and Steinwart, arXiv:2407.04491"

    type: Literal["realmlp"]
    hidden: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)] = (256, 256, 256)
    """Units of each hidden layer."""
    activation: ActivationName = "selu"
    """Function after each hidden layer; the paper takes `selu` for classification, `mish` for regression."""
    dropout: DropoutRate = 0.15
    """Fraction of the units of each hidden layer set to zero while training."""
    embedding_width: Annotated[int, Field(ge=1)] = 4
    """Numbers that each feature becomes; 1: the feature alone, without waves."""
    frequencies: Annotated[int, Field(gt=0)] = 16
    """Waves of each feature."""
    frequency_deviation: Annotated[FiniteFloat, Field(gt=0)] = 0.1
    """Standard deviation of the first frequencies, in periods per unit of a prepared feature."""

    def layers(self, inputs: Mapping[str, Shape]) -> list[Layer]:
        """Return the embedding, the trained scales, and dense, activation, dropout for each hidden layer."""
        inputs = {name: shape for name, shape in inputs.items() if not is_optional(name, inputs)}
        _check_tables(inputs)
        layers: list[Layer] = []
        if len(inputs) > 1:
            layers.append(Concatenate(type="concatenate", name="tables", inputs=tuple(inputs)))
        if self.embedding_width > 1:
            layers.append(
                PeriodicEmbedding(
                    type="periodic_embedding",
                    name="embedding",
                    frequencies=self.frequencies,
                    width=self.embedding_width,
                    deviation=self.frequency_deviation,
                    rate_factor=SMALL_RATE,
                )
            )
        layers.append(Scale(type="scale", name="scale", rate_factor=SCALE_RATE))
        for number, units in enumerate(self.hidden, start=1):
            layers += self._hidden_layer(number, units)
        return layers

    def head(self, name: str, n_logits: int) -> Dense:
        """Return a dense layer as all of this network."""
        return _dense(name, n_logits)

    def _hidden_layer(self, number: int, units: int) -> list[Layer]:
        layers: list[Layer] = [
            _dense(f"dense_{number}", units),
            ParametricActivation(
                type="parametric_activation",
                name=f"{self.activation}_{number}",
                function=self.activation,
                rate_factor=SMALL_RATE,
            ),
        ]
        if self.dropout > 0:
            layers.append(Dropout(type="dropout", name=f"dropout_{number}", rate=self.dropout))
        return layers


def _dense(name: str, units: int) -> Dense:
    return Dense(
        type="dense",
        name=name,
        units=units,
        initializer="lecun_normal",
        parametrization="ntk",
        bias_deviation=BIAS_DEVIATION,
        bias_rate_factor=SMALL_RATE,
        bias_decay_factor=0.0,
    )


def _check_tables(inputs: Mapping[str, Shape]) -> None:
    for name, shape in inputs.items():
        if len(shape) != 1:
            axes = ", ".join(map(str, ("n_events", *shape)))
            message = (
                f"network 'realmlp' is one for tables, but the input '{name}' is ({axes}). Give it inputs of"
                " kind table alone, or take another network: 'rapidity networks' lists them."
            )
            raise GraphError(message)
