"""The class of the lab against PyTorch: value, gradients, and what is freed when."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from graph import Graph

# Both compute in float64; the orders of the roundings differ.
TOLERANCE = 1e-12


@pytest.fixture(params=[(), (1,), (5,), (2, 3)], ids=str)
def inputs(request):
    """Return x1, x2, x3 of several shapes, single numbers among them."""
    rng = np.random.default_rng(3)
    return [torch.from_numpy(np.asarray(rng.uniform(0.5, 2.0, request.param))) for _ in range(3)]


def test_value_and_gradients_are_those_of_torch(inputs):
    """The walk over our graph and PyTorch's backward pass give the same numbers."""
    graph = Graph(0.5, 2.0)
    value, gradients = graph.my_forward_backward(*inputs)
    expected = graph(*inputs)
    expected.sum().backward()
    torch.testing.assert_close(value, expected.detach(), rtol=TOLERANCE, atol=TOLERANCE)
    for name, parameter in graph.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=TOLERANCE, atol=TOLERANCE)


def test_each_value_is_freed_when_nothing_needs_it(inputs):
    """Intermediate values go as early as in PyTorch."""
    graph = Graph(0.5, 2.0)
    value, _ = graph.my_forward_backward(*inputs)
    assert value.shape == inputs[0].shape
    journal = graph.journal
    stages = [
        (each.operation, journal.when_freed(each.number).partition(",")[0]) for each in journal.computed
    ]
    # Only the sine needs its input for the backward pass. The result is the caller's.
    assert stages == [
        ("multiply", "forward"),
        ("multiply", "backward"),
        ("sin", "forward"),
        ("divide", "forward"),
        ("add", "kept"),
    ]


def test_only_what_is_needed_is_computed(inputs):
    """No gradient is computed for x1, x2 and x3, and no node is skipped in vain."""
    graph = Graph(0.5, 2.0)
    graph.my_forward_backward(*inputs)
    assert not graph.journal.skipped
    # x1, x2 and x3 have no gradients: one product each for w0, w1 and the sine, one quotient, one cosine.
    computed = sorted(entry.operation for entry in graph.journal.gradients if entry.operation != "sum")
    assert computed == ["cos", "divide", "multiply", "multiply", "multiply"]
