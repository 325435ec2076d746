"""Every operation of autodiff against central differences, on broadcast and edge shapes."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.autodiff import operations
from rapidity.autodiff.operation import Operation

if TYPE_CHECKING:
    from gradcheck.case import Case

CASES: list[Case] = [
    case
    for path in sorted(Path(__file__).parent.glob("cases_*.py"))
    for case in importlib.import_module(f"gradcheck.{path.stem}").CASES
]
SMOOTH = [case for case in CASES if case.order > 0]
# Central differences over four points in float64: truncation 1e-12 f'''''/30, rounding 2e-13 f.
TOLERANCE = 1e-7


def all_operations() -> dict[str, Operation]:
    """Return every operation that a module of the package defines, by module and name."""
    found = {}
    for module in pkgutil.walk_packages(operations.__path__, f"{operations.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Operation):
                found[f"{module.name}.{name}"] = value
    return found


def run(case: Case, workspace: ad.Workspace, dtype: type = np.float64) -> tuple[ad.Tensor, list[ad.Tensor]]:
    """Return the value of a case and its leaves."""
    inputs, leaves = {}, []
    for name, value in case.inputs.items():
        inputs[name] = value
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            inputs[name] = ad.tensor(value, requires_gradient=True, dtype=dtype, workspace=workspace)
            leaves.append(inputs[name])
    return case.function(**inputs), leaves


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_rules_agree_with_central_differences(case):
    report = ad.check_gradients(
        case.function, case.inputs, order=case.order, n_directions=2, tolerance=TOLERANCE
    )
    n_inputs = sum(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in case.inputs.values())
    assert len(report.comparisons) == 2 * case.order * n_inputs


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case_uses_its_operation(case):
    journal = ad.Journal()
    value, leaves = run(case, ad.Workspace(journal=journal))
    if case.order > 1:
        slopes = ad.gradients(value, leaves, np.ones(value.shape), create_graph=True)
        for slope in slopes:
            if slope.node is not None:
                (slope * slope).sum().backward(retain_graph=True)
    elif case.order == 1:
        value.backward(np.ones(value.shape))
    assert case.operation.name in {entry.operation for entry in journal.entries}


@pytest.mark.parametrize("case", [case for case in CASES if case.order == 0], ids=str)
def test_jumps_are_not_recorded(case):
    value, _ = run(case, ad.Workspace())
    assert value.node is None
    assert value.shape == np.broadcast_shapes(*(np.shape(x) for x in case.inputs.values()))


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_float32_stays_float32(case):
    value, leaves = run(case, ad.Workspace(), np.float32)
    if case.operation.name == "astype":
        return
    assert value.dtype == np.float32
    value.backward(np.ones(value.shape, np.float32))
    assert {leaf.gradient.dtype for leaf in leaves if leaf.gradient is not None} == {np.dtype(np.float32)}


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_memory_that_is_handed_out_again_changes_nothing(case, monkeypatch):
    # Even the smallest arrays come from the pool, filled with what was there before.
    monkeypatch.setattr("rapidity.autodiff.workspace.SMALLEST_KEPT", 1)
    monkeypatch.setattr("rapidity.autodiff.operations.ufuncs.SMALLEST_KEPT", 1)
    value, leaves = run(case, ad.Workspace())
    expected = [value, *ad.gradients(value, leaves, np.ones(value.shape))]
    pool = ad.Workspace(ad.BufferPool())
    for _ in range(2):
        value, leaves = run(case, pool)
        found = [value, *ad.gradients(value, leaves, np.ones(value.shape))]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.array, other.array)
        del value, leaves, found


def test_every_operation_has_a_case():
    checked = {id(case.operation) for case in CASES}
    lacking = [name for name, operation in all_operations().items() if id(operation) not in checked]
    assert not lacking, f"no case in tests/gradcheck/cases_*.py for {lacking}"
