from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.detector.flavour_tagging import (
    BOTTOM,
    CHARM,
    LIGHT,
    REFERENCE_PT_GEV,
    REJECTIONS,
    WORKING_POINTS,
    draw_scores,
    efficiency_at_70,
    find_flavours,
    pass_working_points,
)

N_JETS = 200_000


def draw(flavour, pt, rng):
    return draw_scores(np.full(N_JETS, flavour), np.full(N_JETS, float(pt)), rng)


@pytest.mark.parametrize("flavour", [BOTTOM, CHARM, LIGHT])
def test_jets_of_the_reference_pass_the_working_points_as_published(rng, flavour):
    points = pass_working_points(draw(flavour, REFERENCE_PT_GEV, rng))
    rejections = REJECTIONS.get(flavour, [1 / point for point in WORKING_POINTS])
    for number, rejection in enumerate(rejections, start=1):
        n_passing, expected = np.sum(points >= number), N_JETS / rejection
        assert abs(n_passing - expected) < 5 * np.sqrt(expected)


@pytest.mark.parametrize("flavour", [BOTTOM, CHARM, LIGHT])
def test_the_odds_of_passing_go_with_the_momentum_as_those_of_delphes(rng, flavour):
    at_reference, at_25 = (np.mean(draw(flavour, pt, rng) > 1 - 0.77) for pt in (REFERENCE_PT_GEV, 25.0))
    low, reference = efficiency_at_70(np.full(2, flavour), np.array([25.0, REFERENCE_PT_GEV]))
    expected = low / (1 - low) * (1 - reference) / reference
    ratio = at_25 / (1 - at_25) * (1 - at_reference) / at_reference
    assert ratio == pytest.approx(expected, rel=0.15)


def test_a_higher_score_is_always_more_like_a_b_jet(rng):
    edges = np.linspace(0.02, 0.98, 9)
    bottom, charm, light = (np.histogram(draw(each, 60, rng), edges)[0] for each in (BOTTOM, CHARM, LIGHT))
    assert np.all(np.diff(bottom / np.maximum(charm, 1)) > 0)
    assert np.all(np.diff(bottom / np.maximum(light, 1))[:4] > 0)


def test_scores_are_numbers_from_0_to_1(rng):
    flavours = rng.choice([LIGHT, CHARM, BOTTOM], N_JETS)
    scores = draw_scores(flavours, 25 + rng.exponential(100, N_JETS), rng)
    assert np.all((scores >= 0) & (scores < 1))


def test_no_jets_have_no_scores(rng):
    assert draw_scores(np.array([], dtype=np.int64), np.array([]), rng).shape == (0,)


def test_flavours_follow_hadrons_near_the_jet(make_particles, make_record):
    jets = make_particles(*[(event, 0, 50.0, 0.0, 1.0) for event in range(6)])
    b_hadron_and_its_c_hadron = [(511, -2, -1, 20.0, 0.1, 1.1), (421, -2, 0, 15.0, 0.1, 1.1)]
    charmed_baryon = [(-4122, -2, -1, 20.0, 0.1, 1.1)]
    too_far, too_soft = [(521, -2, -1, 20.0, 0.0, 1.5)], [(521, -2, -1, 4.0, 0.0, 1.0)]
    strange = [(321, -2, -1, 20.0, 0.0, 1.0)]
    quark_and_diquark = [(5, -2, -1, 20.0, 0.0, 1.0), (5101, -2, -1, 20.0, 0.0, 1.0)]
    record = make_record(
        b_hadron_and_its_c_hadron, charmed_baryon, too_far, too_soft, strange, quark_and_diquark
    )
    assert find_flavours(jets, record).tolist() == [BOTTOM, CHARM, LIGHT, LIGHT, LIGHT, LIGHT]
