"""The physics of the simulated jets: what tells gluons from quarks, and what must not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rapidity.samples import JET_SAMPLES, generate
from rapidity.samples.dijets import blocks
from rapidity.samples.dijets.blocks import JetTask, generate_jet_block
from rapidity.samples.dijets.geometry import SIZE
from rapidity.samples.ecal.geometry import CRYSTAL_ANGLE
from rapidity.workflow import check_config

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

GLUON, QUARK = 0, 1
CASIMIR_RATIO = 9 / 4
"""Of the colour factors of gluons and quarks: C_A / C_F, the ratio of multiplicities at infinite energy."""


@pytest.fixture(scope="module")
def jets():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "EVENTS_PER_CLASS", 160)
        return generate_jet_block(JET_SAMPLES["quark_gluon"], JetTask("quark_gluon", 0, 4, has_images=True))


@pytest.fixture(scope="module")
def images(jets):
    return jets.images.to_dense()


@pytest.fixture(scope="module")
def mean(jets):
    """Return the means of a feature: of gluons, of quarks."""
    return lambda name: tuple(float(jets.columns[name][jets.kind == kind].mean()) for kind in (GLUON, QUARK))


def auc(jets, values) -> float:
    found = roc_auc_score(jets.kind, values)
    return max(found, 1 - found)


def in_cone(images, radius):
    """Return the sums of the channels within a distance from the middle ``(n_jets, 3)``."""
    place = (np.arange(SIZE) - SIZE // 2) * CRYSTAL_ANGLE
    return (images * (np.hypot(place[:, np.newaxis], place) < radius)).sum(axis=(2, 3))


def test_momentum_and_direction_do_not_tell_the_class(jets):
    assert jets.n_jets > 250
    assert auc(jets, jets.columns["jet_pt"]) < 0.55
    assert auc(jets, np.abs(jets.columns["jet_eta"])) < 0.55
    assert auc(jets, jets.columns["jet_phi"]) < 0.58


def test_gluons_have_more_particles_but_fewer_than_at_infinite_energy(mean):
    for name in ("multiplicity", "charged_multiplicity"):
        gluon, quark = mean(name)
        assert 1.2 < gluon / quark < 1.8 < CASIMIR_RATIO


def test_gluons_are_broader_and_share_their_momentum_more_evenly(mean):
    for name in ("girth", "width", "jet_mass"):
        gluon, quark = mean(name)
        assert gluon > 1.2 * quark
    for name in ("pt_d", "leading_fraction"):
        gluon, quark = mean(name)
        assert gluon < 0.85 * quark


def test_a_quarter_is_photons_and_more_than_half_is_charged(mean):
    # Isospin: a third of the pions is neutral. CMS finds 65, 25, 10 % (arXiv:1607.03663); lost tracks count
    # as neutral here, and nothing is corrected for.
    for kind in (GLUON, QUARK):
        assert 0.48 < mean("charged_fraction")[kind] < 0.68
        assert 0.2 < mean("photon_fraction")[kind] < 0.32


def test_calorimeters_measure_the_momentum_of_the_jet(jets, images):
    sums = in_cone(images, 0.45)
    ratio = sums[:, 1:].sum(axis=1) / jets.columns["jet_pt"]
    assert np.median(ratio) == pytest.approx(0.97, abs=0.06)
    assert np.std(ratio) < 0.15
    tracks = sums[:, 0] / jets.columns["jet_pt"]
    assert np.median(tracks) == pytest.approx(np.median(jets.columns["charged_fraction"]), abs=0.06)


def test_the_jet_is_in_the_middle_and_the_field_draws_tracks_along_phi(images):
    tracks, crystals, towers = images.mean(axis=0)
    place = np.arange(SIZE) - SIZE // 2
    for channel in (tracks, crystals, towers):
        middle = [
            float(profile @ place / profile.sum()) for profile in (channel.sum(axis=0), channel.sum(axis=1))
        ]
        np.testing.assert_allclose(middle, 0.0, atol=2.5)

    def width(profile):
        return np.sqrt(profile @ place**2 / profile.sum())

    band = tracks[SIZE // 2 - 25 : SIZE // 2 + 26, SIZE // 2 - 25 : SIZE // 2 + 26]
    place = np.arange(51) - 25
    assert width(band.sum(axis=0)) > 1.2 * width(band.sum(axis=1))


def test_images_of_gluons_are_broader(jets, images):
    narrow, wide = (in_cone(images, radius)[:, 1:].sum(axis=1) for radius in (0.1, 0.4))
    part = narrow / wide
    assert np.median(part[jets.kind == GLUON]) < 0.9 * np.median(part[jets.kind == QUARK])


def test_constituents_add_up_to_the_jet(jets):
    owner = np.repeat(np.arange(jets.n_jets), jets.n_objects)
    pt, phi = jets.objects["constituent_pt"], jets.objects["constituent_phi"]
    total = [np.bincount(owner, pt * turn(phi)) for turn in (np.cos, np.sin)]
    np.testing.assert_allclose(np.hypot(*total), jets.columns["jet_pt"], rtol=1e-6)
    np.testing.assert_allclose(np.bincount(owner, jets.objects["constituent_energy"]).min() > 0, True)
    assert jets.n_objects.max() < 128


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "samples.md"
BLOCKS = re.findall(
    r"^```yaml\n(# Of quark_gluon.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the files of a small sample."""
    path = tmp_path_factory.mktemp("quark_gluon")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "EVENTS_PER_CLASS", 40)
        generate("quark_gluon", path / "quark_gluon.parquet", n_events=80, seed=1, workers=1)
    return path


@pytest.mark.parametrize("text", BLOCKS)
def test_the_configurations_of_the_guide_take_the_files(text, folder):
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    assert check_config(folder / "config.yaml").summary()


def test_the_guide_has_configurations():
    assert len(BLOCKS) == 2
