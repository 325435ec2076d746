"""Friend trees of real files: a model trained on one experiment's layout scores another's."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml

import rapidity
from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged

pytestmark = pytest.mark.data
FEATURES = ["MET", "sum(jet_pT)", "max(jet_pT)", "count(jet_pT > 30)", "jet_eta[0]"]
CLASSES = {"higgs": "reduced_higgsevents.root", "ttbar": "reduced_ttbarevents.root"}
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def run(module_without_plots, shared_data, tmp_path_factory):
    """Return a network that tells H -> bb from top pairs (Delphes, jagged jets, GeV)."""
    folder = tmp_path_factory.mktemp("delphes")
    data = shared_data / "delphes_hbb_ttbar"
    config = {
        "name": "delphes",
        "data": {
            "sources": [{"path": str(data / name), "class": key} for key, name in CLASSES.items()],
            "selection": "count(jet_pT > 25) >= 2",
            "event_weight": "EventWeight",
        },
        "features": FEATURES,
        "network": {"type": "mlp", "hidden": [16]},
        "training": {"engine": "numpy", "epochs": 2},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return rapidity.train(folder / "config.yaml", output=folder / "run")


def read_columns(path, tree, names, scale=1.0):
    """Return columns under the names of the model, read by uproot alone."""
    columns = {}
    with uproot.open(path) as file:
        for name, branch in names.items():
            values = file[tree][branch].array()
            values = values * scale if name != "jet_eta" else values
            if values.ndim == 1:
                columns[name] = ak.to_numpy(values).astype("f4")
            else:
                content = ak.to_numpy(ak.flatten(values)).astype("f4")
                columns[name] = Jagged.from_counts(content, ak.to_numpy(ak.num(values)))
    return columns


def check_friend(run, path, columns):
    with uproot.open(path) as file:
        friend = file["scores"]
        assert friend.num_entries == len(columns["MET"])
        assert friend["source_entry"].array().tolist() == list(range(friend.num_entries))
        scores = run.model.run(columns).probabilities
        for index, name in enumerate(CLASSES):
            found = np.asarray(friend[f"score_{name}"].array())
            np.testing.assert_allclose(found, scores[:, index], atol=TOLERANCE)
        jets = columns["jet_pT"]
        wanted = [int((jets[i : i + 1].content > 25).sum()) >= 2 for i in range(len(jets))]
        assert friend["pass"].array().tolist() == wanted
        assert not all(wanted)


def test_delphes_files_get_friend_trees(run, shared_data, tmp_path):
    folder = shared_data / "delphes_hbb_ttbar"
    summary = run.predict(str(folder / "*.root"), tmp_path)
    assert [path.name for path in summary.outputs] == [
        f"reduced_{name}events.scores.root" for name in ("data", "higgs", "ttbar")
    ]
    assert summary.n_events == 30_000
    names = {name: name for name in ("MET", "jet_pT", "jet_eta")}
    for source, output in zip(summary.files, summary.outputs, strict=True):
        check_friend(run, output, read_columns(source, "EventsTree", names))
    assert run.predict(str(folder / "*.root"), tmp_path, verify=True).n_kept_events == 30_000


def test_atlas_files_are_scored_with_their_branches_renamed(run, shared_data, tmp_path):
    """Their momenta are in MeV."""
    (tmp_path / "map.yaml").write_text(
        "columns:\n  MET: met_et / 1000\n  jet_pT: jet_pt / 1000\n  jet_eta: jet_eta\n"
    )
    files = str(shared_data / "atlas_4lep" / "*.root")
    summary = run.predict(files, tmp_path / "out", columns=tmp_path / "map.yaml")
    assert summary.n_events == 832
    for source, output in zip(summary.files, summary.outputs, strict=True):
        names = {"MET": "met_et", "jet_pT": "jet_pt", "jet_eta": "jet_eta"}
        check_friend(run, output, read_columns(source, "mini", names, scale=1e-3))


def test_atlas_files_as_they_are_lack_what_the_model_needs(run, shared_data, tmp_path):
    with pytest.raises(
        DataError, match=r"lacks 2 of the 3 columns.*\n.*'MET'.*\n  'jet_pT'  closest: jet_pt"
    ):
        run.predict(str(shared_data / "atlas_4lep" / "data_A.4lep.root"), tmp_path / "out")


def test_friends_join_in_training(run, shared_data, tmp_path):
    """Event numbers repeat here: what joins is the entry."""
    data = shared_data / "delphes_hbb_ttbar"
    run.predict([data / name for name in CLASSES.values()], tmp_path)
    config = {
        "name": "second",
        "data": {
            "sources": [
                {
                    "path": str(data / name),
                    "tree": "EventsTree",
                    "join": str(tmp_path / name.replace(".root", ".scores.root")),
                    "class": key,
                    "limit": 2000,
                }
                for key, name in CLASSES.items()
            ],
            "selection": "count(jet_pT > 25) >= 2",
        },
        "features": ["score_higgs", "MET"],
        "network": {"type": "mlp", "hidden": [4]},
        "training": {"engine": "numpy", "epochs": 1},
    }
    (tmp_path / "second.yaml").write_text(yaml.safe_dump(config))
    second = rapidity.train(tmp_path / "second.yaml", output=tmp_path / "second")
    assert second.metrics["test_auc"]["higgs"] > 0.5


REFUSED = {
    "atlas_4lep/data_A.4lep.root": r"\d+ of its 81 branches hold C\+\+ objects \(TBranchElement",
    "cms_jets/ntuple_ttbar.root": "hold a varying number of values per event",
    "delphes_hbb_ttbar/reduced_higgsevents.root": r"branches hold C\+\+ objects \(TBranchElement",
    "root_layouts/nanoAOD_2015_CMS_Open_Data_ttbar.root": "hold a varying number of values per event",
    "root_layouts/uproot-HZZ.root": "hold a varying number of values per event",
}
TAKEN = ("alice_pid/Electrons.root", "alice_pid/Protons.root", "root_layouts/uproot-Zmumu.root")


@pytest.mark.parametrize("name", [*REFUSED, *TAKEN])
def test_which_files_take_branches(shared_data, tmp_path, name):
    from rapidity.data.readers import open_reader
    from rapidity.data.writers.injection import open_injector

    reader = open_reader(shared_data / name)
    columns = {"score_a": np.dtype("f4"), "entry_hash": np.dtype("u8")}

    def write_copy():
        with open_injector(reader, tmp_path / "copy.root", file_format="root", columns=columns) as writer:
            writer.write({key: np.arange(reader.n_entries).astype(kind) for key, kind in columns.items()})

    if name in REFUSED:
        with pytest.raises(DataError, match=REFUSED[name]):
            write_copy()
        assert not list(tmp_path.iterdir())
        return
    write_copy()
    with uproot.open(shared_data / name) as old, uproot.open(tmp_path / "copy.root") as new:
        before, after = old[reader.table], new[reader.table]
        for branch in map(str, before.keys()):
            assert ak.array_equal(before[branch].array(), after[branch].array(), equal_nan=True)
        np.testing.assert_array_equal(after["entry_hash"].array(), np.arange(reader.n_entries))


ATHENA_MAP = """
columns:
  MET: sum(`AnalysisJetsAuxDyn:pt`) / 1000
  jet_pT: "`AnalysisJetsAuxDyn:pt` / 1000"
  jet_eta: AnalysisJetsAuxDyn:eta
"""


def test_an_rntuple_of_athena_gets_an_rntuple_for_a_friend(run, shared_data, tmp_path):
    """The file holds several RNTuples, one with a thousand fields; `--inject` is refused."""
    path = shared_data / "root_layouts" / "uproot-physlite-rntuple_v1-0-0-0.root"
    (tmp_path / "map.yaml").write_text(ATHENA_MAP)
    options = {"tree": "EventData", "columns": tmp_path / "map.yaml"}
    summary = run.predict(path, tmp_path / "out", **options)
    with uproot.open(path) as file, uproot.open(summary.outputs[0]) as friends:
        assert friends.classnames()["scores;1"] == "ROOT::RNTuple"
        pt, eta = (file["EventData"][f"AnalysisJetsAuxDyn:{name}"].array() for name in ("pt", "eta"))
        counts = ak.to_numpy(ak.num(pt))
        jet_pt = ak.to_numpy(ak.flatten(pt)).astype("f8") / 1000
        columns = {
            "MET": np.asarray(ak.sum(ak.values_astype(pt, "float64"), axis=1) / 1000, "f4"),
            "jet_pT": Jagged.from_counts(jet_pt.astype("f4"), counts),
            "jet_eta": Jagged.from_counts(ak.to_numpy(ak.flatten(eta)), counts),
        }
        expected = run.model.run(columns).probabilities[:, 0]
        found = np.asarray(friends["scores"]["score_higgs"].array())
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(DataError, match="it is an RNTuple, to which uproot adds fields of zeros only"):
        run.predict(path, tmp_path / "copies", inject=True, **options)
