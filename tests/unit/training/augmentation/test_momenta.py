"""Columns of objects: which of them change, and what stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import ConfigError
from rapidity.core.jagged import Jagged
from rapidity.training.augmentation.boost_z import Boost
from rapidity.training.augmentation.momenta import MomentumAugmentation, ObjectColumns, choose_objects
from rapidity.training.augmentation.reflect_eta import Reflection
from rapidity.training.augmentation.rotate_phi import Rotation
from rapidity.training.augmentation.smear_momentum import Smearing

JETS = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"}
SMEARING = Smearing(0.1, "gaussian", keep_mass=False)


def test_columns_keep_their_types_and_their_offsets(events, change):
    events["jet_phi"] = events["jet_phi"].astype(np.float32)
    rotated = change(Rotation(), events)
    assert rotated["jet_phi"].dtype == np.float32
    assert rotated["jet_phi"].offsets is events["jet_pt"].offsets
    assert rotated["ph_phi"].dtype == np.float64


def test_the_columns_given_are_not_written_to(events, change):
    before = {name: getattr(values, "content", values).copy() for name, values in events.items()}
    change(SMEARING, events)
    assert all(
        np.array_equal(getattr(events[name], "content", events[name]), before[name]) for name in before
    )


@pytest.mark.parametrize("mark", [-999.0, np.nan, np.inf])
def test_what_was_not_measured_stays(events, change, mark):
    events["ph_pt"][:50] = mark
    smeared = change(Smearing(0.2, "gaussian", keep_mass=False), events, sentinels={"ph_pt": (-999.0,)})
    assert np.array_equal(smeared["ph_pt"][:50], events["ph_pt"][:50], equal_nan=True)
    assert (smeared["ph_pt"][50:] != events["ph_pt"][50:]).all()


def test_an_object_with_one_unknown_component_stays_altogether(events, change):
    events["lep_py"][:50] = -999.0
    rotated = change(Rotation(), events, sentinels={"lep_py": (-999.0,)})
    assert np.array_equal(rotated["lep_px"][:50], events["lep_px"][:50])
    assert np.array_equal(rotated["lep_py"][:50], events["lep_py"][:50])


def test_objects_without_any_in_an_event_are_no_trouble(change, events):
    none = Jagged.from_counts(np.empty(0), np.zeros(len(events["met"]), np.int64))
    empty = events | {f"jet_{name}": Jagged(none.content, none.offsets) for name in ("pt", "eta", "phi", "m")}
    boosted = change(Boost(1.0), empty)
    assert len(boosted["jet_eta"]) == len(events["met"])


def test_an_object_made_of_columns_of_another_follows(events, change):
    leading = {name: f"{column}[0]" for name, column in JETS.items()}
    rotated = change(Rotation(), events, objects={"jets": JETS, "leading": leading})
    alone = change(Rotation(), events, objects={"jets": JETS})
    assert np.array_equal(rotated["jet_phi"].content, alone["jet_phi"].content)


def test_a_column_of_two_objects_changes_once(events, change):
    rotated = change(Rotation(), events, objects={"a": {"phi": "ph_phi"}, "b": {"phi": "ph_phi"}})
    once = change(Rotation(), events, objects={"a": {"phi": "ph_phi"}})
    assert np.array_equal(rotated["ph_phi"], once["ph_phi"])


def test_components_that_are_only_read_may_be_expressions(events, change):
    in_mev = {"jet_mev": Jagged(events["jet_pt"].content * 1000, events["jet_pt"].offsets)}
    objects = {"jets": {**JETS, "pt": "jet_mev / 1000"}}
    chosen = choose_objects("here", Boost(1.0), objects, None)
    collections = dict.fromkeys(("jet_mev", *JETS.values()), "jets")
    step = MomentumAugmentation(Boost(1.0), chosen, collections, {})
    assert set(step.reads) == {"jet_mev", "jet_eta", "jet_phi", "jet_m"}
    assert step.changes == ("jet_eta",)
    columns = {**events, **in_mev}
    step.apply(columns, np.random.default_rng(3))
    expected = change(Boost(1.0), events, objects={"jets": JETS})
    np.testing.assert_allclose(columns["jet_eta"].content, expected["jet_eta"].content, rtol=1e-12)


def test_numbers_are_components_too():
    found = ObjectColumns.of(
        "muons", {"pt": "mu_pt", "eta": "`mu.eta`", "phi": "mu_phi", "mass": "105.66 / 1000"}
    )
    assert found.columns == {"pt": "mu_pt", "eta": "mu.eta", "phi": "mu_phi"}
    assert found.numbers == {"mass": pytest.approx(0.10566)}
    assert choose_objects("here", SMEARING, {"muons": {"pt": "mu_pt", "mass": "0.106"}}, None)


@pytest.mark.parametrize(
    ("how", "components", "lack"),
    [
        (Rotation(), {"pt": "a", "eta": "b"}, "phi, or px and py"),
        (Rotation(), {"px": "a", "eta": "b"}, "both px and py"),
        (Reflection(0.5), {"pt": "a", "phi": "b"}, "eta or pz"),
        (Boost(1.0), {"pt": "a", "phi": "b"}, "pz or eta"),
        (Boost(1.0), {"eta": "a", "phi": "b"}, "pt, or px and py"),
        (SMEARING, {"eta": "a", "phi": "b"}, "pt, or px and py, or energy"),
        (
            Smearing(0.1, "gaussian", keep_mass=True),
            {"energy": "a", "phi": "b"},
            "from which keep_mass makes the energy",
        ),
    ],
)
def test_objects_without_the_components_are_refused(how, components, lack):
    with pytest.raises(ConfigError, match=rf"augmentation\[2\].*'tau' lacks .*{lack}.*data\.objects"):
        choose_objects("training.augmentation[2]", how, {"tau": components}, ["tau"])


def test_of_all_objects_those_without_the_components_are_left_out():
    objects = {"jets": JETS, "met": {"pt": "met", "phi": "met_phi"}}
    assert [item.name for item in choose_objects("here", Boost(1.0), objects, None)] == ["jets"]


def test_half_of_the_components_is_refused_also_among_all_objects():
    objects = {"jets": JETS, "tau": {"px": "tau_px", "eta": "tau_eta"}}
    with pytest.raises(ConfigError, match="'tau' lacks both px and py"):
        choose_objects("here", Rotation(), objects, None)


def test_an_expression_that_would_have_to_change_is_refused():
    objects = {"tau": {"pt": "tau_pt / 1000", "eta": "tau_eta"}}
    with pytest.raises(
        ConfigError, match=r"'tau' pt = tau_pt / 1000 would have to change, .*leave the object"
    ):
        choose_objects("here", SMEARING, objects, None)


def test_columns_of_events_beside_those_of_objects_are_refused(events):
    objects = {"jets": {"px": "jet_px", "py": "met"}}
    chosen = choose_objects("here", Rotation(), objects, None)
    with pytest.raises(
        ConfigError, match=r"data\.objects\.jets: met has one value per event, but jet_px one"
    ):
        MomentumAugmentation(Rotation(), chosen, {"jet_px": "jets"}, {})


@pytest.mark.parametrize(
    "met",
    [
        {"pt": "met", "phi": "met_phi"},
        {"px": "met_x", "py": "met_y"},
        {"pt": "met / 1000", "phi": "met_phi", "eta": "0", "mass": "0.0"},
    ],
)
def test_missing_momentum_is_smeared_only_if_it_is_named(met):
    """A factor of its own was drawn for missing momentum, which is no measured object."""
    objects = {"jets": JETS, "met": met}
    assert [item.name for item in choose_objects("here", SMEARING, objects, None)] == ["jets"]
    assert [item.name for item in choose_objects("here", Rotation(), objects, None)] == ["jets", "met"]
    named = {"met": {**met, "pt": "met"}} if "pt" in met else {"met": met}
    assert [item.name for item in choose_objects("here", SMEARING, named, ["met"])] == ["met"]


def test_many_objects_across_the_beam_are_no_missing_momentum():
    objects = {"clusters": {"pt": "cl_pt", "phi": "cl_phi"}}
    assert not choose_objects("here", SMEARING, objects, None)
    assert choose_objects("here", SMEARING, objects, None, {"cl_pt": "clusters", "cl_phi": "clusters"})


def test_an_object_with_a_direction_or_an_energy_is_smeared():
    for further in ({"eta": "g_eta"}, {"energy": "g_e"}, {"mass": "0.1"}):
        objects = {"photon": {"pt": "g_pt", "phi": "g_phi", **further}}
        assert choose_objects("here", SMEARING, objects, None)
