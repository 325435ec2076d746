from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.dijets.clustering import GLUON, QUARK, Jets, match_partons

pytest.importorskip("fastjet")


def test_the_nearest_parton_gives_the_class(make_vectors, make_record):
    jets = make_vectors(
        (0, 100, 0.0, 0.0), (0, 90, 0.0, 3.0), (1, 80, 1.0, 1.0), (1, 80, -1.0, -1.0), (2, 80, 0, 0)
    )
    partons = make_record(
        (0, 21, -23, 100, 0.1, 0.0), (0, 1, -23, 95, 0.0, 0.3), (0, -3, -23, 95, 0.0, 3.1),
        (1, 4, -23, 80, 1.0, 1.1), (1, 21, -23, 80, -1.0, -1.5), (2, 2, -23, 80, 0.0, 0.39),
    )  # fmt: skip
    # Charm is neither class, and the second gluon is too far away.
    assert match_partons(jets, partons).tolist() == [GLUON, QUARK, -1, -1, QUARK]


def test_azimuth_is_a_circle(make_vectors, make_record):
    jets, partons = make_vectors((0, 100, 0.0, 3.1)), make_record((0, 21, -23, 100, 0.0, -3.1))
    assert match_partons(jets, partons).tolist() == [GLUON]


def test_some_jets_keep_their_own_constituents(make_vectors):
    jets = Jets(
        make_vectors(*((n, 80, 0, 0) for n in range(3))), np.array([5, 6, 7, 1, 2, 9]), np.array([3, 2, 1])
    )
    kept = jets.take(np.array([0, 2]))
    assert kept.candidate.tolist() == [5, 6, 7, 9]
    assert kept.n_constituents.tolist() == [3, 1]
    assert kept.vectors.event.tolist() == [0, 2]


def test_clusters_hold_what_is_near(make_particles, rng):
    from rapidity.samples.dijets.clustering import cluster
    from rapidity.samples.dijets.response import measure

    rows = [
        (0, 211, 60.0, 0.0, 0.0),
        (0, 22, 40.0, 0.1, 0.1),
        (0, 211, 90.0, 0.5, 2.5),
        (1, 22, 30.0, 0.0, 0.0),
    ]
    rows += [(1, 22, 150.0, 2.2, 0.0), (2, 22, 600.0, 0.0, 0.0), (3, 22, 100.0, -1.0, 1.0)]
    jets = cluster(measure(make_particles(*rows), rng)[1])
    # Of the others one is soft, one is forward, and one has more than 400 GeV.
    assert set(jets.vectors.event.tolist()) <= {0, 3}
    assert jets.n_constituents.sum() == len(jets.candidate)
    np.testing.assert_allclose(np.sort(jets.vectors.pt[jets.vectors.event == 3]), [100.0], rtol=0.05)
