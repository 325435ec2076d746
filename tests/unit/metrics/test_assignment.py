from itertools import product

import numpy as np

from rapidity.metrics import assign_one_each


def likeliest(probabilities, single):
    """Return the likeliest assignment of one event, by trying all."""
    n_objects, n_classes = probabilities.shape
    allowed = [
        chosen
        for chosen in product(range(n_classes), repeat=n_objects)
        if all(chosen.count(k) <= 1 for k in single)
    ]
    return max(allowed, key=lambda chosen: np.prod(probabilities[np.arange(n_objects), list(chosen)]))


def test_the_likeliest_assignment_is_found():
    rng = np.random.default_rng(1)
    counts = np.array([3, 0, 1, 4, 2])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    probabilities = rng.dirichlet(np.ones(4), counts.sum())
    for single in ([0], [1, 3], [0, 1, 2]):
        found = assign_one_each(probabilities, offsets, single)
        for event in range(len(counts)):
            own = slice(offsets[event], offsets[event + 1])
            assert tuple(found[own]) == likeliest(probabilities[own], single)


def test_portions_of_events_give_the_same(monkeypatch):
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet(np.ones(3), 40)
    offsets = np.arange(0, 41, 4)
    whole = assign_one_each(probabilities, offsets, [0, 1])
    monkeypatch.setattr("rapidity.metrics.assignment.STATES_AT_ONCE", 16)
    assert (assign_one_each(probabilities, offsets, [0, 1]) == whole).all()


def test_objects_that_are_not_seen_get_no_class():
    probabilities = np.array([[np.nan, np.nan], [0.9, 0.1]])
    assert assign_one_each(probabilities, np.array([0, 2]), [0]).tolist() == [-1, 0]


def test_a_certain_class_is_given_whatever_the_others_gain():
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert sorted(assign_one_each(probabilities, np.array([0, 2]), [0]).tolist()) == [0, 1]
