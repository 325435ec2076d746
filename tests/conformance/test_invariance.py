"""What networks on clouds must not see: the order of the objects, and the places that are left empty."""

from __future__ import annotations

from typing import Any

import numpy as np
from conformance.cases import COORDINATES, MASK, MOMENTA, Case

from rapidity.core.records import Batch, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import build_network

N_EVENTS, N_MORE_PLACES = 12, 3
TOLERANCE = 1e-5
"""Relative to the largest logit: sums of float32 in another order."""


def predict(model: Any, events: Batch) -> Any:
    return model.predict(ResidentBatches(events, N_EVENTS))["class"]


def assert_same_logits(found: Any, expected: Any) -> None:
    assert np.isfinite(expected).all()
    assert np.ptp(expected) > 0.01 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def find_clouds(case: Case) -> dict[str, list[str]]:
    """Return cloud with a mask -> the inputs that say something of each of its objects."""
    clouds = [name.removesuffix(MASK) for name in case.inputs if name.endswith(MASK)]
    return {
        name: [each for each in (name, name + COORDINATES, name + MOMENTA) if each in case.inputs]
        for name in clouds
    }


def test_the_order_of_the_objects_changes_no_logit(
    engine_name: str, cloud_case: Case, build_once: Any
) -> None:
    case = cloud_case
    events, rng = case.make_events(N_EVENTS), np.random.default_rng(3)
    inputs = dict(events.inputs)
    for name, beside in find_clouds(case).items():
        n_objects = inputs[name + MASK].sum(axis=1).astype(int)
        orders = [rng.permutation(n) for n in n_objects]
        for each in beside:
            values = inputs[each].copy()
            for event, order in enumerate(orders):
                values[event, : len(order)] = values[event, order]
            assert not np.array_equal(values, inputs[each])
            inputs[each] = values
    model = build_once(engine_name, case)
    assert_same_logits(predict(model, Batch(inputs)), predict(model, events))


def test_more_empty_places_change_no_logit(engine_name: str, cloud_case: Case, build_once: Any) -> None:
    case = cloud_case
    events = case.make_events(N_EVENTS)
    inputs, shapes = dict(events.inputs), dict(case.inputs)
    for name, beside in find_clouds(case).items():
        for each in (*beside, name + MASK):
            sides = [(0, 0), (0, N_MORE_PLACES), *((0, 0),) * (inputs[each].ndim - 2)]
            inputs[each] = np.pad(inputs[each], sides)
            shapes[each] = (shapes[each][0] + N_MORE_PLACES, *shapes[each][1:])
    larger = build_network(case.config, shapes, {"class": case.n_logits})
    model = get_engine(engine_name).build(larger, case.draw_parameters(), "cpu")
    assert_same_logits(predict(model, Batch(inputs)), predict(build_once(engine_name, case), events))


def turn(values: Any, angle: float) -> Any:
    """Return objects whose first two numbers are turned by an angle."""
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = values.astype(np.float64).copy()
    turned[..., :2] = turned[..., :2] @ np.array([[cosine, sine], [-sine, cosine]])
    return turned.astype(np.float32)


def boost(momenta: Any, rapidity: float) -> Any:
    """Return momenta as another observer sees them, who moves along the beam."""
    moved = momenta.astype(np.float64).copy()
    along, energy = momenta[..., 2].astype(np.float64), momenta[..., 3].astype(np.float64)
    moved[..., 2] = np.cosh(rapidity) * along + np.sinh(rapidity) * energy
    moved[..., 3] = np.sinh(rapidity) * along + np.cosh(rapidity) * energy
    return moved.astype(np.float32)


def test_turned_coordinates_and_momenta_change_no_logit(
    engine_name: str, cloud_case: Case, build_once: Any
) -> None:
    """Neighbours know distances alone, pairs nothing of turns about the beam and boosts along it."""
    case = cloud_case
    events = case.make_events(N_EVENTS)
    inputs = dict(events.inputs)
    for name, values in events.inputs.items():
        if name.endswith(COORDINATES):
            inputs[name] = turn(values, 0.7) + np.float32([0.2, -0.1])
        elif name.endswith(MOMENTA):
            inputs[name] = boost(turn(values, 2.5), 0.4)
    model = build_once(engine_name, case)
    assert_same_logits(predict(model, Batch(inputs)), predict(model, events))
