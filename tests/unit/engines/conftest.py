"""Small networks and events for the tests of engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance import training

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.core.records import Batch, Objective
    from rapidity.network import Network


@pytest.fixture
def make_network() -> Callable[..., Network]:
    """Return a function that builds a network of layers on the input 'features'."""
    return training.make_network


@pytest.fixture
def make_events() -> Callable[..., Batch]:
    """Return a function that makes events whose class depends on their features."""
    return training.make_events


@pytest.fixture
def objective() -> Objective:
    """Return the cross-entropy of two classes."""
    return training.OBJECTIVE
