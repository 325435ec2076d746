"""The functions of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.expressions.function import UNLIMITED, Function, Kind, Value

if TYPE_CHECKING:
    from rapidity.core.namespace import ArrayNamespace


def _elementwise(name: str, description: str, result: Kind = "number") -> Function:
    """Return a function of one number that the namespace has under a NumPy name."""

    def compute(xp: ArrayNamespace, value: Value) -> Value:
        return getattr(xp, name)(value)

    short = "abs" if name == "absolute" else name
    return Function(compute, f"{short}(x)", description, result=result)


def _fold(name: str, word: str) -> Function:
    """Return a function of two or more numbers that takes them two at a time."""

    def compute(xp: ArrayNamespace, *values: Value) -> Value:
        result = values[0]
        for value in values[1:]:
            result = getattr(xp, name)(result, value)
        return result

    return Function(
        compute, f"{name[:3]}(a, b, ...)", f"The {word} of two or more numbers; NaN if any is.", n_min=2,
        n_max=UNLIMITED,
    )  # fmt: skip


def _where(xp: ArrayNamespace, condition: Value, chosen: Value, other: Value) -> Value:
    return xp.where(condition, chosen, other)


def _clip(xp: ArrayNamespace, value: Value, low: Value, high: Value) -> Value:
    return xp.minimum(xp.maximum(value, low), high)


NUMBER_FUNCTIONS: dict[str, Function] = {
    "abs": _elementwise("absolute", "Size without the sign."),
    "sign": _elementwise("sign", "-1, 0 or 1."),
    "sqrt": _elementwise("sqrt", "Square root; NaN below zero."),
    "exp": _elementwise("exp", "Exponential."),
    "log": _elementwise("log", "Natural logarithm; NaN below zero."),
    "log10": _elementwise("log10", "Logarithm to base 10."),
    "log1p": _elementwise("log1p", "`log(1 + x)`, exact for small x."),
    "sin": _elementwise("sin", "Sine of radians."),
    "cos": _elementwise("cos", "Cosine of radians."),
    "tan": _elementwise("tan", "Tangent of radians."),
    "arcsin": _elementwise("arcsin", "Inverse sine, radians in [-pi/2, pi/2]."),
    "arccos": _elementwise("arccos", "Inverse cosine, radians in [0, pi]."),
    "arctan": _elementwise("arctan", "Inverse tangent, radians in [-pi/2, pi/2]."),
    "arctan2": Function(
        lambda xp, y, x: xp.arctan2(y, x), "arctan2(y, x)", "Angle of the point (x, y), in [-pi, pi].",
        n_min=2, n_max=2,
    ),
    "sinh": _elementwise("sinh", "Hyperbolic sine."),
    "cosh": _elementwise("cosh", "Hyperbolic cosine."),
    "tanh": _elementwise("tanh", "Hyperbolic tangent."),
    "arcsinh": _elementwise("arcsinh", "Inverse hyperbolic sine: a logarithm for both signs."),
    "floor": _elementwise("floor", "Largest whole number not above x."),
    "ceil": _elementwise("ceil", "Smallest whole number not below x."),
    "hypot": Function(
        lambda xp, a, b: xp.hypot(a, b), "hypot(a, b)", "`sqrt(a**2 + b**2)`, free of overflow.",
        n_min=2, n_max=2,
    ),
    "min": _fold("minimum", "smallest"),
    "max": _fold("maximum", "largest"),
    "clip": Function(
        _clip, "clip(x, low, high)", "x, or the end of the interval that it lies beyond.", n_min=3, n_max=3
    ),
    "where": Function(
        _where, "where(condition, a, b)", "a where the condition holds, else b.",
        arguments=("condition", "number", "number"), n_min=3, n_max=3,
    ),
    "isnan": _elementwise("isnan", "Whether x is NaN.", "condition"),
    "isinf": _elementwise("isinf", "Whether x is infinite.", "condition"),
}  # fmt: skip
