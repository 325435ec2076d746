"""Activation functions and the operations of their gradients."""

from __future__ import annotations

import numpy as np
from gradcheck.case import Case, numbers

import rapidity.autodiff as ad
from rapidity.autodiff.operations import activations

FUNCTIONS = {
    "relu": ad.relu,
    "leaky_relu": lambda x: ad.leaky_relu(x, 0.2),
    "elu": lambda x: ad.elu(x, 1.3),
    "selu": ad.selu,
    "gelu": ad.gelu,
    "silu": ad.silu,
    "mish": ad.mish,
    "softplus": ad.softplus,
    "softsign": ad.softsign,
    "hard_sigmoid": lambda x: ad.hard_sigmoid(2.3 * x),
    "sigmoid": ad.sigmoid,
    "log_sigmoid": ad.log_sigmoid,
    "tanh": ad.tanh,
}
FAR = np.array([-30.0, -9.0, -4.0, -0.5, 0.5, 4.0, 9.0, 30.0])
CASES = [
    Case(getattr(activations, f"{name}{suffix}".upper()), function, {"x": x}, label=label)
    for name, function in FUNCTIONS.items()
    for suffix in ("", "_gradient")
    for x, label in ((numbers(3, 4), ""), (numbers(), ""), (FAR, "far"), (numbers(0, 2), "empty"))
]
CASES.append(
    Case(
        activations.RELU,
        lambda x, y: ad.relu(x + y, overwrite=True),
        {"x": numbers(3, 4), "y": 0.1 * numbers(4)},
        label="overwrite",
    )
)
CASES.append(Case(activations.LEAKY_RELU, lambda x: ad.leaky_relu(x, 1.5), {"x": numbers(5)}, label="steep"))
CASES.append(Case(activations.ELU, ad.elu, {"x": numbers(5)}, label="alpha 1"))
