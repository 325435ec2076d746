from __future__ import annotations

import numpy as np
import pytest
import vector

from rapidity.physics.momentum import COMPONENTS, Momentum, add_momenta, missing_components

GIVEN = [
    ("px", "py", "pz", "energy"),
    ("px", "py", "pz", "mass"),
    ("pt", "eta", "phi", "mass"),
    ("pt", "eta", "phi", "energy"),
    ("pt", "phi", "pz", "energy"),
    ("px", "py", "eta", "mass"),
    COMPONENTS,
]
QUANTITIES = ("px", "py", "pz", "energy", "pt", "eta", "phi", "mass", "rapidity", "theta")


@pytest.fixture
def reference() -> vector.MomentumNumpy4D:
    rng = np.random.default_rng(3)
    return vector.array({
        "pt": rng.exponential(30.0, 300) + 1.0, "eta": rng.normal(0.0, 1.5, 300),
        "phi": rng.uniform(-3.1, 3.1, 300), "mass": rng.exponential(3.0, 300) + 0.1,
    })  # fmt: skip


@pytest.mark.parametrize("given", GIVEN, ids="-".join)
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_quantity_follows_from_every_set_of_coordinates(reference, given, quantity):
    momentum = Momentum({name: getattr(reference, name) for name in given})
    tolerance = 1e-5 if quantity == "mass" else 1e-9
    np.testing.assert_allclose(
        getattr(momentum, quantity), getattr(reference, quantity), rtol=tolerance, atol=1e-9
    )


def test_sum_of_momenta_agrees_with_vector(reference):
    other = reference[::-1]
    parts = [
        Momentum({name: getattr(side, name) for name in ("pt", "eta", "phi", "mass")})
        for side in (reference, other)
    ]
    total = add_momenta(parts)
    expected = reference + other
    np.testing.assert_allclose(total.mass, expected.mass, rtol=1e-9)
    np.testing.assert_allclose(total.eta, expected.eta, rtol=1e-9, atol=1e-9)


def test_collimated_pair_keeps_its_mass_in_float64():
    pt, delta = 1000.0, 1e-4
    parts = [Momentum({"pt": pt, "eta": 0.0, "phi": angle}) for angle in (0.0, delta)]
    expected = 2 * pt * np.sin(delta / 2)
    assert float(add_momenta(parts).mass) == pytest.approx(expected, rel=1e-6)


def test_object_without_mass_and_energy_is_massless():
    photon = Momentum({"pt": np.array([3.0]), "eta": np.array([1.0]), "phi": np.array([0.0])})
    assert float(photon.mass[0]) == 0.0
    assert float(photon.energy[0]) == pytest.approx(3.0 * np.cosh(1.0))
    assert float(photon.transverse_energy[0]) == 3.0


@pytest.mark.parametrize(
    ("given", "wanted", "missing"),
    [
        (("pt", "phi"), "mass", ["pz or eta"]),
        (("pt", "phi"), "px", []),
        (("eta",), "phi", ["phi, or px and py"]),
        (("px",), "pt", ["pt, or px and py"]),
        (("pt", "phi"), "transverse_energy", []),
        (("pt", "phi", "energy"), "transverse_energy", ["pz or eta"]),
        (("mass",), "mass", []),
        (("pz", "energy"), "rapidity", ["pt, or px and py"]),
    ],
)
def test_missing_components_are_named(given, wanted, missing):
    assert missing_components(given, wanted) == missing
