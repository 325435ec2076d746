"""The harness: each test of this folder runs for every installed engine and every case it asks for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conformance.cases import LAYER_CASES, NETWORK_CASES, Case

from rapidity.engines import ENGINES, get_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.core.records import Model

INSTALLED_ENGINES = [name for name, entry in ENGINES.items() if entry.is_installed]

CASES = {
    "case": [*LAYER_CASES, *NETWORK_CASES],
    "first_case": [case for case in (*LAYER_CASES, *NETWORK_CASES) if case.is_first],
    "layer_case": LAYER_CASES,
    # Dense layers surround all others: without them no case can be built.
    "first_other_case": [case for case in LAYER_CASES if case.is_first and case.kind != "dense"],
    "batch_norm_case": [case for case in LAYER_CASES if case.kind == "batch_norm"],
    "masked_case": [case for case in (*LAYER_CASES, *NETWORK_CASES) if case.has_mask],
    "cloud_case": [case for case in NETWORK_CASES if case.has_mask],
    "network_case": NETWORK_CASES,
}
"""Fixture -> what it goes through; `first_case` is one of each kind, for tests that train."""


def pytest_generate_tests(metafunc: Any) -> None:
    """Give each test of this folder its engine, marked with the engine's name, and its case."""
    if "engine_name" in metafunc.fixturenames:
        engines = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in INSTALLED_ENGINES]
        metafunc.parametrize("engine_name", engines)
    for name in set(CASES) & set(metafunc.fixturenames):
        metafunc.parametrize(name, CASES[name], ids=[case.title for case in CASES[name]])


@cache
def _build_once(engine_name: str, case: Case) -> Model:
    return get_engine(engine_name).build(case.network, case.draw_parameters(), "cpu")


@pytest.fixture(scope="session")
def build_once() -> Callable[[str, Case], Model]:
    """Return a function that builds a case with its drawn parameters; it is shared: do not train it."""
    return _build_once


@pytest.fixture(scope="session")
def build_new() -> Callable[[str, Case], Model]:
    """Return a function that builds a case with its initial parameters, to be trained."""

    def build(engine_name: str, case: Case) -> Model:
        parameters = case.network.initial_parameters(np.random.default_rng(1))
        return get_engine(engine_name).build(case.network, parameters, "cpu")

    return build
