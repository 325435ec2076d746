"""What networks on clouds must not see: the order of the objects, and the places that are left empty."""

from __future__ import annotations

from typing import Any

import numpy as np
from conformance.cases import MASK, Case

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


def find_clouds(case: Case) -> list[str]:
    return [name.removesuffix(MASK) for name in case.inputs if name.endswith(MASK)]


def test_the_order_of_the_objects_changes_no_logit(
    engine_name: str, cloud_case: Case, build_once: Any
) -> None:
    case = cloud_case
    events, rng = case.make_events(N_EVENTS), np.random.default_rng(3)
    inputs = dict(events.inputs)
    for name in find_clouds(case):
        n_objects = inputs[name + MASK].sum(axis=1).astype(int)
        cloud = inputs[name].copy()
        for event, n in enumerate(n_objects):
            cloud[event, :n] = cloud[event, rng.permutation(n)]
        assert not np.array_equal(cloud, inputs[name])
        inputs[name] = cloud
    model = build_once(engine_name, case)
    assert_same_logits(predict(model, Batch(inputs)), predict(model, events))


def test_more_empty_places_change_no_logit(engine_name: str, cloud_case: Case, build_once: Any) -> None:
    case = cloud_case
    events = case.make_events(N_EVENTS)
    inputs, shapes = dict(events.inputs), dict(case.inputs)
    for name in find_clouds(case):
        for each in (name, name + MASK):
            sides = [(0, 0), (0, N_MORE_PLACES), *((0, 0),) * (inputs[each].ndim - 2)]
            inputs[each] = np.pad(inputs[each], sides)
            shapes[each] = (shapes[each][0] + N_MORE_PLACES, *shapes[each][1:])
    larger = build_network(case.config, shapes, {"class": case.n_logits})
    model = get_engine(engine_name).build(larger, case.draw_parameters(), "cpu")
    assert_same_logits(predict(model, Batch(inputs)), predict(build_once(engine_name, case), events))
