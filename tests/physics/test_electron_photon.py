"""The physics of the simulated images: what tells electrons from photons, what does not; the public ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from rapidity.samples import generate
from rapidity.samples.ecal.geometry import MAX_ETA, RADIUS_M
from rapidity.samples.ecal.simulation import ELECTRON, PHOTON, fly_to_crystals, simulate_images
from rapidity.samples.ecal.transport import start
from rapidity.workflow import check_config

if TYPE_CHECKING:
    from rapidity.samples.sample import SimulatedImages

N_IMAGES = 10_000
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "samples.md"
CRYSTALS = np.arange(32) - 16
READ = 0.002
"""A crystal is read from 100 MeV on; the public images also have softer ones."""
PUBLIC_TOLERANCE = {
    "total": 0.08, "n_read": 0.25, "n_hard": 0.25, "largest": 0.15, "second": 0.25, "r1": 0.10, "r9": 0.05,
    "r25": 0.03, "phi_width": 0.30, "eta_width": 0.15,
}  # fmt: skip
"""Of medians; those of 200 public images have errors of several per cent."""
BLOCKS = re.findall(
    r"^```yaml\n(# Of electron_photon.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)

Images = NDArray[np.float64]


def moments(profile: Images) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and spread, in crystals, of energies along one axis."""
    total = profile.sum(axis=1)
    mean = profile @ CRYSTALS / total
    return mean, np.sqrt(np.maximum(profile @ CRYSTALS**2 / total - mean**2, 0.0))


def summarise(energy: Images) -> dict[str, NDArray[np.float64]]:
    """Return summary features of images."""

    def block(half: int) -> NDArray[np.float64]:
        return energy[:, 16 - half : 17 + half, 16 - half : 17 + half].sum(axis=(1, 2))

    total = energy.sum(axis=(1, 2))
    band = np.where(energy > READ, energy, 0.0)
    # Five rows of crystals: noise elsewhere would be most of a spread.
    phi_mean, phi_width = moments(band[:, 14:19].sum(axis=1))
    largest = np.sort(energy.reshape(len(energy), -1), axis=1)[:, ::-1]
    return {
        "total": total,
        "n_read": (energy > READ).sum(axis=(1, 2)).astype(float),
        "largest": largest[:, 0],
        "second": largest[:, 1] / total,
        "r1": block(0) / block(1),
        "r9": block(1) / total,
        "r25": block(2) / block(3),
        "n_hard": (energy > 5 * READ).sum(axis=(1, 2)).astype(float),
        "phi_mean": phi_mean,
        "phi_width": phi_width,
        "eta_width": moments(np.pad(band[:, 14:19, 14:19].sum(axis=2), ((0, 0), (14, 13))))[1],
    }


@pytest.fixture(scope="module")
def is_electron() -> NDArray[np.int64]:
    return np.arange(N_IMAGES) % 2


@pytest.fixture(scope="module")
def simulated(is_electron) -> SimulatedImages:
    return simulate_images(is_electron, np.random.default_rng(17))


@pytest.fixture(scope="module")
def images(simulated) -> NDArray[np.float32]:
    return simulated.images


@pytest.fixture(scope="module")
def features(images) -> dict[str, NDArray[np.float64]]:
    return summarise(images[..., 0].astype(float))


@pytest.fixture(scope="module")
def trees(features, is_electron) -> HistGradientBoostingClassifier:
    half = N_IMAGES // 2
    values = np.stack(list(features.values()), axis=1)
    return HistGradientBoostingClassifier(learning_rate=0.05, max_leaf_nodes=15, random_state=1).fit(
        values[:half], is_electron[:half]
    )


def auc(is_electron, values) -> float:
    found = roc_auc_score(is_electron, values)
    return max(found, 1 - found)


def test_no_cut_on_the_sum_tells_the_classes_apart(features, is_electron):
    assert auc(is_electron, features["total"]) < 0.55


def test_the_true_energy_tells_nothing_of_the_class_but_can_be_measured(simulated, features, is_electron):
    energy = simulated.truth["energy"]
    assert auc(is_electron, energy) < 0.53
    ratio = 50 * features["total"] / energy
    # What leaks out of the image, and crystals below the threshold, are lost.
    assert np.median(ratio) == pytest.approx(0.98, abs=0.01)
    # Half of the spread that holds 68 % of the images: well below the spread of the energies themselves.
    resolution = 0.5 * np.subtract(*np.quantile(ratio, [0.84, 0.16]))
    assert resolution < 0.05 < np.std(energy) / np.mean(energy)


def test_neither_do_the_widths_along_eta_where_nothing_bends(features, is_electron):
    assert auc(is_electron, features["eta_width"]) < 0.53


def test_nor_do_noise_and_times(images, is_electron):
    corners = images[:, :6, :6, 0] > 0
    assert auc(is_electron, corners.sum(axis=(1, 2))) < 0.53
    assert auc(is_electron, images[:, 16, 16, 1]) < 0.53


def test_radiation_widens_electrons_along_phi(features, is_electron):
    assert 0.57 < auc(is_electron, features["phi_width"]) < 0.70
    median = [np.median(features["phi_width"][is_electron == kind]) for kind in (PHOTON, ELECTRON)]
    assert median[1] > 1.1 * median[0]


def test_images_are_as_often_bent_to_one_side_as_to_the_other(images, is_electron):
    profile = images[..., 0].mean(axis=(0, 1))
    for distance in (1, 2, 4):
        assert profile[16 - distance] == pytest.approx(profile[16 + distance], rel=0.15)


def test_trees_tell_them_moderately_well(trees, features, is_electron):
    half = N_IMAGES // 2
    values = np.stack(list(features.values()), axis=1)
    score = trees.predict_proba(values[half:])[:, 1]
    assert 0.66 < roc_auc_score(is_electron[half:], score) < 0.80


def test_without_material_there_is_nothing_to_tell(monkeypatch, is_electron):
    monkeypatch.setattr("rapidity.samples.ecal.simulation.thickness_x0", lambda eta: 1e-9 * (1 + eta**2))
    bare = summarise(
        simulate_images(is_electron[:4_000], np.random.default_rng(3)).images[..., 0].astype(float)
    )
    assert auc(is_electron[:4_000], bare["phi_width"]) < 0.53


def test_unconverted_photons_are_measured_to_about_a_per_cent():
    images = simulate_images(np.full(4_000, PHOTON), np.random.default_rng(9)).images[..., 0].astype(float)
    compact = images[:, 15:18, 15:18].sum(axis=(1, 2)) / images.sum(axis=(1, 2)) > 0.94
    ratio = images[:, 14:19, 14:19].sum(axis=(1, 2))[compact]
    # The energies are 50 GeV times cosh(eta): nearest to the middle, where they are 50 GeV, they pile up.
    lowest = np.sort(ratio)[: len(ratio) // 10]
    assert np.median(lowest) == pytest.approx(0.98, abs=0.02)
    assert np.quantile(ratio, 0.01) > 0.93


def test_conversions_grow_with_the_material_along_eta():
    rates = []
    for eta in (0.0, 0.8, MAX_ETA):
        etas = np.full(3_000, eta)
        photons = start(50 * np.cosh(etas), np.zeros(3_000), etas)
        arrived = fly_to_crystals(photons, etas, np.random.default_rng(2))
        whole = arrived.image[(arrived.charge == 0) & (arrived.energy_gev > 49.999 * np.cosh(eta))]
        rates.append(1 - len(whole) / 3_000)
    np.testing.assert_allclose(rates, 1 - np.exp(-7 / 9 * np.array([0.4, 0.72, 1.4])), atol=0.03)


def test_what_arrives_late_is_soft(is_electron):
    etas = np.zeros(2_000)
    arrived = fly_to_crystals(
        start(np.full(2_000, 50.0), np.ones(2_000), etas), etas, np.random.default_rng(4)
    )
    delay_ns = (arrived.path_m - RADIUS_M) / 0.299792458
    assert delay_ns.min() > -1e-9
    assert delay_ns[arrived.energy_gev > 10].max() < 0.01
    assert arrived.energy_gev[delay_ns > 0.3].max() < 3


@pytest.mark.data
def test_images_look_like_the_public_ones(shared_data, features, trees, is_electron):
    with np.load(shared_data / "electron_photon" / "electron-photon.npz") as file:
        energy = np.concatenate([file["x_train"], file["x_test"]]).astype(float)
        public_class = np.concatenate([file["y_train"], file["y_test"]]).astype(int)
    public = summarise(energy)
    for name, tolerance in PUBLIC_TOLERANCE.items():
        for kind in (PHOTON, ELECTRON):
            expected = np.median(public[name][public_class == kind])
            found = np.median(features[name][is_electron == kind])
            assert found == pytest.approx(expected, rel=tolerance), (name, kind)
    # Trees that have seen nothing but simulated images know the public ones; the error is 0.037.
    score = trees.predict_proba(np.stack(list(public.values()), axis=1))[:, 1]
    assert roc_auc_score(public_class, score) > 0.58


@pytest.mark.parametrize("text", BLOCKS)
def test_the_configuration_of_the_guide_takes_the_file(text, tmp_path):
    generate("electron_photon", tmp_path / "electron_photon.h5", n_events=400, seed=1, workers=1)
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    summary = check_config(tmp_path / "config.yaml").summary()
    assert summary.count("images of 32 x 32 pixels, 1 channel") == 2


def test_the_guide_has_a_configuration():
    assert len(BLOCKS) == 1
