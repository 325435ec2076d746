"""Collections and samples in the output: objects chosen and ordered, classes, weights."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError


def test_objects_are_chosen_ordered_cut_and_padded(convert, root_file, events, read_hdf5):
    summary = convert(
        root_file,
        columns=["met"],
        collections={
            "central": {
                "columns": ["jet_pt", {"jet_e": "sqrt(jet_mass**2 + (jet_pt * cosh(jet_eta))**2)"}],
                "select": "abs(jet_eta) < 2", "order_by": "-jet_eta", "n_objects": 2,
            }
        },
    )  # fmt: skip
    found = read_hdf5("out.h5")
    n_cut = 0
    for row in range(60):
        is_kept = np.abs(events["jet_eta"][row]) < 2
        order = np.argsort(events["jet_eta"][row][is_kept], kind="stable")
        pt = events["jet_pt"][row][is_kept][order]
        n_cut += max(len(pt) - 2, 0)
        expected = np.zeros(2, np.float32)
        expected[: min(len(pt), 2)] = pt[:2]
        np.testing.assert_array_equal(found["jet_pt"][row], expected)
        assert found["n_central"][row] == min(len(pt), 2)
    assert (found["jet_e"][found["jet_pt"] > 0] > 0).all()
    record = summary.collections[0]
    assert (record.name, record.n_objects, record.n_cut) == ("central", 2, n_cut)
    assert f"{n_cut:,} objects of {record.n_events_cut:,} events cut off" in str(summary)


def test_one_collection_of_the_files_may_become_two(convert, root_file, events, read_hdf5):
    convert(
        root_file,
        columns=["met"],
        collections={
            "forward": {"columns": [{"fwd_pt": "jet_pt"}], "select": "abs(jet_eta) >= 2", "n_objects": 3},
            "central": {"columns": [{"cen_pt": "jet_pt"}], "select": "abs(jet_eta) < 2", "n_objects": 3},
        },
    )
    found = read_hdf5("out.h5")
    together = (found["n_forward"] + found["n_central"]).tolist()
    expected = [
        min(int((np.abs(eta) >= 2).sum()), 3) + min(int((np.abs(eta) < 2).sum()), 3)
        for eta in events["jet_eta"]
    ]
    assert together == expected


def test_columns_of_unlike_names_can_be_one_collection(convert, write_root, make_events, read_hdf5):
    events = make_events(10)
    events = {"event": events["event"], "pt_of_jets": events["jet_pt"], "tags": events["jet_eta"]}
    path = write_root("a.root", events)
    convert(
        path,
        columns=["event"],
        collections={"jets": {"columns": ["pt_of_jets", "tags"], "order_by": "pt_of_jets"}},
    )
    found = read_hdf5("out.h5")
    assert found["n_jets"].tolist() == [len(values) for values in events["tags"]]


def test_without_a_transverse_momentum_objects_stay_in_order_and_it_is_said(
    convert, write_root, make_events, read_hdf5
):
    events = make_events(10)
    path = write_root(
        "a.root", {"event": events["event"], "hit_x": events["jet_eta"], "hit_y": events["jet_phi"]}
    )
    summary = convert(path)
    found = read_hdf5("out.h5")
    assert found["hit_x"][0, : len(events["jet_eta"][0])].tolist() == events["jet_eta"][0].tolist()
    assert "hit: in the order of the file (no transverse momentum found; set order_by)" in str(summary)


def test_momenta_in_px_and_py_order_objects_too(convert, write_root, make_events, read_hdf5):
    events = make_events(10)
    path = write_root(
        "a.root", {"event": events["event"], "jet_px": events["jet_eta"], "jet_py": events["jet_phi"]}
    )
    convert(path)
    found = read_hdf5("out.h5")
    pt = np.hypot(found["jet_px"], found["jet_py"])
    assert (np.diff(pt, axis=1) <= 0).all()


def test_a_column_of_other_counts_is_a_collection_of_its_own(convert, write_root, make_events, read_hdf5):
    events = make_events(10)
    events["jet_truth"] = [np.zeros(0, np.float32)] * 10
    convert(write_root("a.root", events))
    found = read_hdf5("out.h5")
    assert found["n_jet_truth"].tolist() == [0] * 10
    assert found["jet_truth"].shape == (10, 1)


def test_collections_without_any_object_keep_a_place(convert, write_root, make_events, read_hdf5):
    events = make_events(5)
    for name in ("jet_pt", "jet_eta", "jet_phi", "jet_mass"):
        events[name] = [np.zeros(0, np.float32)] * 5
    convert(write_root("a.root", events))
    assert read_hdf5("out.h5")["jet_pt"].shape == (5, 1)


def test_classes_and_files_are_codes_with_names(convert, write_root, make_events, read_hdf5):
    paths = [
        write_root(f"{name}.root", make_events(5 + index, seed=index)) for index, name in enumerate("abc")
    ]
    convert(
        [
            {"path": [str(paths[0]), str(paths[1])], "class": "signal"},
            {"path": str(paths[2]), "class": "background"},
        ],
        columns=["met"],
    )
    found = read_hdf5("out.h5")
    assert found["class"].tolist() == [0] * 11 + [1] * 7
    assert found["source_file"].tolist() == [0] * 5 + [1] * 6 + [2] * 7
    assert found["source_entry"].tolist() == [*range(5), *range(6), *range(7)]


def test_weights_follow_cross_section_luminosity_and_all_generated_events(
    convert, write_root, make_events, read_hdf5, read_metadata
):
    first, second, data = make_events(40), make_events(30, seed=2), make_events(10, seed=3)
    sources = [
        {
            "path": [str(write_root("a.root", first)), str(write_root("b.root", second))], "class": "mc",
            "generator_weight": "weight", "cross_section": 2.5, "sum_of_weights": "sum",
        },
        {"path": str(write_root("c.root", data)), "class": "data"},
    ]  # fmt: skip
    summary = convert(sources, luminosity=140, columns=["met"], selection="met > 20000")
    found = read_hdf5("out.h5")
    weight = np.concatenate([first["weight"], second["weight"]])
    is_kept = np.concatenate([first["met"], second["met"]]) > 20000
    expected = weight * 2.5 * 140 * 1000 / weight.sum()
    np.testing.assert_allclose(found["event_weight"][found["class"] == 0], expected[is_kept], rtol=1e-12)
    assert (found["event_weight"] < 0).sum() == (weight[is_kept] < 0).sum() == summary.samples[0].n_negative
    assert set(found["event_weight"][found["class"] == 1]) == {1.0}
    assert read_metadata("out.h5")["samples"][0]["normalisation"]["sum_of_weights"] == pytest.approx(
        weight.sum()
    )


def test_sums_of_weights_from_a_table_of_their_own(convert, write_root, make_events, read_hdf5):
    runs = {"genEventSumw": np.array([100.0, 150.0]), "run": np.array([1, 2])}
    paths = [str(write_root(f"{name}.root", make_events(10), Runs=runs)) for name in "ab"]
    convert(
        {"path": paths, "tree": "events", "cross_section": 1.0, "sum_of_weights": "Runs:genEventSumw"},
        luminosity=1.0, generator_weight="weight", columns=["weight"],
    )  # fmt: skip
    found = read_hdf5("out.h5")
    np.testing.assert_allclose(found["event_weight"], found["weight"] * 1000.0 / 500.0)


def test_a_weight_that_is_nan_is_an_error(convert, write_root, make_events):
    events = make_events(5)
    events["weight"][3] = np.nan
    with pytest.raises(DataError, match="generator_weight 'weight' is nan at entry 3 of tree 'events'"):
        convert(write_root("a.root", events), generator_weight="weight")
