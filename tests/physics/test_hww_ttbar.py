"""The physics of the generated sample: known masses, angles, multiplicities and cross-sections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from rapidity.core.errors import EngineError
from rapidity.core.progress import SilentProgress
from rapidity.samples import SAMPLES, generate
from rapidity.samples.blocks import BlockTask
from rapidity.samples.detector import jets as jet_response
from rapidity.samples.dilepton import reconstruct_dilepton_events
from rapidity.samples.pythia import PythiaGenerator
from rapidity.samples.workers import WorkerPool

pytestmark = pytest.mark.generate

N_EVENTS = 3000
SEED = 7
MISSING = -999.0
HIGGS_MASS_GEV = 125.0
FOUR_VECTORS = ("lepton0", "lepton1", "jet0", "jet1")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Generate a few thousand events with two workers: the summary, and the events of each process."""
    pytest.importorskip("pythia8mc", reason="Pythia 8 is not installed")
    pytest.importorskip("fastjet", reason="FastJet is not installed")
    path = tmp_path_factory.mktemp("sample") / "hww_ttbar.h5"
    summary = generate("hww_ttbar", path, n_events=N_EVENTS, seed=SEED, workers=2, progress=SilentProgress())
    with h5py.File(path) as file:
        return summary, {"signal": file["Signal"][:], "background": file["Background"][:]}


@pytest.fixture(scope="module")
def signal_events(sample):
    return sample[1]["signal"]


@pytest.fixture(scope="module")
def background_events(sample):
    return sample[1]["background"]


@pytest.fixture(params=["signal", "background"])
def events(request, sample):
    """Each process in turn."""
    return sample[1][request.param]


@pytest.fixture(scope="module")
def top_particles():
    """Return the particles of 1000 top pairs."""
    pytest.importorskip("pythia8mc", reason="Pythia 8 is not installed")
    pytest.importorskip("fastjet", reason="FastJet is not installed")
    settings = (*SAMPLES["hww_ttbar"].settings, *SAMPLES["hww_ttbar"].processes[1].settings)
    return PythiaGenerator(settings, 5, underlying_event=False).generate(1000)


def components(events, name):
    return tuple(events[f"{name}_{component}"] for component in ("px", "py", "pz", "energy"))


def transverse_momentum(events, name):
    px, py, _, _ = components(events, name)
    return np.where(px == MISSING, MISSING, np.hypot(px, py))


# The record ---------------------------------------------------------------------------------------


def test_stored_masses_agree_with_the_stored_four_momenta(events):
    for name in FOUR_VECTORS:
        px, py, pz, energy = components(events, name)
        there = px != MISSING
        square = (energy**2 - px**2 - py**2 - pz**2)[there]
        # Float64 leaves 1e-16 of the squared energy.
        tolerance = 1e-14 * energy[there] ** 2
        assert np.all(np.abs(square - events[f"{name}_mass"][there] ** 2) < tolerance)


def test_pair_mass_and_angles_agree_with_the_stored_four_momenta(events):
    first, second = (np.stack(components(events, name)) for name in ("lepton0", "lepton1"))
    total = first + second
    np.testing.assert_allclose(
        events["combined_leptons_mass"], np.sqrt(total[3] ** 2 - (total[:3] ** 2).sum(axis=0)), rtol=1e-9
    )
    lengths = np.linalg.norm(first[:3], axis=0) * np.linalg.norm(second[:3], axis=0)
    angle = np.arccos(np.clip((first[:3] * second[:3]).sum(axis=0) / lengths, -1, 1))
    np.testing.assert_allclose(events["angle_between_leptons"], angle, atol=1e-6)


def test_sentinels_stand_exactly_where_the_number_of_jets_says(events):
    n_jets = events["Njets"]
    for name in events.dtype.names:
        if name.startswith("jet0_"):
            np.testing.assert_array_equal(events[name] == MISSING, n_jets < 1)
        elif name.startswith("jet1_") or name == "angle_between_jets":
            np.testing.assert_array_equal(events[name] == MISSING, n_jets < 2)
        else:
            assert not np.any(events[name] == MISSING)
        assert np.all(np.isfinite(events[name]))


def test_objects_are_ordered_and_above_their_thresholds(events):
    lepton0, lepton1, jet0, jet1 = (transverse_momentum(events, name) for name in FOUR_VECTORS)
    assert np.all(lepton0 >= lepton1)
    assert np.all(lepton0 > 20)
    assert np.all(lepton1 > 10)
    assert np.all(jet0 >= jet1)
    assert np.all(jet0[events["Njets"] >= 1] > 30)
    assert np.all(jet1[events["Njets"] >= 2] > 30)
    assert np.all(events["combined_leptons_mass"] > 12)
    assert np.all(events["MissingEnergy"] > 0)


def test_sum_of_transverse_momenta_is_that_of_leptons_and_jets(events):
    at_most_two = events["Njets"] <= 2
    total = sum(np.maximum(transverse_momentum(events, name), 0) for name in FOUR_VECTORS)
    np.testing.assert_allclose(events["HT_all"][at_most_two], total[at_most_two])
    assert np.all(events["HT_all"][~at_most_two] > total[~at_most_two] + 30)


def test_no_direction_across_the_beam_is_preferred(events):
    for name in ("lepton0", "lepton1"):
        px, py, pz, _ = components(events, name)
        for component in (px, py, pz):
            assert abs(component.mean()) < 4 * component.std() / np.sqrt(len(component))


# H -> WW -> l nu l nu -------------------------------------------------------------------------------


def test_the_leptons_of_a_higgs_boson_stay_below_its_mass(signal_events):
    # Two neutrinos carry away the rest; m_ll comes near m_H - m_W = 45 GeV at most for W bosons on
    # their mass shells, and beyond it only with the tail of the second W.
    mass = signal_events["combined_leptons_mass"]
    assert np.mean(mass < HIGGS_MASS_GEV) > 0.99
    assert 30 < np.median(mass) < 50


def test_spin_correlation_brings_the_leptons_of_the_higgs_boson_together(signal_events, background_events):
    signal_angle, background_angle = (
        np.median(events["angle_between_leptons"]) for events in (signal_events, background_events)
    )
    assert signal_angle < 1.0
    assert background_angle > 1.3
    assert np.median(background_events["combined_leptons_mass"]) > 75


def test_the_higgs_boson_usually_comes_without_jets(signal_events):
    assert 0.45 < np.mean(signal_events["Njets"] == 0) < 0.65


# t tbar -> b l nu b l nu ----------------------------------------------------------------------------


def test_most_top_pairs_have_two_jets_or_more(background_events, signal_events):
    assert np.mean(background_events["Njets"] >= 2) > 0.7
    assert np.mean(background_events["Njets"] >= 1) > 0.95
    assert np.mean(background_events["Njets"]) > np.mean(signal_events["Njets"]) + 1


def test_top_pairs_carry_more_transverse_momentum(background_events, signal_events):
    assert np.median(background_events["HT_all"]) > 2 * np.median(signal_events["HT_all"])
    assert np.median(background_events["MissingEnergy"]) > np.median(signal_events["MissingEnergy"])


def test_lepton_and_b_jet_of_a_top_quark_stay_below_their_end_point(background_events):
    # For massless b quarks m_lb <= sqrt(m_t^2 - m_W^2) = 153 GeV. Of the two pairings the better
    # one must fulfil it, but for resolution and for jets that are not the b.
    two_jets = background_events[background_events["Njets"] == 2]

    def mass(lepton, jet):
        total = np.stack(components(two_jets, lepton)) + np.stack(components(two_jets, jet))
        return np.sqrt(np.maximum(total[3] ** 2 - (total[:3] ** 2).sum(axis=0), 0))

    straight = np.maximum(mass("lepton0", "jet0"), mass("lepton1", "jet1"))
    crossed = np.maximum(mass("lepton0", "jet1"), mass("lepton1", "jet0"))
    assert np.mean(np.minimum(straight, crossed) < 170) > 0.85


# Rates ----------------------------------------------------------------------------------------------


def test_cross_sections_are_those_of_leading_order(sample):
    # W -> e nu or mu nu: 2 * 10.86 % (Particle Data Group 2024). Leading-order cross-sections move by
    # some 25 % with scale and parton distributions.
    both_leptonic = (2 * 0.1086) ** 2
    summary, _ = sample
    # Leading-order t tbar at 13 TeV is about 60 % of the measured 830 pb.
    assert summary.processes["background"].cross_section_pb == pytest.approx(500 * both_leptonic, rel=0.25)
    # gg -> H at leading order, with the width to gluons that Pythia corrects, lies between the plain
    # 16 pb and the 48.6 pb of third order (arXiv:1610.07922); H -> WW has 21.5 %.
    higgs_pb = summary.processes["signal"].cross_section_pb / both_leptonic / 0.215
    assert 16 < higgs_pb < 48.6


def test_weights_add_up_to_the_expected_yield(sample):
    summary, events = sample
    for name, process in summary.processes.items():
        total = events[name]["event_weight"].sum()
        assert total == pytest.approx(process.cross_section_pb * 1000 * process.efficiency)
        assert np.all(np.diff(events[name]["event_number"]) > 0)


def test_about_half_of_the_events_are_selected(sample):
    for process in sample[0].processes.values():
        assert 0.35 < process.efficiency < 0.7


# Detector -------------------------------------------------------------------------------------------


def test_jets_close_on_their_resolution(top_particles, monkeypatch):
    pairs = []

    def record(jets, rng):
        smeared = jets.scale(jet_response.draw_response(jet_response.jet_resolution(jets.pt), rng))
        pairs.append((jets.pt, smeared.pt))
        return smeared

    monkeypatch.setattr("rapidity.samples.dilepton.smear_jets", record)
    reconstruct_dilepton_events(top_particles, np.random.default_rng(1))
    true_pt, pt = (np.concatenate(column) for column in zip(*pairs, strict=True))
    pull = (pt / true_pt - 1) / jet_response.jet_resolution(true_pt)
    assert len(pull) > 1000
    assert pull.mean() == pytest.approx(0, abs=4 / np.sqrt(len(pull)))
    assert pull.std() == pytest.approx(1, abs=0.08)


def test_neutrinos_are_what_is_missing(top_particles):
    features, selected = reconstruct_dilepton_events(top_particles, np.random.default_rng(1))
    neutrinos = top_particles.take(np.isin(np.abs(top_particles.pdg_id), (12, 14, 16)))
    true = np.hypot(neutrinos.sum_by_event(neutrinos.px), neutrinos.sum_by_event(neutrinos.py))[selected]
    measured = features[:, list(SAMPLES["hww_ttbar"].columns).index("MissingEnergy")]
    # Two jets of 70 GeV measured to 12 % and a soft part: 10 to 20 GeV.
    assert abs(np.median(measured - true)) < 6
    assert 5 < np.percentile(np.abs(measured - true), 68) < 25


def test_energy_and_momentum_of_all_particles_are_those_of_the_beams():
    pytest.importorskip("pythia8mc", reason="Pythia 8 is not installed")
    process = SAMPLES["hww_ttbar"].processes[0]
    generator = PythiaGenerator(
        (*SAMPLES["hww_ttbar"].settings, *process.settings), 4, underlying_event=False
    )
    particles = generator.generate(50)
    np.testing.assert_allclose(particles.sum_by_event(particles.energy), 13_000, rtol=1e-6)
    for component in (particles.px, particles.py, particles.pz):
        np.testing.assert_allclose(particles.sum_by_event(component), 0, atol=1e-2)


def test_underlying_event_adds_particles():
    pytest.importorskip("pythia8mc", reason="Pythia 8 is not installed")
    sample = SAMPLES["hww_ttbar"]
    settings = (*sample.settings, *sample.processes[0].settings)
    with_it, without = (
        PythiaGenerator(settings, 3, underlying_event=switch).generate(40).counts.mean()
        for switch in (True, False)
    )
    assert with_it > 2 * without


# Workers --------------------------------------------------------------------------------------------


def test_one_process_makes_the_same_events_as_several(sample, tmp_path):
    path = tmp_path / "one.h5"
    generate("hww_ttbar", path, n_events=300, seed=SEED, workers=1, progress=SilentProgress())
    with h5py.File(path) as file:
        for dataset, events in (("Signal", "signal"), ("Background", "background")):
            here, there = file[dataset][:], sample[1][events][:150]
            for name in set(here.dtype.names) - {"event_weight"}:
                np.testing.assert_array_equal(here[name], there[name])


def test_a_setting_that_pythia_does_not_know_is_an_error():
    pytest.importorskip("pythia8mc", reason="Pythia 8 is not installed")
    with pytest.raises(EngineError, match="Pythia does not know the setting 'HiggsSM:gg2Higgs = on'"):
        PythiaGenerator(("HiggsSM:gg2Higgs = on",), 1, underlying_event=False)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the table of processes is not a folder here")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_no_worker_outlives_the_program(tmp_path, how):
    pytest.importorskip("pythia8mc", reason="Pythia 8 is not installed")
    script = (
        "from pathlib import Path; from rapidity.samples import generate\n"
        "from rapidity.core.progress import SilentProgress\n"
        f"generate('hww_ttbar', Path({str(tmp_path / 'a.h5')!r}), n_events=10**6, seed=1, workers=2,"
        " progress=SilentProgress())"
    )
    program = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    workers = wait_for(lambda: children(program.pid) if len(children(program.pid)) == 2 else None)
    program.send_signal(how)
    program.wait(timeout=30)
    # After a kill they finish their block first, which no one reads.
    wait_for(lambda: not any(is_running(worker) for worker in workers))
    assert list(tmp_path.glob("*.h5")) == []


def wait_for(condition, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    pytest.fail(f"it did not happen within {timeout_s:g} s")


def children(process_id):
    listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def is_running(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    return state != "Z"


def test_a_worker_answers_more_than_one_task():
    pytest.importorskip("pythia8mc", reason="Pythia 8 is not installed")
    with WorkerPool(1) as pool:
        tasks = [
            BlockTask(
                "hww_ttbar", "signal", block, 1, underlying_event=False, n_wanted=1, selection="dilepton"
            )
            for block in (0, 1)
        ]
        blocks = [pool.submit(task) for task in tasks]
        numbers = [block.result(timeout=60).event_number for block in blocks]
    assert numbers[0].max() < numbers[1].min()
