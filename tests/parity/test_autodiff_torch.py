"""Values, gradients and freeing of autodiff against PyTorch's autograd."""

from __future__ import annotations

import numpy as np
import pytest

import rapidity.autodiff as ad

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
X = np.linspace(-6.0, 6.0, 41)
# float64 on both sides; the formulas differ by a few roundings.
TOLERANCE = 1e-12
FUNCTIONS = {
    "relu": (ad.relu, "relu"),
    "leaky_relu": (ad.leaky_relu, "leaky_relu"),
    "elu": (lambda x: ad.elu(x, 0.7), lambda x: torch.nn.functional.elu(x, 0.7)),
    "selu": (ad.selu, "selu"),
    "gelu": (ad.gelu, "gelu"),
    "silu": (ad.silu, "silu"),
    "mish": (ad.mish, "mish"),
    "softplus": (ad.softplus, lambda x: torch.nn.functional.softplus(x, threshold=1e9)),
    "softsign": (ad.softsign, "softsign"),
    # PyTorch's own has no second derivative.
    "hard_sigmoid": (
        ad.hard_sigmoid,
        lambda x: torch.where(torch.abs(x) < 3, x / 6 + 0.5, (x > 0).double()),
    ),
    "sigmoid": (ad.sigmoid, "sigmoid"),
    "log_sigmoid": (ad.log_sigmoid, "logsigmoid"),
    "tanh": (ad.tanh, "tanh"),
    "erf": (ad.erf, torch.erf),
    "absolute": (ad.absolute, torch.abs),
    "softmax": (ad.softmax, lambda x: torch.softmax(x, -1)),
    "log_softmax": (ad.log_softmax, lambda x: torch.log_softmax(x, -1)),
    "log_sum_exp": (ad.log_sum_exp, lambda x: torch.logsumexp(x, -1)),
    "variance": (lambda x: ad.variance(x, n_subtracted=1), torch.var),
    "max": (ad.max, torch.amax),
    "clip": (lambda x: ad.clip(x, -3.0, 3.0), lambda x: torch.clamp(x, -3.0, 3.0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_first_and_second_derivative_are_those_of_torch(name):
    ours, theirs = FUNCTIONS[name]
    if isinstance(theirs, str):
        theirs = getattr(torch.nn.functional, theirs)
    weight = np.cos(X)
    x = ad.tensor(X, requires_gradient=True)
    value = ours(x)
    weights = weight if value.shape else np.asarray(1.3)
    (first,) = ad.gradients((weights * value**2).sum(), [x], create_graph=True)
    (second,) = ad.gradients((first * weight).sum(), [x])
    x_torch = torch.tensor(X, requires_grad=True)
    value_torch = theirs(x_torch)
    total = (torch.tensor(weights) * value_torch**2).sum()
    (first_torch,) = torch.autograd.grad(total, x_torch, create_graph=True)
    (second_torch,) = torch.autograd.grad((first_torch * torch.tensor(weight)).sum(), x_torch)
    for found, expected in ((value, value_torch), (first, first_torch), (second, second_torch)):
        np.testing.assert_allclose(found.array, expected.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)


def test_second_backward_fails_and_the_first_gradient_stays_as_in_torch():
    ours, theirs = ad.tensor(X, requires_gradient=True), torch.tensor(X, requires_grad=True)
    for leaf, library in ((ours, ad), (theirs, torch)):
        total = (library.exp(library.sin(leaf * 2.0)) + 1.0).sum()
        total.backward()
        with pytest.raises(RuntimeError, match="second time"):
            total.backward()
    np.testing.assert_allclose(ours.gradient.array, theirs.grad.numpy(), rtol=TOLERANCE)
