"""What the shapes of events are for events that one knows, and what may not change them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.legendre import Legendre

from rapidity.physics import Momentum, event_shapes
from rapidity.physics.event_shapes.momentum_tensor import eigenvalues, linear_tensor, quadratic_tensor

# Sums of a handful of numbers of size 1 in float64.
EXACT = 1e-13
SHAPES = {
    name: getattr(event_shapes, name)
    for name in (
        "ht", "centrality", "sphericity", "aplanarity", "planarity", "transverse_sphericity", "c_parameter",
        "d_parameter",
    )
} | {
    f"fox_wolfram {order}": lambda total, order=order: event_shapes.fox_wolfram(total, order)
    for order in range(7)
}  # fmt: skip

BACK_TO_BACK = np.array([[3.0, 4.0, 12.0], [-3.0, -4.0, -12.0]])
ALONG_THE_AXES = np.array([[2, 0, 0], [-2, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 2], [0, 0, -2]], float)
MERCEDES = np.array([[1.0, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]])

KNOWN = {
    "sphericity": (0.0, 1.0, 0.75),
    "aplanarity": (0.0, 0.5, 0.0),
    "planarity": (0.0, 0.0, 0.5),
    "c_parameter": (0.0, 1.0, 0.75),
    "d_parameter": (0.0, 1.0, 0.0),
    "transverse_sphericity": (0.0, 1.0, 1.0),
    "centrality": (5 / 13, 2 / 3, 1.0),
    "ht": (10.0, 8.0, 3.0),
    "fox_wolfram 0": (1.0, 1.0, 1.0),
    "fox_wolfram 1": (0.0, 0.0, 0.0),
    "fox_wolfram 2": (1.0, 0.0, 0.25),
    "fox_wolfram 3": (0.0, 0.0, 0.625),
}


def total_of(momenta: np.ndarray):
    """Return the sum over massless objects, ``(n_objects, 3)`` or with events in front."""
    px, py, pz = np.moveaxis(momenta, -1, 0)
    objects = Momentum({"px": px, "py": py, "pz": pz})
    return lambda quantity: quantity(objects).sum(axis=-1)


@pytest.fixture
def momenta() -> np.ndarray:
    """Return 50 events of seven momenta."""
    return np.random.default_rng(4).normal(0.0, 20.0, (50, 7, 3))


def rotation(rng: np.random.Generator) -> np.ndarray:
    rotated, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return rotated


@pytest.mark.parametrize("name", KNOWN)
def test_shapes_of_simple_events_are_known(name):
    events = (BACK_TO_BACK, ALONG_THE_AXES, MERCEDES)
    found = [float(SHAPES[name](total_of(event))) for event in events]
    np.testing.assert_allclose(found, KNOWN[name], atol=EXACT)


def test_many_directions_look_isotropic():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(1, 200_000, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    total = total_of(directions)
    # Fluctuations of one over the root of the number of directions.
    expected = {
        "sphericity": 1.0,
        "aplanarity": 0.5,
        "c_parameter": 1.0,
        "d_parameter": 1.0,
        "fox_wolfram 2": 0.0,
    }
    for name, value in expected.items():
        assert SHAPES[name](total)[0] == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize("name", SHAPES)
def test_a_rotation_about_the_beam_changes_nothing(name, momenta):
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    found = SHAPES[name](total_of(momenta @ turn.T))
    np.testing.assert_allclose(found, SHAPES[name](total_of(momenta)), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize(
    "name", [name for name in SHAPES if name not in ("ht", "centrality", "transverse_sphericity")]
)
def test_a_rotation_in_space_changes_no_shape_in_space(name, momenta):
    turned = momenta @ rotation(np.random.default_rng(1)).T
    np.testing.assert_allclose(SHAPES[name](total_of(turned)), SHAPES[name](total_of(momenta)), atol=EXACT)


@pytest.mark.parametrize("name", ["ht", "transverse_sphericity"])
def test_a_boost_along_the_beam_changes_nothing_across_it(name, momenta):
    boosted = momenta.copy()
    energy = np.linalg.norm(momenta, axis=-1)
    boosted[..., 2] = np.cosh(1.3) * momenta[..., 2] + np.sinh(1.3) * energy
    np.testing.assert_array_equal(SHAPES[name](total_of(boosted)), SHAPES[name](total_of(momenta)))


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "ht"])
def test_the_unit_of_energy_changes_nothing(name, momenta):
    found = SHAPES[name](total_of(1000.0 * momenta))
    np.testing.assert_allclose(found, SHAPES[name](total_of(momenta)), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("name", SHAPES)
def test_only_the_quadratic_tensor_notices_a_collinear_splitting(name, momenta):
    split = np.concatenate([momenta[:, :-1], 0.3 * momenta[:, -1:], 0.7 * momenta[:, -1:]], axis=1)
    change = np.abs(SHAPES[name](total_of(split)) - SHAPES[name](total_of(momenta))).max()
    if name in ("sphericity", "aplanarity", "planarity", "transverse_sphericity"):
        assert change > 1e-4
    else:
        assert change < 1e-11  # H_T is in the hundreds


@pytest.mark.parametrize("name", SHAPES)
def test_a_momentum_of_zero_adds_nothing(name, momenta):
    padded = np.concatenate([momenta, np.zeros((50, 2, 3))], axis=1)
    np.testing.assert_allclose(
        SHAPES[name](total_of(padded)), SHAPES[name](total_of(momenta)), rtol=EXACT, atol=EXACT
    )


@pytest.mark.parametrize("name", SHAPES)
def test_without_any_momentum_there_is_no_shape(name):
    with np.errstate(all="ignore"):
        found = SHAPES[name](total_of(np.zeros((1, 0, 3))))
    assert found[0] == 0.0 if name == "ht" else np.isnan(found[0])


@pytest.mark.parametrize("order", [*range(7), event_shapes.MAX_ORDER])
def test_fox_wolfram_moments_are_the_sum_over_pairs(order, momenta):
    size = np.linalg.norm(momenta, axis=-1)
    cosine = np.einsum("nia,nja->nij", momenta, momenta) / (size[:, :, None] * size[:, None])
    weight = size[:, :, None] * size[:, None]
    moments = (weight * Legendre.basis(order)(np.clip(cosine, -1, 1))).sum(axis=(1, 2)) / weight.sum(
        axis=(1, 2)
    )
    np.testing.assert_allclose(event_shapes.fox_wolfram(total_of(momenta), order), moments, atol=1e-12)


@pytest.mark.parametrize("tensor", [quadratic_tensor, linear_tensor])
def test_eigenvalues_agree_with_linear_algebra(tensor, momenta):
    elements = tensor(total_of(momenta))
    np.testing.assert_allclose(
        np.stack(eigenvalues(elements), axis=-1), np.linalg.eigvalsh(_matrix(elements))[:, ::-1], atol=EXACT
    )


@pytest.mark.parametrize("gap", [0.0, 1e-15, 1e-12, 1e-8, 1e-4])
@pytest.mark.parametrize("base", [(1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (1 / 3, 1 / 3, 1 / 3), (0.6, 0.2, 0.2)])
def test_eigenvalues_that_nearly_coincide_keep_their_digits(base, gap):
    expected = np.sort(np.array(base) + np.array([-gap, 0.0, gap]) * (1 if base[2] else -1))[::-1]
    expected = np.abs(expected)
    rng = np.random.default_rng(2)
    for _ in range(20):
        turn = rotation(rng)
        matrix = turn @ np.diag(expected) @ turn.T
        elements = tuple(matrix[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)))
        np.testing.assert_allclose(eigenvalues(elements), np.sort(expected)[::-1], atol=5e-15)


def _matrix(elements) -> np.ndarray:
    xx, yy, zz, yz, xz, xy = elements
    return np.moveaxis(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), -1, 0)
