from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.lhcb.candidates import draw_candidates
from rapidity.samples.lhcb.columns import CLASSES
from rapidity.samples.lhcb.geometry import Paths, bend, crosses_trackers, find_acceptance
from rapidity.samples.lhcb.momentum import SPECTRA, draw_momenta, draw_pt, levy_tsallis
from rapidity.samples.lhcb.species import ELECTRON, KAON, NOTHING, PION, Particles, concatenate, take
from rapidity.samples.lhcb.tracking import MAX_CHI2_PER_NDOF, distance_to_axis, measure_momentum


@pytest.fixture
def candidates(rng):
    return draw_candidates(np.arange(6000) % len(CLASSES), rng)


def test_every_class_asked_for_is_there_in_order(candidates):
    kinds = candidates.upstream.kind.reshape(-1, len(CLASSES))
    for index, kind in ((0, ELECTRON), (2, KAON), (4, PION)):
        assert np.all(kinds[:, index] == kind)


def test_tracks_that_are_not_reconstructed_are_drawn_again(candidates):
    assert np.all(crosses_trackers(candidates.paths))
    assert candidates.fit.chi2_per_ndof.max() < MAX_CHI2_PER_NDOF
    assert candidates.p_gev.min() > 1.5


def test_the_bend_is_the_momentum_also_of_ghosts(candidates):
    bending = np.abs(candidates.paths.slope_x_behind - candidates.paths.slope_x)
    np.testing.assert_allclose(candidates.p_gev * bending, 1.2, rtol=0.05)


def test_segments_of_ghosts_belong_to_different_particles(candidates):
    ghosts = take(candidates, np.arange(1, 6000, len(CLASSES)))
    real = (ghosts.upstream.kind != NOTHING) & (ghosts.downstream.kind != NOTHING)
    assert 0.3 < real.mean() < 0.6
    p_before, p_behind = ghosts.upstream.p_gev[real], ghosts.downstream.p_gev[real]
    assert abs(np.corrcoef(np.log(p_before), np.log(p_behind))[0, 1]) < 0.12


@pytest.mark.parametrize("kind", [PION, KAON])
def test_transverse_momenta_follow_the_spectrum(kind, rng):
    drawn = draw_pt(np.full(100_000, kind), rng)
    edges = np.linspace(0, 3, 16)
    counts, _ = np.histogram(drawn, edges)
    fine = np.linspace(0, 15, 15_001)
    density = levy_tsallis(fine, SPECTRA[kind])
    expected = np.add.reduceat(density[:3000], np.arange(0, 3000, 200)) / density.sum() * 100_000
    np.testing.assert_allclose(counts, expected, rtol=0.1, atol=60)


def test_momenta_and_slopes_belong_together(rng):
    p_gev, slope_x, slope_y, is_converted = draw_momenta(np.repeat([PION, ELECTRON], 2000), rng)
    eta = np.arcsinh(1 / np.hypot(slope_x, slope_y))
    assert eta.min() >= 2.0
    assert eta.max() <= 4.6
    assert not is_converted[:2000].any()
    assert is_converted[2000:].mean() == pytest.approx(0.5, abs=0.05)
    assert np.all(p_gev > 0)


def test_the_magnet_bends_soft_tracks_out_of_the_calorimeter():
    paths = Paths(np.full(2, 0.044), np.zeros(2), bend(np.full(2, 0.044), np.ones(2), np.array([2.16, 20.0])))
    found = find_acceptance(paths)
    assert found.ecal.tolist() == [False, True]
    # Nothing behind the magnet, so nothing at all; the fast one passes RICH 1 too.
    assert found.rich1.tolist() == [False, True]


def test_tracks_along_the_beam_pipe_miss_everything():
    paths = Paths(np.array([0.012]), np.array([0.0]), np.array([0.012]))
    assert not any(values[0] for values in vars(find_acceptance(paths)).values())


def test_momenta_are_measured_to_half_a_per_cent(rng):
    ratio = measure_momentum(np.full(20_000, 50.0), rng) / 50
    assert np.std(ratio) == pytest.approx(0.005, rel=0.03)


def test_the_distance_to_the_axis_is_that_of_the_beam_for_prompt_tracks(rng):
    phi = np.array([0.0, np.pi / 2])
    paths = Paths(0.1 * np.cos(phi), 0.1 * np.sin(phi), np.zeros(2))
    distance = distance_to_axis(paths, np.zeros(2), np.full(2, 1e3), rng)
    np.testing.assert_allclose(distance, [0.12, 0.62], atol=0.06)


def test_records_are_taken_apart_and_put_together():
    particles = Particles(np.arange(4), np.arange(4.0))
    joined = concatenate([take(particles, [0, 1]), take(particles, particles.kind > 1)])
    np.testing.assert_array_equal(joined.kind, particles.kind)
    np.testing.assert_array_equal(joined.p_gev, particles.p_gev)
