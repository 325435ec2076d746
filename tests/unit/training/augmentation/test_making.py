"""From the configuration to what augments."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.config.training import Training
from rapidity.core.errors import ConfigError
from rapidity.training.augmentation import Sources, columns_to_read, make_augmenter

OBJECTS = {
    "jets": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"},
    "lepton": {"pt": "lep_pt", "eta": "lep_eta", "phi": "lep_phi"},
}
COLLECTIONS = {
    **dict.fromkeys(("jet_pt", "jet_eta", "jet_phi", "jet_m"), "jets"),
    "track_pt": "track",
    "muon_pt": "muon",
}


def blocks(*listed):
    return Training.model_validate({"augmentation": listed}).augmentation


USED = ("jet_pt", "jet_eta", "jet_phi", "lep_pt", "lep_phi", "n_jets", "track_pt")


def make(*listed, used=USED, objects=OBJECTS):
    raw = {}
    sources = Sources(
        objects=objects,
        columns=[name for name in (*used, *COLLECTIONS) if name != "muon_pt"],
        used_columns=used,
        collections=COLLECTIONS,
        count_columns={"jets": ("n_jets",)},
        empty_images={"a": np.zeros(1, np.float32), "b": np.ones(1, np.float32)},
    )

    def make_raw(changed, further):
        raw.update(changed=set(changed), further=set(further))
        return raw

    return make_augmenter(blocks(*listed), sources, 1, make_raw=make_raw, outputs={}), raw


def test_each_kind_knows_what_it_changes():
    assert make("rotate_phi")[1]["changed"] == {"jet_phi", "lep_phi"}
    assert make({"type": "reflect_eta", "objects": ["jets"]})[1]["changed"] == {"jet_eta"}
    boosted = make({"type": "boost_z", "objects": ["jets"]})[1]
    assert boosted["changed"] == {"jet_eta"}
    assert boosted["further"] == {"jet_pt", "jet_eta", "jet_phi", "jet_m"}
    assert make("smear_momentum")[1]["changed"] == {"jet_pt", "jet_m", "lep_pt"}


def test_dropping_takes_all_columns_of_the_collection_and_its_counts():
    expected = {"jet_pt", "jet_eta", "jet_phi", "jet_m", "n_jets"}
    assert make({"type": "drop_objects", "objects": ["jets"]})[1]["changed"] == expected
    assert make({"type": "drop_objects", "objects": ["track"]})[1]["changed"] == {"track_pt"}


def test_kinds_are_applied_in_their_places():
    augmenter, _ = make("flip", "rotate_phi", {"type": "shift", "images": ["b"]}, "mix_up")
    assert [place for place, _ in augmenter.column_steps] == [1]
    assert [place for place, _ in augmenter.input_steps] == [0, 2]
    assert [place for place, _ in augmenter.event_steps] == [3]


def test_without_columns_nothing_raw_is_needed():
    augmenter, raw = make("flip", "mix_up")
    assert augmenter.raw is None
    assert raw == {}
    assert augmenter.identity == ""


def test_columns_that_are_computed_with_are_read():
    found = columns_to_read(blocks({"type": "boost_z", "objects": ["lepton"]}, "flip"), OBJECTS)
    assert found == dict.fromkeys(
        ("lep_pt", "lep_eta", "lep_phi"), "training.augmentation[0] (boost_z), object 'lepton'"
    )
    assert columns_to_read((), OBJECTS) == {}


@pytest.mark.parametrize(
    ("block", "used", "message"),
    [
        ("rotate_phi", ("jet_pt",), r"\(rotate_phi\) changes jet_phi, lep_phi, but no input .* Remove it"),
        (
            {"type": "drop_objects", "objects": ["muon"]},
            ("jet_pt",),
            r"no input of the network needs a column of the collection 'muon'",
        ),
        (
            {"type": "drop_objects", "objects": ["lepton"]},
            ("jet_pt",),
            r"'lepton' is one object an event.*Collections: jets, track, muon",
        ),
        (
            {"type": "drop_objects", "objects": ["trakc"]},
            ("jet_pt",),
            r"no object or collection is called 'trakc'. Did you mean 'track'\?",
        ),
    ],
)
def test_what_changes_nothing_is_refused(block, used, message):
    with pytest.raises(ConfigError, match=message):
        make(block, used=used)


def test_columns_that_may_be_of_several_objects_are_read_to_be_smeared():
    """Whether `track` is missing momentum or a collection only the files tell."""
    objects = {**OBJECTS, "tracks": {"pt": "track_pt", "phi": "track_phi"}}
    assert "track_pt" in columns_to_read(blocks("smear_momentum"), objects)
    assert "track_pt" in make("smear_momentum", objects=objects)[1]["changed"]


def test_smearing_nothing_but_missing_momentum_is_refused():
    met = {"met": {"pt": "met", "phi": "met_phi"}}
    with pytest.raises(
        ConfigError, match=r"\(smear_momentum\) changes nothing: .*\(met\) each stays, .*`objects`"
    ):
        make("smear_momentum", objects=met, used=("met",))
    assert make({"type": "smear_momentum", "objects": ["met"]}, objects=met, used=("met",))[1]["changed"] == {
        "met"
    }
