"""Functions that ONNX lacks, or ONNX Runtime lacks in float64, out of operators that it has.

Missing there: Cos (before 1.16), Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh in float64, and any Atan2,
Hypot, Log1p, Log10. Each function below agrees with NumPy within `RELATIVE_ACCURACY` (sine, cosine and
tangent near their zeros and poles within 3e-16 absolute and 1e-9 relative), for infinities, NaN and zeros
too; tests/unit/artefact/test_namespace.py holds them to it.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.artefact.symbols import Operand, Symbol

RELATIVE_ACCURACY = 1e-14
"""About 50 units in the last place; NumPy's own functions reach 1 to 4."""

# atan(x) = x + x z P(z) / Q(z) with z = x**2, |x| <= 0.66.
# Source: S. Moshier, Cephes Math Library 2.8, atan.c (relative error 1.8e-16).
_ATAN_P = (
    -8.750608600031904122785e-1,
    -1.615753718733365076637e1,
    -7.500855792314704667340e1,
    -1.228866684490136173410e2,
    -6.485021904942025371773e1,
)
_ATAN_Q = (
    1.0,
    2.485846490142306297962e1,
    1.650270098316988542046e2,
    4.328810604912902668951e2,
    4.853903996359136964868e2,
    1.945506571482613964425e2,
)


def _where(condition: Symbol, a: Operand, b: Operand) -> Symbol:
    return condition.pool.operation("Where", condition, a, b)


def _apply(op: str, *values: Symbol) -> Symbol:
    return values[0].pool.operation(op, *values)


def _polynomial(coefficients: Sequence[float], x: Symbol) -> Any:
    """Return the polynomial by Horner's rule, highest power first."""
    start: Any = coefficients[0]
    return reduce(lambda total, coefficient: total * x + coefficient, coefficients[1:], start)


def _is_infinite(x: Symbol) -> Symbol:
    return x.pool.operation("IsInf", x, is_condition=True)


def _is_negative(x: Symbol) -> Symbol:
    """Return whether the sign bit is set: also for -0.0, whose reciprocal is -inf."""
    return (x < 0.0) | (1.0 / x < 0.0)


def minimum(a: Symbol, b: Symbol) -> Symbol:
    """Return the smaller one; NaN if either is."""
    return _keep_nan(_apply("Min", a, b), a, b)


def maximum(a: Symbol, b: Symbol) -> Symbol:
    """Return the larger one; NaN if either is."""
    return _keep_nan(_apply("Max", a, b), a, b)


def _keep_nan(result: Symbol, a: Symbol, b: Symbol) -> Symbol:
    # ONNX does not say what Min and Max do with NaN, and runtimes differ.
    for value in (a, b):
        if value.op != "constant":
            result = _where(value.pool.operation("IsNaN", value, is_condition=True), value, result)
    return result


def hypot(a: Symbol, b: Symbol) -> Symbol:
    """Return ``sqrt(a**2 + b**2)`` without overflow of the squares."""
    size_a, size_b = _apply("Abs", a), _apply("Abs", b)
    large, small = _apply("Max", size_a, size_b), _apply("Min", size_a, size_b)
    ratio = small / _where(large == 0.0, 1.0, large)
    length = large * _apply("Sqrt", 1.0 + ratio * ratio)
    return _where(_is_infinite(a) | _is_infinite(b), math.inf, _keep_nan(length, a, b))


def log10(x: Symbol) -> Symbol:
    """Return the logarithm to base 10."""
    return _apply("Log", x) / math.log(10.0)


def log1p(x: Symbol) -> Symbol:
    """Return ``log(1 + x)``, exact for small x.

    Source: W. Kahan's correction of the rounding of 1 + x; N. Higham, Accuracy and Stability of Numerical
    Algorithms, section 1.14.1.
    """
    shifted = 1.0 + x
    is_rounded_away = shifted == 1.0
    denominator = _where(is_rounded_away, 1.0, shifted - 1.0)
    logarithm = _apply("Log", shifted)
    corrected = _where(_is_infinite(shifted), logarithm, logarithm * (x / denominator))
    return _where(is_rounded_away, x, corrected)


def sin(x: Symbol) -> Symbol:
    """Return the sine."""
    return _apply("Sin", x)


def cos(x: Symbol) -> Symbol:
    """Return the cosine, out of sines: ONNX Runtime before 1.16 has no Cos in float64.

    Up to a little over pi from the complement, which is exact next to pi / 2; beyond, where subtracting would
    cost the digits that a large angle does not have, from half the angle.
    """
    size = _apply("Abs", x)
    complement = (math.pi / 2 - size) + 6.123233995736766e-17
    half = _apply("Sin", 0.5 * x)
    return _where(size < 3.2, _apply("Sin", complement), 1.0 - 2.0 * half * half)


def tan(x: Symbol) -> Symbol:
    """Return the tangent."""
    return sin(x) / cos(x)


def arctan(x: Symbol) -> Symbol:
    """Return the inverse tangent in [-pi/2, pi/2].

    Source: Cephes atan.c: reduced to |x| <= 0.66 by the identities for 1/x and (x - 1) / (x + 1).
    """
    size = _apply("Abs", x)
    is_large, is_middle = size > math.tan(3 * math.pi / 8), size > 0.66
    reduced = _where(is_large, -1.0 / size, _where(is_middle, (size - 1.0) / (size + 1.0), size))
    offset = _where(is_large, math.pi / 2, _where(is_middle, math.pi / 4, 0.0))
    square = reduced * reduced
    series = square * _polynomial(_ATAN_P, square) / _polynomial(_ATAN_Q, square)
    angle = offset + (reduced * series + reduced)
    return _where(x < 0.0, -angle, _where(x == 0.0, x, angle))


def arctan2(y: Symbol, x: Symbol) -> Symbol:
    """Return the angle of the point (x, y) in [-pi, pi], with C's rules for zeros and infinities."""
    both_zero = (x == 0.0) & (y == 0.0)
    both_infinite = _is_infinite(x) & _is_infinite(y)
    ratio = _apply("Abs", y) / _apply("Abs", x)
    angle = arctan(_where(both_zero, 0.0, _where(both_infinite, 1.0, ratio)))
    angle = _where(_is_negative(x), math.pi - angle, angle)
    return _where(_is_negative(y), -angle, angle)


def arcsin(x: Symbol) -> Symbol:
    """Return the inverse sine in [-pi/2, pi/2]; NaN outside [-1, 1]."""
    return arctan(x / _apply("Sqrt", (1.0 - x) * (1.0 + x)))


def arccos(x: Symbol) -> Symbol:
    """Return the inverse cosine in [0, pi]; NaN outside [-1, 1]."""
    return 2.0 * arctan(_apply("Sqrt", (1.0 - x) / (1.0 + x)))


def sinh(x: Symbol) -> Symbol:
    """Return the hyperbolic sine: a series below 1, where the exponentials cancel."""
    square = x * x
    series: Any = 1.0
    for k in range(9, 0, -1):
        series = 1.0 + square / (2.0 * k * (2.0 * k + 1.0)) * series
    grows, falls = _half_exponentials(x)
    large = _where(x < 0.0, falls - grows, grows - falls)
    return _where(_apply("Abs", x) < 1.0, x * series, large)


def cosh(x: Symbol) -> Symbol:
    """Return the hyperbolic cosine."""
    grows, falls = _half_exponentials(x)
    return grows + falls


def _half_exponentials(x: Symbol) -> tuple[Symbol, Symbol]:
    """Return exp(|x|) / 2 and exp(-|x|) / 2, the first finite as far as its value is."""
    root = _apply("Exp", 0.5 * _apply("Abs", x))
    return 0.5 * root * root, 0.5 / root / root


def arcsinh(x: Symbol) -> Symbol:
    """Return the inverse hyperbolic sine, exact for small x."""
    size = _apply("Abs", x)
    square = size * size
    near = log1p(size + square / (1.0 + _apply("Sqrt", 1.0 + square)))
    far = _apply("Log", size) + math.log(2.0)
    result = _where(size > 1e8, far, near)
    return _where(x < 0.0, -result, _where(x == 0.0, x, result))
