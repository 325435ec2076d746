"""Conversions of real ntuples, compared with what awkward reads: every layout that experiments use."""

from __future__ import annotations

import awkward as ak
import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from rapidity.core.errors import DataError
from rapidity.workflow import convert_files

pytestmark = pytest.mark.data


@pytest.fixture
def convert(tmp_path):
    """Return the conversion of files into `out.h5`, and what is then in it."""

    def run(files, name="out.h5", **keys):
        convert_files(files, tmp_path / name, n_workers=1, overwrite=True, **keys)
        with h5py.File(tmp_path / name) as file:
            return {key: node[()] for key, node in file["events"].items()}

    return run


def assert_objects(found, names, array, width, order=None):
    """Compare padded columns with awkward's: ordered by `order` (largest first), cut, filled up with 0."""
    for name in names:
        values = array[name]
        if order is not None:
            values = values[ak.argsort(order, ascending=False, stable=True)]
        expected = ak.fill_none(ak.pad_none(values, width, clip=True), 0)
        np.testing.assert_array_equal(found[name], ak.to_numpy(expected))


def read(path, tree, names):
    with uproot.open(path) as file:
        return file[tree].arrays(names)


def test_nanoaod(convert, shared_data):
    path = shared_data / "root_layouts" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    found = convert(
        path,
        tree="Events",
        columns=["MET_pt", "Jet_*", {"ht": "sum(Jet_pt)"}],
        event_key=["run", "luminosityBlock", "event"],
        collections={"Jet": {"n_objects": 6}},
        generator_weight="genWeight",
        cross_section=831.76,
        luminosity=2.3,
        sum_of_weights="sum",
    )
    jets = ["Jet_pt", "Jet_eta", "Jet_btagCSVV2", "Jet_hadronFlavour", "Jet_muonIdx1"]
    array = read(path, "Events", [*jets, "MET_pt", "nJet", "event", "run", "genWeight"])
    assert_objects(found, jets, array, 6, array["Jet_pt"])
    assert found["n_Jet"].tolist() == np.minimum(array["nJet"], 6).tolist()
    assert found["event"].dtype == found["run"].dtype == np.int64
    assert found["event"].tolist() == array["event"].tolist()
    np.testing.assert_allclose(found["ht"], ak.sum(array["Jet_pt"], axis=1), rtol=1e-6)
    weight = ak.values_astype(array["genWeight"], "f8")
    expected = weight * 831.76 * 2300.0 / float(ak.sum(weight))
    np.testing.assert_allclose(found["event_weight"], expected, rtol=1e-12)


def test_nanoaod_whole(convert, shared_data):
    found = convert(shared_data / "root_layouts" / "nanoAOD_2015_CMS_Open_Data_ttbar.root", tree="Events")
    assert len(found) > 940
    assert {len(values) for values in found.values()} == {200}


def test_a_sum_of_weights_that_is_not_there(convert, shared_data):
    path = shared_data / "root_layouts" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    options = {"cross_section": 1.0, "luminosity": 1.0, "sum_of_weights": "Runs:genEventSumw"}
    with pytest.raises(DataError, match=r"tree 'Runs' is not in .*nanoAOD"):
        convert(path, tree="Events", columns=["MET_pt"], **options)


def test_physlite_rntuple(convert, shared_data):
    path = shared_data / "root_layouts" / "uproot-physlite-rntuple_v1-0-0-0.root"
    electrons = "AnalysisElectronsAuxDyn:"
    names = [f"{electrons}{name}" for name in ("pt", "eta", "phi", "charge")]
    found = convert(path, tree="EventData", columns=[*names, "EventInfoAuxDyn:eventNumber"], n_objects=3)
    array = read(path, "EventData", [*names, "EventInfoAuxDyn:eventNumber"])
    assert_objects(found, names, array, 3, array[f"{electrons}pt"])
    assert found["EventInfoAuxDyn:eventNumber"].tolist() == array["EventInfoAuxDyn:eventNumber"].tolist()


def test_hzz(convert, shared_data):
    path = shared_data / "root_layouts" / "uproot-HZZ.root"
    found = convert(path)
    muons = ["Muon_Px", "Muon_Py", "Muon_E", "Muon_Charge"]
    array = read(path, "events", [*muons, "NMuon", "MET_px", "EventWeight", "triggerIsoMu24"])
    pt = np.hypot(ak.values_astype(array["Muon_Px"], "f8"), ak.values_astype(array["Muon_Py"], "f8"))
    assert_objects(found, muons, array, 4, pt)
    for name in ("NMuon", "MET_px", "EventWeight", "triggerIsoMu24"):
        assert found[name].tolist() == array[name].tolist()


def test_zmumu(convert, shared_data):
    path = shared_data / "root_layouts" / "uproot-Zmumu.root"
    found = convert(path, selection="Q1 * Q2 < 0 and M > 60", event_key=["Run", "Event"])
    array = read(path, "events", ["Type", "M", "Q1", "Q2", "Event"])
    array = array[(array["Q1"] * array["Q2"] < 0) & (array["M"] > 60)]
    assert found["M"].tolist() == array["M"].tolist()
    assert found["Event"].tolist() == array["Event"].tolist()
    assert [text.decode() for text in found["Type"]] == array["Type"].tolist()


def test_delphes_from_three_samples(shared_data, tmp_path):
    folder = shared_data / "delphes_hbb_ttbar"
    config = tmp_path / "convert.yaml"
    config.write_text(f"""
sources:
  - {{path: {folder}/reduced_higgsevents.root, class: higgs, cross_section: 0.5, sum_of_weights: sum}}
  - {{path: {folder}/reduced_ttbarevents.root, class: ttbar, cross_section: 830, sum_of_weights: sum}}
  - {{path: {folder}/reduced_dataevents.root, class: data, generator_weight: 1}}
generator_weight: EventWeight
luminosity: 10
columns: [MET, EventNumber]
collections:
  jets: {{columns: [jet_pT, jet_eta, jet_isB], n_objects: 8, select: jet_pT > 30}}
""")
    summary = convert_files(config, tmp_path / "out.parquet", n_workers=1)
    table = pq.read_table(tmp_path / "out.parquet")
    start = 0
    for sample, record in zip(("higgs", "ttbar", "data"), summary.files, strict=True):
        array = read(
            folder / f"reduced_{sample}events.root", "EventsTree", ["jet_pT", "jet_isB", "EventWeight", "MET"]
        )
        rows = table.slice(start, len(array))
        start += len(array)
        jets = array[["jet_pT", "jet_isB"]][array["jet_pT"] > 30]
        jets = jets[ak.argsort(jets["jet_pT"], ascending=False, stable=True)][:, :8]
        assert rows["jet_pT"].to_pylist() == jets["jet_pT"].to_list()
        assert rows["jet_isB"].to_pylist() == jets["jet_isB"].to_list()
        assert rows["MET"].to_pylist() == array["MET"].to_list()
        assert set(rows["class"].to_pylist()) == {sample}
        assert (record.n_read, record.n_written) == (len(array), len(array))
        weight = np.asarray(array["EventWeight"])
        factor = {"higgs": 5_000 / weight.sum(), "ttbar": 8_300_000 / weight.sum()}.get(sample)
        expected = np.ones(len(array)) if factor is None else weight * factor
        np.testing.assert_allclose(rows["event_weight"].to_numpy(), expected, rtol=1e-9)
    assert start == len(table)


def test_cms_jets(convert, shared_data):
    path = shared_data / "cms_jets" / "ntuple_ttbar.root"
    found = convert(path, collections={"Cpfcand": {"n_objects": 10}})
    names = ["Cpfcan_pt", "Cpfcan_dxy", "Cpfcan_isMu"]
    array = read(path, "deepntuplizer/tree", [*names, "n_Cpfcand", "sv_pt", "n_sv", "jet_pt"])
    assert_objects(found, names, array, 10, array["Cpfcan_pt"])
    assert found["n_Cpfcand"].tolist() == np.minimum(array["n_Cpfcand"], 10).tolist()
    assert found["n_sv"].tolist() == array["n_sv"].tolist()
    assert found["jet_pt"].tolist() == array["jet_pt"].tolist()


def test_atlas_4lep(convert, shared_data):
    folder = shared_data / "atlas_4lep"
    found = convert(folder / "*.root", collections={"lep": {"n_objects": 4}})
    start = 0
    leptons = ["lep_pt", "lep_eta", "lep_charge", "lep_isTightID"]
    for path in sorted(folder.glob("*.root")):
        array = read(path, "mini", [*leptons, "eventNumber"])
        rows = slice(start, start + len(array))
        here = {name: found[name][rows] for name in leptons}
        assert_objects(here, leptons, array, 4, array["lep_pt"])
        assert found["eventNumber"][rows].tolist() == array["eventNumber"].tolist()
        start = rows.stop
    assert start == len(found["lep_pt"])
    # In recorded data there is no truth: such a column is no part of the leptons.
    assert found["n_lep_truthMatched"].max() == 0
