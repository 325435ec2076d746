from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.classes import ClassSet
from rapidity.explanation import Embeddings, find_planes, fit_probe

N_EVENTS = 600
DIRECTION = np.array([3.0, -4.0, 0.0, 0.0]) / 5


def make_embeddings(n_classes=2, seed=1, distance=2.0):
    """Return classes in steps along DIRECTION, a value without meaning and one that never changes."""
    rng = np.random.default_rng(seed)
    index = np.arange(N_EVENTS) % n_classes
    values = rng.normal(size=(N_EVENTS, 4)) + distance * np.outer(index, DIRECTION)
    values[:, 2] *= 100
    values[:, 3] = 7.0
    return Embeddings(values.astype(np.float32), index)


@pytest.fixture(params=[("no", "yes"), ("signal", "background"), ("a", "b", "c")], ids=len)
def classes(request):
    return ClassSet(request.param)


def test_probe_finds_the_classes(classes):
    n_classes = len(classes)
    probe = fit_probe(make_embeddings(n_classes, 1, 4.0), make_embeddings(n_classes, 2, 4.0), classes)
    test = make_embeddings(n_classes, 3, 4.0)
    logits = probe.logits(test.values)
    assert logits.shape == (N_EVENTS, classes.n_logits)
    assert (classes.probabilities(logits).argmax(axis=1) == test.class_index).mean() > 0.95
    assert probe.is_converged


def test_direction_is_that_of_the_difference():
    probe = fit_probe(make_embeddings(), make_embeddings(seed=2), ClassSet(("no", "yes")))
    direction = probe.directions[:, 0] / probe.scale
    cosine = direction @ DIRECTION / np.linalg.norm(direction)
    assert cosine > 0.99


def test_embeddings_without_information_give_the_frequencies():
    rng = np.random.default_rng(1)
    index = (np.arange(N_EVENTS) % 4 == 0).astype(np.int64)
    events = [Embeddings(rng.normal(size=(N_EVENTS, 3)).astype(np.float32), index) for _ in range(3)]
    classes = ClassSet(("no", "yes"))
    probe = fit_probe(events[0], events[1], classes)
    scores = classes.probabilities(probe.logits(events[2].values))[:, 1]
    assert scores.mean() == pytest.approx(0.25, abs=0.02)
    assert scores.std() < 0.05


def test_strength_is_the_one_that_the_validation_split_likes_best():
    rng = np.random.default_rng(1)
    # Many values and few events: without a penalty the probe learns the training events by heart.
    index = np.arange(60) % 2
    train, validation = (
        Embeddings((rng.normal(size=(60, 50)) + 0.3 * index[:, np.newaxis]).astype(np.float32), index)
        for _ in range(2)
    )
    probe = fit_probe(train, validation, ClassSet(("no", "yes")))
    assert probe.strength == min(probe.validation_losses, key=probe.validation_losses.get)
    assert probe.strength < 1
    assert len(set(probe.validation_losses.values())) > 3


def test_scale_does_not_matter():
    train, validation = make_embeddings(), make_embeddings(seed=2)
    classes = ClassSet(("no", "yes"))
    expected = fit_probe(train, validation, classes).logits(validation.values)
    factor = np.array([1e-3, 1e3, 5.0, 1.0], dtype=np.float32)
    scaled = [Embeddings(events.values * factor + 3, events.class_index) for events in (train, validation)]
    found = fit_probe(*scaled, classes).logits(scaled[1].values)
    assert found == pytest.approx(expected, abs=5e-3)


class TestPlanes:
    def test_principal_plane_keeps_distances_of_a_plane(self):
        rng = np.random.default_rng(1)
        flat = rng.normal(size=(N_EVENTS, 2)) @ rng.normal(size=(2, 5))
        index = (flat[:, 0] > 0).astype(np.int64)
        events = Embeddings(flat.astype(np.float32), index)
        probe = fit_probe(events, events, ClassSet(("no", "yes")))
        plane = find_planes(probe, events.values, events.values, 1)[0]
        standardised = probe.standardise(events.values)
        expected = np.linalg.norm(standardised[:-1] - standardised[1:], axis=1)
        found = np.linalg.norm(plane.points[:-1] - plane.points[1:], axis=1)
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)
        assert "of the variance" in plane.x_label

    def test_plane_of_the_probe_shows_its_logit_and_nothing_of_it_upwards(self):
        train, shown = make_embeddings(), make_embeddings(seed=2)
        probe = fit_probe(train, shown, ClassSet(("no", "yes")))
        plane = find_planes(probe, train.values, shown.values, 1)[1]
        assert plane.points[:, 0] == pytest.approx(probe.logits(shown.values)[:, 0])
        assert abs(np.corrcoef(plane.points.T)[0, 1]) < 0.15

    def test_several_classes_are_apart_in_the_plane_of_the_probe(self):
        events = make_embeddings(3, distance=5.0)
        probe = fit_probe(events, events, ClassSet(("a", "b", "c")))
        plane = find_planes(probe, events.values, events.values, 1)[1]
        means = [plane.points[events.class_index == k, 0].mean() for k in range(3)]
        assert means[1] == sorted(means)[1]

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_layer_of_one_value(self, n_classes):
        events = make_embeddings(n_classes)
        narrow = Embeddings(events.values[:, :1], events.class_index)
        probe = fit_probe(narrow, narrow, ClassSet(("a", "b", "c")[:n_classes]))
        planes = find_planes(probe, narrow.values, narrow.values, 1)
        assert [plane.points.shape for plane in planes] == [(N_EVENTS, 2)] * 2
        assert not planes[0].points[:, 1].any()
