"""Every function that an expression may call, declared once: name, arguments, meaning, implementation.

The guide page prints this table; the parser checks calls against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rapidity.core.errors import ExpressionError
from rapidity.core.registry import Registry
from rapidity.physics import kinematics
from rapidity.physics.momentum import Momentum, add_momenta

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rapidity.core.namespace import ArrayNamespace

Value = Any
Kind = Literal["number", "condition"]
ArgumentKind = Literal["number", "condition", "object", "angle"]
"""`angle`: a number in radians, or an object, which stands for its phi."""

UNLIMITED = 1_000


@dataclass(frozen=True)
class Function:
    """One function of the language.

    Attributes
    ----------
    compute
        ``(xp, *arguments) -> value``; objects arrive as `Momentum`.
    signature
        As a user writes it; shown in messages and in the guide.
    description
        One line for the guide, with the unit of the result.
    arguments
        Kind of each argument; the last one repeats where more may follow.
    n_min, n_max
        Numbers of arguments allowed.
    needs
        Components that every object argument must be able to give; `sum_needs` instead when several
        objects are added up.
    """

    compute: Callable[..., Value]
    signature: str
    description: str
    arguments: tuple[ArgumentKind, ...] = ("number",)
    n_min: int = 1
    n_max: int = 1
    result: Kind = "number"
    needs: tuple[str, ...] = ()
    sum_needs: tuple[str, ...] = ()

    def argument_kind(self, index: int) -> ArgumentKind:
        """Return the kind of argument number `index`, counted from 0."""
        return self.arguments[min(index, len(self.arguments) - 1)]

    @property
    def takes_objects(self) -> bool:
        """Whether the function belongs to the four-vector functions."""
        return bool({"object", "angle"} & set(self.arguments))


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

FOUR_VECTOR = ("px", "py", "pz", "energy")


def _of_sum(name: str, description: str, *sum_needs: str) -> Function:
    """Return a function of one object, or of the sum of several."""

    def compute(xp: ArrayNamespace, *objects: Momentum) -> Value:
        return getattr(add_momenta(objects), name)

    return Function(
        compute, f"{name}(a, ...)", description, ("object",), n_max=UNLIMITED, needs=(name,),
        sum_needs=sum_needs or FOUR_VECTOR,
    )  # fmt: skip


def _of_pair(
    compute: Callable[..., Value], name: str, description: str, *needs: str, kind: ArgumentKind = "object"
) -> Function:
    return Function(compute, f"{name}(a, b)", description, (kind,), n_min=2, n_max=2, needs=needs)


def _phi(value: Momentum | Value) -> Value:
    return value.phi if isinstance(value, Momentum) else value


def _delta_phi(xp: ArrayNamespace, a: Momentum | Value, b: Momentum | Value) -> Value:
    return kinematics.delta_phi(_phi(a), _phi(b), xp)


def _delta_eta(xp: ArrayNamespace, a: Momentum, b: Momentum) -> Value:
    return a.eta - b.eta


def _delta_r(xp: ArrayNamespace, a: Momentum, b: Momentum) -> Value:
    return xp.hypot(a.eta - b.eta, kinematics.delta_phi(a.phi, b.phi, xp))


def _angle(xp: ArrayNamespace, a: Momentum, b: Momentum) -> Value:
    return kinematics.opening_angle((a.px, a.py, a.pz), (b.px, b.py, b.pz), xp)


def _transverse_mass(xp: ArrayNamespace, *objects: Momentum) -> Value:
    energy, px, py = (_total(objects, name) for name in ("transverse_energy", "px", "py"))
    return kinematics.invariant_mass(energy, xp.hypot(px, py), xp)


def _total(objects: Sequence[Momentum], name: str) -> Value:
    total = getattr(objects[0], name)
    for other in objects[1:]:
        total = total + getattr(other, name)
    return total


OBJECT_FUNCTIONS: dict[str, Function] = {
    "px": _of_sum("px", "Momentum along x, of the sum of the objects.", "px"),
    "py": _of_sum("py", "Momentum along y, of the sum of the objects.", "py"),
    "pz": _of_sum("pz", "Momentum along the beam, of the sum of the objects.", "pz"),
    "energy": _of_sum("energy", "Energy of the sum of the objects.", "energy"),
    "momentum": _of_sum("momentum", "Length of the momentum of the sum of the objects.", "px", "py", "pz"),
    "pt": _of_sum("pt", "Transverse momentum of the sum of the objects.", "px", "py"),
    "eta": _of_sum("eta", "Pseudorapidity of the sum; infinite along the beam.", "px", "py", "pz"),
    "phi": _of_sum("phi", "Azimuth of the sum, radians in [-pi, pi).", "px", "py"),
    "theta": _of_sum("theta", "Angle of the sum to the beam, radians in [0, pi].", "px", "py", "pz"),
    "rapidity": _of_sum("rapidity", "Rapidity of the sum along the beam."),
    "mass": _of_sum("mass", "Invariant mass of the sum; `-sqrt(-m2)` where m2 is below zero, as in ROOT."),
    "transverse_mass": Function(
        _transverse_mass, "transverse_mass(a, b, ...)",
        "Transverse mass of two or more objects: `mT^2 = (sum sqrt(m^2 + pt^2))^2 - (sum pt vectors)^2` "
        "(PDG, Kinematics, eq. 49.48).",
        ("object",), n_min=2, n_max=UNLIMITED, needs=("transverse_energy", "px", "py"),
    ),
    "delta_phi": _of_pair(
        _delta_phi, "delta_phi",
        "Difference of azimuths, radians in [-pi, pi), of two objects or of two angles.", "phi", kind="angle",
    ),
    "delta_eta": _of_pair(_delta_eta, "delta_eta", "Difference of pseudorapidities, with its sign.", "eta"),
    "delta_r": _of_pair(_delta_r, "delta_r", "`sqrt(delta_eta**2 + delta_phi**2)`.", "eta", "phi"),
    "angle": _of_pair(_angle, "angle", "Opening angle in space, radians in [0, pi].", "px", "py", "pz"),
}  # fmt: skip

FUNCTIONS: Registry[Function] = Registry(
    "function", {**NUMBER_FUNCTIONS, **OBJECT_FUNCTIONS}, ExpressionError
)
CONSTANTS = {"pi": 3.141592653589793}
