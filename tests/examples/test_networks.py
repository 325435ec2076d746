"""The examples on images and clouds: every configuration fits its data, and one of each folder is trained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rapidity.samples.generation import generate
from rapidity.workflow import check_config, convert_files, train_run

if TYPE_CHECKING:
    from collections.abc import Iterable

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
N_JETS = 90


def make_electron_photon(folder: Path) -> None:
    generate("electron_photon", folder / "electron_photon.h5", n_events=80, seed=1, workers=1)


def make_cifar10(folder: Path) -> None:
    """Write random pictures of ten classes."""
    rng = np.random.default_rng(1)
    names = np.array(
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    )
    for part, n_images in (("train", 60), ("test", 20)):
        images = rng.integers(0, 256, (n_images, 32, 32, 3), dtype=np.uint8)
        np.savez(folder / f"{part}.npz", image=images, label=names[np.arange(n_images) % 10])


def make_cms_jets(folder: Path) -> None:
    """Write random jets with the columns that the configurations name."""
    rng = np.random.default_rng(2)
    numbers = ("jet_pt", "jet_eta", "QG_ptD", "QG_axis2")
    counts = ("npv", "n_sv", "n_Cpfcand", "n_Npfcand", "QG_mult")
    branches = {name: rng.uniform(20, 100, N_JETS).astype(np.float32) for name in numbers}
    branches |= {name: rng.integers(0, 20, N_JETS).astype(np.int32) for name in counts}
    branches |= {flag: (np.arange(N_JETS) % 4 == i).astype(np.int32) for i, flag in enumerate(FLAGS)}
    for columns in COLUMNS.values():
        objects = rng.integers(1, 6, N_JETS)
        for name in columns:
            values = rng.uniform(0.1, 2, objects.sum()).astype(np.float32)
            branches[name] = ak.unflatten(values, objects)
    with uproot.recreate(folder / "ntuple_ttbar.root") as file:
        file.mktree("tree", {name: ak.type(ak.Array(values)).content for name, values in branches.items()})
        file["tree"].extend(branches)


FLAGS = ("isB", "isC", "isUDS")
COLUMNS = {
    "Cpfcan": [
        f"Cpfcan_{name}"
        for name in (
            "pt", "etarel", "phirel", "dxy", "dz", "VTX_ass", "puppiw", "dptdpt", "chi2", "isMu", "isEl",
        )
    ],
    "Npfcan": [f"Npfcan_{name}" for name in ("pt", "etarel", "phirel", "isGamma", "HadFrac")],
    "sv": [
        f"sv_{name}"
        for name in (
            "pt", "eta", "phi", "mass", "ntracks", "chi2", "ndf", "dxy", "dxyerr", "d3d", "d3derr",
            "costhetasvpv",
        )
    ],
}  # fmt: skip


def make_quark_gluon(folder: Path) -> None:
    """Generate some jets as images, with their clouds beside them."""
    generate("quark_gluon", folder / "quark_gluon.parquet", n_events=80, seed=1, workers=1)


def make_tth_bb(folder: Path) -> None:
    """Generate some events with a loose selection, and convert them as the example does."""
    generate("tth_bb", folder / "tth_bb.root", n_events=80, seed=1, selection="4j2b", workers=1)
    convert_files(folder / "convert.yaml")


MAKERS = {
    "electron_photon": make_electron_photon,
    "cifar10_inception": make_cifar10,
    "cms_jets": make_cms_jets,
    "quark_gluon": make_quark_gluon,
    "tth_bb": make_tth_bb,
}
GENERATED = ("quark_gluon", "tth_bb")
"""Made with Pythia."""
TRAINED = (
    "electron_photon/cnn",
    "cifar10_inception/config",
    "cms_jets/deep_sets",
    "quark_gluon/image",
    "quark_gluon/particle_net",
    "tth_bb/event_graph",
)
CONFIGS = {
    f"{folder}/{path.stem}": path
    for folder in MAKERS
    for path in sorted((EXAMPLES / folder).glob("*.yaml"))
    if path.stem != "convert"
}


def mark(names: Iterable[str]) -> list[Any]:
    """Return the names as cases of a test, those that need Pythia marked so."""
    needs = pytest.mark.generate
    return [pytest.param(name, marks=[needs] if name.startswith(GENERATED) else []) for name in names]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a function that gives the copy of an example with small data beside it, made once."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name) / name
            shutil.copytree(EXAMPLES / name, made[name])
            MAKERS[name](made[name])
        return made[name]

    return make


@pytest.mark.parametrize("name", mark(CONFIGS))
def test_configuration_and_data_fit(name, place):
    result = check_config(place(CONFIGS[name].parent.name) / CONFIGS[name].name)
    assert result.n_parameters > 1000


@pytest.mark.torch
@pytest.mark.parametrize("name", mark(TRAINED))
def test_one_of_each_example_is_trained(name, place, tmp_path):
    overrides = [
        "training.epochs=1",
        "training.batch_size=16",
        "evaluation.bootstrap=10",
        "evaluation.interactive=false",
    ]
    config = place(CONFIGS[name].parent.name) / CONFIGS[name].name
    run = train_run(config, output=tmp_path / "run", overrides=overrides)
    assert run.path.model.is_file()
    assert all(0 <= auc <= 1 for auc in run.metrics["test_auc"].values())
