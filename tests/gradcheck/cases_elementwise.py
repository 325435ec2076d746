"""Functions of each value by itself, circular functions, the error function."""

from __future__ import annotations

import numpy as np
from gradcheck.case import Case, numbers, positive

import rapidity.autodiff as ad
from rapidity.autodiff.operations import circular, elementwise, error_function

SHAPES_OF_TWO = [
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
    ((), (2, 3)),
    ((2, 1, 3), (4, 1)),
    ((0, 3), (3,)),
]
OF_TWO = {
    elementwise.ADD: (ad.add, numbers),
    elementwise.SUBTRACT: (ad.subtract, numbers),
    elementwise.MULTIPLY: (ad.multiply, numbers),
    elementwise.DIVIDE: (ad.divide, positive),
    elementwise.POWER: (ad.power, positive),
    elementwise.MAXIMUM: (lambda x, y: ad.maximum(x, 0.93 * y), numbers),
    elementwise.MINIMUM: (lambda x, y: ad.minimum(x, 0.93 * y), numbers),
    elementwise.REMAINDER: (lambda x, y: ad.remainder(0.1 * x + 2.5 * y, y), positive),
    circular.ARCTAN2: (ad.arctan2, numbers),
    circular.HYPOT: (ad.hypot, numbers),
}  # fmt: skip
OF_ONE = {
    elementwise.NEGATIVE: (ad.negative, numbers),
    elementwise.SQUARE: (ad.square, numbers),
    elementwise.SQRT: (ad.sqrt, positive),
    elementwise.RECIPROCAL: (ad.reciprocal, positive),
    elementwise.EXP: (ad.exp, numbers),
    elementwise.EXPM1: (ad.expm1, numbers),
    elementwise.LOG: (ad.log, positive),
    elementwise.LOG1P: (ad.log1p, positive),
    elementwise.LOG10: (ad.log10, positive),
    elementwise.ABSOLUTE: (ad.absolute, numbers),
    circular.SIN: (ad.sin, numbers),
    circular.COS: (ad.cos, numbers),
    circular.TAN: (lambda x: ad.tan(0.8 * x), numbers),
    circular.ARCSIN: (lambda x: ad.arcsin(0.5 * x), numbers),
    circular.ARCCOS: (lambda x: ad.arccos(0.5 * x), numbers),
    circular.ARCTAN: (ad.arctan, numbers),
    circular.SINH: (ad.sinh, numbers),
    circular.COSH: (ad.cosh, numbers),
    circular.ARCSINH: (ad.arcsinh, numbers),
    error_function.ERF: (ad.erf, numbers),
}
ENDS = np.array([0.05, 1.0], np.float32)
TAILS = np.array([-5.5, -4.5, -3.0, 0.1, 0.6, 2.0, 4.2, 5.0])
OTHERS = [
    Case(elementwise.POWER, lambda x: x**3, {"x": numbers(4)}, label="constant exponent"),
    Case(elementwise.POWER, lambda x: x**-2.5, {"x": positive(4)}, label="negative exponent"),
    Case(elementwise.POWER, lambda x: x**0, {"x": numbers(4)}, label="exponent 0"),
    Case(elementwise.POWER, lambda x: 2.0**x, {"x": numbers(4)}, label="constant base"),
    Case(
        elementwise.POWER,
        lambda x, y: x ** np.array([0.0, 2.0, 3.0], np.float32) * y,
        {"x": np.array([0.0, -1.2, 0.7]), "y": numbers(3)},
        label="exponent 0 at 0",
    ),
    Case(elementwise.SQRT, lambda x: x**0.5, {"x": positive(4)}, label="as a power"),
    Case(elementwise.RECIPROCAL, lambda x: x**-1, {"x": -positive(4)}, label="as a power"),
    Case(elementwise.CLIP, lambda x: ad.clip(x, -0.8, 0.83), {"x": numbers(3, 4)}),
    Case(elementwise.CLIP, lambda x: ad.clip(x, None, ENDS), {"x": numbers(3, 2)}),
    Case(elementwise.ASTYPE, lambda x: ad.sin(x).astype(np.longdouble).astype(float), {"x": numbers(3)}),
    Case(error_function.ERF, ad.erf, {"x": TAILS}, label="tails"),
]  # fmt: skip
CASES = [
    *(
        Case(operation, function, {"x": make(*x, seed=1), "y": make(*y, seed=2)})
        for operation, (function, make) in OF_TWO.items()
        for x, y in SHAPES_OF_TWO
    ),
    *(
        Case(operation, function, {"x": make(*shape)})
        for operation, (function, make) in OF_ONE.items()
        for shape in ((3, 4), (), (1,), (2, 0))
    ),
    *OTHERS,
]
