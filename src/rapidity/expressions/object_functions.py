"""The functions of objects: of one, of the sum of several, and of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.expressions.function import UNLIMITED, ArgumentKind, Function, Value
from rapidity.physics import kinematics
from rapidity.physics.momentum import Momentum, add_momenta

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rapidity.core.namespace import ArrayNamespace

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
