"""The configurations of the guide's page about conversions run, one after the other."""

from __future__ import annotations

import re
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot
import yaml

from rapidity.workflow import convert_files, train_run

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "conversion.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
N_EVENTS = 300


def write_sample(path, seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(4, 9, N_EVENTS)

    def of_jets(values):
        return ak.unflatten(values.astype(np.float32), counts)

    n_jets = counts.sum()
    with uproot.recreate(path) as file:
        file["nominal"] = {
            "runNumber": np.full(N_EVENTS, 284500, np.int32),
            "eventNumber": np.arange(N_EVENTS, dtype=np.int64) + N_EVENTS * seed,
            "mc_weight": rng.choice([-1.0, 1.0, 1.0, 1.0], N_EVENTS),
            "met_met": rng.exponential(60_000, N_EVENTS).astype(np.float32),
            "met_phi": rng.uniform(-3, 3, N_EVENTS).astype(np.float32),
            "lep_0_pt": rng.exponential(40_000, N_EVENTS).astype(np.float32),
            "jet_pt": of_jets(25_000 + rng.exponential(30_000 + 5_000 * seed, n_jets)),
            "jet_eta": of_jets(rng.normal(0, 2, n_jets)),
            "jet_phi": of_jets(rng.uniform(-3, 3, n_jets)),
        }


@pytest.mark.numpy
def test_the_configurations_of_the_guide_run(tmp_path):
    conversion, _, training = BLOCKS
    for number, name in enumerate(("ttH_1", "ttH_2", "ttbb_1")):
        write_sample(tmp_path / f"{name}.root", number)
    (tmp_path / "convert.yaml").write_text(conversion)
    summary = convert_files(tmp_path / "convert.yaml", n_workers=1)
    assert [file.n_read for file in summary.files] == [N_EVENTS] * 3
    with h5py.File(tmp_path / "training.h5") as file:
        group = file["events"]
        assert group["jet_pt_gev"].shape[1] == 10
        assert group["met"].attrs["unit"] == "GeV"
        pt = group["jet_pt_gev"][()]
        assert (np.diff(pt, axis=1) <= 0).all()
        assert pt[pt > 0].min() > 25
        assert group["class"].attrs["names"].tolist() == ["ttH", "ttbb"]
    config = yaml.safe_load(training)
    config["training"] = {"engine": "numpy", "epochs": 1, "weight": {"event_weight": "absolute"}}
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(config))
    run = train_run(tmp_path / "train.yaml", output=tmp_path / "run")
    assert run.model.classes.names == ("ttH", "ttbb")


def test_the_arrays_of_the_guide_become_objects(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 3, (N_EVENTS, 40, 4)) * (rng.random((N_EVENTS, 40, 1)) < 0.5)
    np.savez(tmp_path / "QG_jets.npz", X=x, y_of_jet=np.arange(N_EVENTS) % 2)
    (tmp_path / "convert.yaml").write_text(BLOCKS[1])
    convert_files(tmp_path / "convert.yaml", n_workers=1)
    with h5py.File(tmp_path / "quark_gluon.h5") as file:
        group = file["events"]
        assert group["n_constituents"][()].tolist() == np.minimum((x[..., 0] > 0.5).sum(axis=1), 30).tolist()
        assert group["pt"].shape == (N_EVENTS, 30)
        assert (np.diff(group["pt"][()], axis=1) <= 0).all()
        assert "X" not in group
        assert group["label"][()].tolist() == (np.arange(N_EVENTS) % 2).tolist()
        assert (group["jet_mass"][()] > 0).all()
