from __future__ import annotations

import inspect
import operator

import numpy as np
import pytest

from rapidity.artefact.decompositions import RELATIVE_ACCURACY
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.core.namespace import ArrayNamespace

TWO_ARGUMENTS = {"arctan2", "hypot", "minimum", "maximum"}
LOGIC = {"logical_and", "logical_or", "logical_not"}
NAMES = set(ArrayNamespace.__annotations__) - {"pi", "where"} - LOGIC
OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne")
# The sine of ONNX Runtime rounds while it reduces the argument, and the cosine is made of sines: near their
# zeros, which are the poles of the tangent, only the absolute error counts.
ABSOLUTE = {"sin": 3e-16, "cos": 3e-16, "tan": 3e-16}
RELATIVE = {"floordiv": 1e-15, "tan": 1e-9, "cos": 1e-12, "sin": 1e-12}

SPECIAL = np.array([
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 3.0, -3.0, 7.5, np.inf, -np.inf, np.nan, 5e-324, -1e-320, 1e-17, 1e-10,
    -1e-10, 1e308, -1e308, 1e15, 1e22, 0.66, 0.6600001, 2.414, np.pi, -np.pi, np.pi / 2, 709.0, 710.0, -710.2,
    711.0, 1.0000001, -0.99999999, 9e15,
])  # fmt: skip


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    sizes = 10 ** rng.uniform(-20, 5, 300) * rng.choice([-1, 1], 300)
    return np.concatenate([SPECIAL, rng.normal(size=300), 30 * rng.normal(size=300), sizes])


@pytest.fixture(scope="module")
def pairs(values) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.meshgrid(SPECIAL, SPECIAL)
    shuffled = np.random.default_rng(1).permutation(values)
    return np.concatenate([first.ravel(), values]), np.concatenate([second.ravel(), shuffled])


def assert_agrees(name, found, expected):
    relative, absolute = RELATIVE.get(name, RELATIVE_ACCURACY), ABSOLUTE.get(name, 0.0)
    np.testing.assert_allclose(found, expected, rtol=relative, atol=absolute, equal_nan=True)


@pytest.mark.parametrize("name", sorted(NAMES - TWO_ARGUMENTS))
def test_functions_of_one_number_agree_with_numpy(name, values, run_function):
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(values)
    assert_agrees(name, run_function(lambda xp, x: getattr(xp, name)(x), values), expected)


@pytest.mark.parametrize("name", sorted(TWO_ARGUMENTS))
def test_functions_of_two_numbers_agree_with_numpy(name, pairs, run_function):
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(*pairs)
    assert_agrees(name, run_function(lambda xp, x, y: getattr(xp, name)(x, y), *pairs), expected)


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_numpy(name, pairs, run_function):
    apply = getattr(operator, name)
    with np.errstate(all="ignore"):
        expected = apply(*pairs)
    assert_agrees(name, run_function(lambda xp, x, y: apply(x, y), *pairs), expected)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("number", [2, 0.5, -1.0, np.float64(3.0), 0])
def test_operators_take_plain_numbers_on_both_sides(name, number, values, run_function):
    apply = getattr(operator, name)
    with np.errstate(all="ignore"):
        right, left = apply(values, number), apply(np.float64(number), values)
    found = run_function(lambda xp, x: [apply(x, number) * 1.0, apply(number, x) * 1.0], values)
    assert_agrees(name, found[0], right)
    assert_agrees(name, found[1], left)


@pytest.mark.parametrize("exponent", [1, 2, 3, 0.5, -1, -2, 1.5, 0])
def test_powers_by_plain_numbers_agree_with_numpy(exponent, values, run_function):
    with np.errstate(all="ignore"):
        expected = values**exponent
    assert_agrees("pow", run_function(lambda xp, x: x**exponent, values), expected)


def test_signed_zeros_choose_the_side_in_arctan2(run_function):
    zeros = np.array([0.0, -0.0, 0.0, -0.0]), np.array([0.0, 0.0, -0.0, -0.0])
    found = run_function(lambda xp, y, x: xp.arctan2(y, x), *zeros)
    np.testing.assert_array_equal(found, np.arctan2(*zeros))


def test_where_and_logic_agree_with_numpy(pairs, run_function):
    def build(xp, x, y):
        both = xp.logical_and(x > 0, y > 0)
        one = xp.logical_or(xp.isnan(x), ~(y <= 1)) & xp.logical_not(x == 1)
        return xp.where(both, x, xp.where(one | (x == y), y, -1.0))

    with np.errstate(all="ignore"):
        expected = build(np, *pairs)
    np.testing.assert_array_equal(run_function(build, *pairs), expected)


def test_conditions_count_as_numbers_in_arithmetic(run_function):
    found = run_function(lambda xp, x: (x > 1) + (x > 2) * 2.0, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(found, [0.0, 1.0, 3.0])


def test_numbers_alone_are_computed_at_once():
    xp = OnnxNamespace()
    assert xp.sqrt(4.0) == 2.0
    assert xp.hypot(3.0, 4.0) == 5.0
    assert not xp.isnan(1.0)


def test_equal_operations_are_one_symbol():
    xp = OnnxNamespace()
    x = xp.column("x")
    assert xp.sqrt(x + 1.0) is xp.sqrt(xp.column("x") + 1)
    assert xp.constant(0.0) is not xp.constant(-0.0)
    assert xp.constant(np.nan) is xp.constant(np.nan)


def test_symbols_have_no_truth_value():
    with pytest.raises(TypeError, match="use where"):
        bool(OnnxNamespace().column("x") > 0)


def test_bit_operations_on_numbers_are_refused():
    x = OnnxNamespace().column("x")
    with pytest.raises(TypeError, match="And joins conditions, not numbers"):
        x & (x > 1)


def test_unknown_functions_are_an_attribute_error():
    with pytest.raises(AttributeError, match="has no function 'erf'"):
        _ = OnnxNamespace().erf


def test_the_namespace_has_every_function_of_the_protocol():
    xp = OnnxNamespace()
    for name in inspect.get_annotations(ArrayNamespace):
        assert hasattr(xp, name)
