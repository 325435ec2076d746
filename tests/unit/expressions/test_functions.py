from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vector

from rapidity.expressions import FUNCTIONS, parse_expression

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "expressions.md"
PAIR = {
    "a": {"pt": "a_pt", "eta": "a_eta", "phi": "a_phi", "mass": "a_m"},
    "b": {"px": "b_px", "py": "b_py", "pz": "b_pz", "energy": "b_e"},
}


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(11)
    a, b = (
        vector.array({
            "pt": rng.exponential(30.0, 200) + 1.0, "eta": rng.normal(0.0, 1.5, 200),
            "phi": rng.uniform(-3.1, 3.1, 200), "mass": rng.exponential(3.0, 200) + 0.1,
        })
        for _ in range(2)
    )  # fmt: skip
    columns = {
        "a_pt": a.pt, "a_eta": a.eta, "a_phi": a.phi, "a_m": a.mass,
        "b_px": b.px, "b_py": b.py, "b_pz": b.pz, "b_e": b.energy,
    }  # fmt: skip
    return a, b, columns


@pytest.mark.parametrize(
    "name", ["px", "py", "pz", "energy", "pt", "eta", "phi", "theta", "rapidity", "mass"]
)
def test_functions_of_one_and_of_several_objects_agree_with_vector(name, events):
    a, b, columns = events
    for text, expected in ((f"{name}(a)", a), (f"{name}(b)", b), (f"{name}(a, b)", a + b)):
        found = parse_expression(text, PAIR).evaluate(columns)
        np.testing.assert_allclose(found, getattr(expected, name), rtol=1e-6, atol=1e-9)


def test_distances_agree_with_vector(events):
    a, b, columns = events
    expected = {
        "delta_phi(a, b)": a.deltaphi(b),
        "delta_eta(a, b)": a.deltaeta(b),
        "delta_r(a, b)": a.deltaR(b),
        "angle(a, b)": a.to_3D().deltaangle(b.to_3D()),
        "momentum(a, b)": (a + b).p,
    }
    for text, values in expected.items():
        np.testing.assert_allclose(parse_expression(text, PAIR).evaluate(columns), values, atol=1e-9)


def test_delta_phi_takes_plain_angles_too(events):
    _, b, columns = events
    objects = parse_expression("delta_phi(a, b)", PAIR).evaluate(columns)
    mixed = parse_expression("delta_phi(a_phi, b)", PAIR).evaluate(columns)
    angles = parse_expression("delta_phi(a_phi, f)", PAIR).evaluate({**columns, "f": b.phi})
    np.testing.assert_array_equal(objects, mixed)
    np.testing.assert_allclose(objects, angles, atol=1e-14)


def test_transverse_mass_of_massless_objects_is_the_textbook_formula():
    objects = {"lepton": {"pt": "l", "eta": "e", "phi": "f"}, "met": {"pt": "m", "phi": "g"}}
    columns = {
        name: np.array([value]) for name, value in zip("lefmg", (40.0, 1.0, 0.3, 35.0, 2.5), strict=True)
    }
    found = parse_expression("transverse_mass(lepton, met)", objects).evaluate(columns)
    assert found[0] == pytest.approx(np.sqrt(2 * 40 * 35 * (1 - np.cos(2.2))))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_described(name):
    function = FUNCTIONS[name]
    assert function.signature.startswith(f"{name}(")
    assert function.description.endswith(".")
    assert function.description[0].isupper() or function.description[0] in "`-ax"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_guide_lists_every_function_with_its_description(name):
    function = FUNCTIONS[name]
    assert f"| `{function.signature}` | {function.description} |" in GUIDE.read_text(encoding="utf-8")
