"""The readers on real files of many origins."""

from __future__ import annotations

from collections import Counter

import awkward as ak
import numpy as np
import pytest
import uproot

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.inspection import inspect_file
from rapidity.data.readers import list_tables, open_reader
from rapidity.data.readers.opening import open_table

pytestmark = pytest.mark.data


def read_all(path, names, dtype=np.float32, **options):
    chunks = list(open_reader(path, **options).read(dict.fromkeys(names, dtype)))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


def kinds(path, **options):
    return Counter(info.kind for info in open_reader(path, **options).columns.values())


def test_alice_trees(shared_data):
    path = shared_data / "alice_pid" / "Kaons.root"
    reader = open_reader(path)
    assert reader.n_entries == 200_000
    assert kinds(path) == {"float64": 6, "integer": 6}
    table = read_all(path, reader.columns)
    assert all(len(values) == 200_000 for values in table.values())
    assert np.sum(table["dEdxITS"] == 0) == 719
    assert table["pT"].min() == np.float32(0.202)


def test_alice_duplicates_and_unmeasured_zeros_are_seen(shared_data):
    summary = inspect_file(shared_data / "alice_pid" / "Kaons.root")
    assert summary.n_read - (summary.n_duplicates or 0) == 137_682
    sentinels = {column.name: column.sentinels[0].value for column in summary.columns if column.sentinels}
    assert sentinels == {"dEdxITS": 0.0, "dEdxTPC": 0.0}


def test_alice_csv(shared_data):
    folder = shared_data / "alice_pid"
    assert len(read_all(folder / "tracks.csv", ["pT", "phi"])["phi"]) == 100_001
    labels = read_all(folder / "tracks_labels.csv", ["particle"], object)["particle"]
    assert Counter(labels)["deuterons"] == 20_159


def test_higgsml(shared_data):
    path = shared_data / "higgsml" / "atlas-higgs-challenge-2014-v2.22880.csv.gz"
    reader = open_reader(path)
    table = read_all(path, [name for name, info in reader.columns.items() if info.kind != "text"], np.float64)
    assert sum(int(np.sum(values == -999)) for values in table.values()) == 144_153
    label = read_all(path, ["Label"], object)["Label"]
    assert table["Weight"][label == "s"].sum() == pytest.approx(19.8, abs=0.1)
    assert table["Weight"][label == "b"].sum() == pytest.approx(11_419, abs=1)


def test_higgs(shared_data):
    assert len(read_all(shared_data / "higgs" / "higgs_train_10k.csv", ["response", "x28"])["x28"]) == 10_000


def test_lhcb(shared_data):
    reader = open_reader(shared_data / "lhcb_pid" / "training_head.csv")
    assert len(reader.columns) == 50
    assert reader.columns["Label"].kind == "text"


def test_nanoaod(shared_data):
    path = shared_data / "root_layouts" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    reader = open_reader(path)
    assert kinds(path) == {"boolean": 464, "jagged": 344, "float32": 83, "integer": 56}
    flat = [name for name, info in reader.columns.items() if info.kind != "jagged"]
    assert all(len(values) == 200 for values in read_all(path, flat).values())
    assert read_all(path, ["event"], np.int64)["event"].dtype == np.int64
    with pytest.raises(DataError, match="varying number of values"):
        reader.read({"Jet_pt": np.float32})


def test_physlite_rntuple(shared_data):
    path = shared_data / "root_layouts" / "uproot-physlite-rntuple_v1-0-0-0.root"
    with pytest.raises(
        DataError, match=r"holds 10 tables, and none is named: .*'EventData' \(RNTuple, 100 entries\)"
    ):
        open_reader(path)
    reader = open_reader(path, tree="EventData")
    flat = [name for name, info in reader.columns.items() if info.kind in {"float32", "integer", "boolean"}]
    assert "xTrigDecisionAux:.smk" in flat
    assert all(len(values) == 100 for values in read_all(path, flat, np.float64, tree="EventData").values())
    assert len(read_all(path, ["Token"], object, tree="EventTag")["Token"]) == 100


ROOT_FILES = [
    ("root_layouts/nanoAOD_2015_CMS_Open_Data_ttbar.root", "Events"),
    ("root_layouts/uproot-HZZ.root", "events"),
    ("root_layouts/uproot-Zmumu.root", "events"),
    ("root_layouts/uproot-physlite-rntuple_v1-0-0-0.root", "EventData"),
    ("root_layouts/uproot-physlite-rntuple_v1-0-0-0.root", "EventTag"),
    ("delphes_hbb_ttbar/reduced_higgsevents.root", "EventsTree"),
    ("delphes_hbb_ttbar/reduced_ttbarevents.root", "EventsTree"),
    ("delphes_hbb_ttbar/reduced_dataevents.root", "EventsTree"),
    ("cms_jets/ntuple_ttbar.root", "deepntuplizer/tree"),
    *((f"atlas_4lep/data_{period}.4lep.root", "mini") for period in "ABCD"),
]


def dtypes_of(reader):
    """Return every column that can be read, with its own type."""
    plain = {"float32": "f4", "float64": "f8", "integer": "f8", "boolean": "f4", "text": object}
    wanted = {}
    for name, info in reader.columns.items():
        if info.kind in plain:
            wanted[name] = plain[info.kind]
        elif info.dtype is not None:
            wanted[name] = (
                JaggedType.of(info.dtype) if info.kind == "jagged" else np.dtype((info.dtype, info.shape))
            )
    return wanted


def awkward_fields(table):
    """Return the branches or fields of a table by name."""
    if hasattr(table, "all_fields"):
        return {field.path: field for field in table.all_fields if not field.is_anonymous}
    return {branch.name: branch for branch in table.itervalues(recursive=True) if not branch.branches}


@pytest.mark.parametrize(("path", "tree"), ROOT_FILES)
def test_every_column_is_read_as_awkward_reads_it(shared_data, path, tree):
    reader = open_table(shared_data / path, tree)
    chunks = list(reader.read(dtypes_of(reader), 37))
    with uproot.open(shared_data / path) as file:
        fields = awkward_fields(file[tree])
        for name, first in chunks[0].items():
            expected = fields[name].array()
            if isinstance(first, Jagged):
                found = Jagged.concatenate([chunk[name] for chunk in chunks])
                np.testing.assert_array_equal(found.counts, ak.num(expected))
                np.testing.assert_array_equal(found.content, ak.to_numpy(ak.flatten(expected)), err_msg=name)
            else:
                found = np.concatenate([chunk[name] for chunk in chunks])
                np.testing.assert_array_equal(found, np.array(ak.to_list(expected)), err_msg=name)


@pytest.mark.parametrize(("path", "tree"), ROOT_FILES)
def test_columns_of_a_collection_have_equal_counts(shared_data, path, tree):
    reader = open_table(shared_data / path, tree)
    jagged = {name: dtype for name, dtype in dtypes_of(reader).items() if isinstance(dtype, JaggedType)}
    for chunk in reader.read(jagged):
        counts = {}
        for name, values in chunk.items():
            collection = reader.columns[name].collection
            if collection is not None:
                np.testing.assert_array_equal(counts.setdefault(collection, values.counts), values.counts)


def test_physlite_containers_are_collections(shared_data):
    reader = open_table(shared_data / ROOT_FILES[3][0], "EventData")
    columns = reader.columns
    assert columns["AnalysisJetsAuxDyn:pt"].collection == "AnalysisJets"
    # Lists of this store are of different lengths: it is no container.
    assert columns["xTrigDecisionAux:.lvl2PassedRaw"].collection is None
    assert columns["AnalysisJets"].kind == "unreadable"
    assert columns["METAssoc_AnalysisMETAux:.calpx"].kind == "doubly jagged"


def test_hzz_and_zmumu(shared_data):
    folder = shared_data / "root_layouts"
    assert open_reader(folder / "uproot-HZZ.root").columns["Jet_Px"].kind == "jagged"
    assert len(read_all(folder / "uproot-HZZ.root", ["MET_px"])["MET_px"]) == 2421
    assert set(read_all(folder / "uproot-Zmumu.root", ["Type"], object)["Type"]) == {"GT", "TT", "GG"}


def test_tree_in_a_folder(shared_data):
    path = shared_data / "cms_jets" / "ntuple_ttbar.root"
    assert [table.name for table in list_tables(path)] == ["deepntuplizer/tree"]
    assert read_all(path, ["isB", "n_sv"])["isB"].shape == (7199,)


def test_quark_and_gluon_arrays(shared_data):
    folder = shared_data / "qg_jets"
    assert open_reader(folder / "x10_sorted_12500.npy").columns["x10_sorted_12500"].kind == "array"
    (name,) = open_reader(folder / "y10_sorted_12500.npy").columns
    assert set(read_all(folder / "y10_sorted_12500.npy", [name], np.int64)[name]) == {0, 1}


def test_truncated_copy_of_a_real_file(shared_data, tmp_path):
    content = (shared_data / "alice_pid" / "Pions.root").read_bytes()
    (tmp_path / "Pions.root").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"Pions.root is truncated: it has 2,023,801 of 4,047,603 bytes"):
        open_reader(tmp_path / "Pions.root")
