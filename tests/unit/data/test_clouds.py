"""Clouds of objects: what an input means, which objects are kept, what is fitted, what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rapidity.config.data import DataBlock, Guards
from rapidity.config.inputs import CloudInput, ImageInput
from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError, DataError, ExpressionError, MissingNameError
from rapidity.core.jagged import Jagged
from rapidity.data.assembly import read_table
from rapidity.data.cloud_fitting import fit_cloud
from rapidity.data.guards import run_guards
from rapidity.data.object_targets import count_kept
from rapidity.data.preparation import FittedPreparation, fit_preparation
from rapidity.data.settings import SettingsTable
from rapidity.data.split import TrainRows, split_events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rapidity.data.table import Table

PT = [[5.0, 9.0, 7.0], [], [4.0], [3.0, 8.0]]
ETA = [[0.5, 0.9, 0.7], [], [0.4], [0.3, 0.8]]
JET_ETA = [0.1, 0.2, 0.3, 0.4]
NONE_SCALED = {"split": {"train": 0.5, "validation": 0.25, "test": 0.25}, "scale": "none"}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a writer of a tree of jets and of vertices; a column that is None is left out."""

    def run(**changed: Any) -> dict[str, Any]:
        columns = {"jet_pt": PT, "jet_eta": ETA, "jet_id": [[211, -11, 22], [], [211], [-211, 22]]}
        columns |= {
            "sv_mass": [[1.0], [], [], [2.0, 3.0]],
            "axis_eta": JET_ETA,
            "label": [0, 1, 0, 1],
            **changed,
        }
        with uproot.recreate(tmp_path / "a.root") as file:
            file["events"] = {
                name: ak.values_astype(ak.Array(values), np.float32)
                if isinstance(values[0], list)
                else np.asarray(values)
                for name, values in columns.items()
                if values is not None
            }
        return {"path": "a.root"}

    return run


@pytest.fixture
def fit(write: Any, tmp_path: Path) -> Any:
    """Return a function that reads the events and fits one cloud; keys of the input, and of preparation."""

    def run(
        features: Any = ("jet_pt",),
        preparation: Any = None,
        columns: Any = None,
        objects: Any = None,
        **keys: Any,
    ) -> Any:
        data = DataBlock.model_validate(
            {"sources": [write(**(columns or {}))], "target": "label", "objects": objects or {}}
        )
        block = {"kind": "cloud", "features": features, "n_objects": 4, **keys}
        inputs = {"jets": CloudInput.model_validate(block)}
        table, made = read_table(data, inputs, (), tmp_path)
        config = Preparation.model_validate(preparation or NONE_SCALED)
        prepared = fit_preparation(config, made, TrainRows(table, np.arange(table.n_events)))
        return prepared.clouds["jets"], prepared, table

    return run


def values_of(prepared: FittedPreparation, table: Table, name: str = "jets") -> list[Any]:
    """Return the numbers of the objects that are there, rounded."""
    made = prepared.apply(table.columns)
    return [
        made[name][event][made["jets.mask"][event] > 0].round(4).tolist() for event in range(table.n_events)
    ]


def test_a_cloud_makes_its_objects_and_a_mask(fit: Any) -> None:
    _, prepared, table = fit(["jet_pt", "d_eta = jet_eta - axis_eta"])
    assert prepared.input_shapes() == {"jets": (4, 2), "jets.mask": (4,)}
    made = prepared.apply(table.columns)
    assert made["jets.mask"].tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    assert not made["jets"][made["jets.mask"] == 0].any()
    np.testing.assert_allclose(made["jets"][0, :3], [[5, 0.4], [9, 0.8], [7, 0.6]], rtol=1e-6)
    assert list(prepared.number_names()["jets"])[2:4] == ["jet_pt[1]", "d_eta[1]"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"order_by": "jet_pt"}, [[9, 7, 5], [], [4], [8, 3]]),
        ({"order_by": "-jet_pt"}, [[5, 7, 9], [], [4], [3, 8]]),
        ({"order_by": "jet_pt * 0"}, [[5, 9, 7], [], [4], [3, 8]]),
        ({"order_by": "sqrt(jet_pt - 6)"}, [[9, 7, 5], [], [4], [8, 3]]),
        ({"n_objects": 2}, [[5, 9], [], [4], [3, 8]]),
        ({"n_objects": 2, "order_by": "jet_pt"}, [[9, 7], [], [4], [8, 3]]),
        ({"selection": "jet_pt > 4"}, [[5, 9, 7], [], [], [8]]),
        ({"selection": "jet_pt < max(jet_pt)", "n_objects": 1, "order_by": "jet_pt"}, [[7], [], [], [3]]),
        ({"selection": "jet_pt > 8"}, [[9], [], [], []]),
    ],
)
def test_objects_are_selected_then_ordered_then_cut(fit: Any, keys: Any, expected: Any) -> None:
    cloud, prepared, table = fit(**keys)
    assert [[number for (number,) in event] for event in values_of(prepared, table)] == expected
    assert count_kept(cloud.cloud, table.columns).tolist() == [len(event) for event in expected]


def test_features_are_computed_of_all_objects_before_any_is_left_out(fit: Any) -> None:
    _, prepared, table = fit(["jet_pt / sum(jet_pt)"], n_objects=1, selection="jet_pt > 6", order_by="jet_pt")
    first, second, third, fourth = values_of(prepared, table)
    assert (second, third) == ([], [])
    np.testing.assert_allclose([first, fourth], [[[9 / 21]], [[8 / 11]]], atol=1e-4)


def test_conditions_and_identities_are_ones_and_zeros(fit: Any) -> None:
    _, prepared, table = fit(["abs(jet_id) == 211", "is_light = (jet_id == 22) or (abs(jet_id) == 11)"])
    assert values_of(prepared, table)[0] == [[1, 0], [0, 1], [0, 1]]


def test_momenta_and_coordinates_are_not_scaled(fit: Any) -> None:
    cloud, prepared, table = fit(
        ["jet_pt", "d_eta = jet_eta - axis_eta"],
        {"split": NONE_SCALED["split"]},
        momenta={"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_eta", "mass": 0.5},
        coordinates=["d_eta", "jet_eta / 2"],
        order_by="jet_pt",
    )
    shapes = {"jets": (4, 2), "jets.mask": (4,), "jets.momenta": (4, 4), "jets.coordinates": (4, 2)}
    assert prepared.input_shapes() == shapes
    made = prepared.apply(table.columns)
    np.testing.assert_allclose(made["jets.coordinates"][3, :2], [[0.4, 0.4], [-0.1, 0.15]], atol=1e-6)
    px, py, pz, energy = made["jets.momenta"][3, 0].astype(np.float64)
    np.testing.assert_allclose(np.hypot(px, py), 8.0, rtol=1e-6)
    np.testing.assert_allclose(energy**2 - px**2 - py**2 - pz**2, 0.25, atol=1e-3)
    assert [one.name for one in cloud.momenta] == ["px", "py", "pz", "energy"]
    assert abs(made["jets"][..., 0][made["jets.mask"] > 0].mean()) < 1e-6


def test_momenta_may_be_those_of_an_object(fit: Any) -> None:
    jets = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_eta"}
    cloud, prepared, table = fit(objects={"hard": jets}, momenta="hard")
    assert cloud.cloud.collection == "hard"
    assert prepared.apply(table.columns)["jets.momenta"][2, 0, 0] == pytest.approx(4 * np.cos(0.4))


def test_fits_see_the_kept_objects_of_training_events_alone(fit: Any) -> None:
    cloud, _, _ = fit(
        ["jet_pt"], {"scale": "standard"}, n_objects=2, order_by="jet_pt", selection="jet_pt < 9"
    )
    kept = np.array([7, 5, 4, 8, 3])
    (transform,) = cloud.features[0].transforms
    assert (transform.mean, transform.deviation) == pytest.approx((kept.mean(), kept.std()))


@pytest.mark.parametrize("fill", ["median", "mean", "zero", 1.5])
def test_missing_values_of_objects_are_filled_and_marked(fit: Any, fill: Any) -> None:
    missing = {"sentinels": [-999], "fill": fill, "indicator": True}
    pt = [[5.0, -999.0, 7.0], [], [4.0], [3.0, 8.0]]
    cloud, prepared, table = fit(["jet_pt", "jet_eta"], {"scale": "none", "missing": missing}, {"jet_pt": pt})
    filled = {"median": 5.0, "mean": 5.4, "zero": 0.0}.get(fill, fill)
    assert cloud.feature_names == ("jet_pt", "missing(jet_pt)", "jet_eta")
    assert values_of(prepared, table)[0][1] == pytest.approx([filled, 1, 0.9])
    assert values_of(prepared, table)[0][0] == pytest.approx([5, 0, 0.5])


def test_a_missing_number_of_the_event_is_missing_for_its_objects(fit: Any) -> None:
    missing = {"sentinels": [-999], "fill": "zero", "indicator": True}
    _, prepared, table = fit(
        ["jet_eta - axis_eta"], {"scale": "none", "missing": missing}, {"axis_eta": [-999, 0.2, 0.3, 0.4]}
    )
    assert values_of(prepared, table)[0] == [[0, 1], [0, 1], [0, 1]]


def test_nan_in_an_object_is_refused_with_its_place(fit: Any, tmp_path: Path) -> None:
    pt = [[5.0, 9.0, 7.0], [], [4.0], [3.0, np.nan]]
    message = (
        r"'jet_pt' is nan in 1 of 6 objects, first in object 1 \(from 0\) of entry 3 of .*a.root(.|\n)*"
        r"`selection` of the cloud"
    )
    with pytest.raises(DataError, match=message):
        fit(["jet_eta", "jet_pt"], columns={"jet_pt": pt})
    with pytest.raises(DataError, match=r"'log\(jet_pt\)' is nan in 1 of 6 objects"):
        fit(["log(jet_pt)"], columns={"jet_pt": pt})
    with pytest.raises(DataError, match=r"'hard' is nan in 1 of 6 objects"):
        fit(["hard = jet_pt > 5"], columns={"jet_pt": pt})
    components = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_eta"}
    with pytest.raises(DataError, match=r"'px' is nan .*(.|\n)*momenta are never filled in"):
        fit(["jet_eta"], {"missing": {"nan": "missing"}}, {"jet_pt": pt}, momenta=components)


def test_nan_in_an_object_that_is_not_kept_does_not_matter(fit: Any) -> None:
    pt = [[5.0, 9.0, 7.0], [], [4.0], [3.0, np.nan]]
    _, prepared, table = fit(["jet_pt"], columns={"jet_pt": pt}, selection="jet_pt > 0")
    assert values_of(prepared, table)[3] == [[3.0]]


def test_a_cloud_without_any_object_in_training_events_is_refused(fit: Any) -> None:
    with pytest.raises(DataError, match=r"no event of the training split has an object that fulfils its sel"):
        fit(selection="jet_pt > 100")
    cloud, _, table = fit()
    with pytest.raises(
        DataError, match=r"^inputs\.jets: .* has an object, so .* Name other columns, or leave"
    ):
        fit_cloud(SettingsTable(Preparation()), "jets", cloud.cloud, TrainRows(table, np.array([1])))


def test_lost_objects_are_counted(fit: Any) -> None:
    cloud, _, table = fit(n_objects=1, selection="jet_pt > 3")
    counts = cloud.count_lost(table.columns)
    assert (counts.n_events, counts.n_objects, counts.most) == (4, 5, 3)
    assert (counts.n_truncated, counts.n_lost) == (1, 2)


def test_a_fitted_cloud_comes_back_from_json(fit: Any) -> None:
    missing = {"sentinels": [-999], "indicator": True}
    _, prepared, table = fit(
        ["jet_pt", "d = jet_eta - axis_eta", "log(jet_pt)"],
        {"missing": missing, "transforms": [{"type": "clip", "high": 8}]},
        n_objects=2,
        order_by="jet_pt",
        selection="jet_pt > 3",
        momenta={"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_eta", "mass": 0.5},
        coordinates=["d"],
    )
    again = FittedPreparation.from_dict(json.loads(json.dumps(prepared.to_dict())))
    assert again == prepared
    for name, values in prepared.apply(table.columns).items():
        np.testing.assert_array_equal(again.apply(table.columns)[name], values)


def test_preparation_of_single_features_is_heeded(fit: Any) -> None:
    columns = {"jet_eta": {"scale": "none"}, "jet_p?": {"transforms": ["log"]}}
    cloud, _, _ = fit(["jet_pt", "jet_eta"], {"columns": columns})
    assert [len(feature.transforms) for feature in cloud.features] == [2, 0]
    with pytest.raises(ConfigError, match=r"'jet_ptt' is no feature .* Did you mean 'jet_pt'\?"):
        fit(["jet_pt"], {"columns": {"jet_ptt": {"scale": "none"}}})


def test_events_are_prepared_alike_in_parts(fit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"n_objects": 2, "order_by": "jet_pt", "preparation": {"scale": "robust"}}
    _, whole, table = fit(["jet_pt"], **keys)
    monkeypatch.setattr("rapidity.data.collections.OBJECTS_AT_ONCE", 2)
    _, parts, _ = fit(["jet_pt"], **keys)
    rows = np.array([3, 0, 1])
    for name, values in whole.apply(table.columns).items():
        np.testing.assert_array_equal(parts.apply(table.columns, rows, chunk_size=1)[name], values[rows])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"features": ["jet_pt", "axis_eta"]}, r"'axis_eta': has one value an event.*table input beside"),
        ({"features": ["sum(jet_pt)"]}, r"feature 'sum\(jet_pt\)': has one value an event"),
        ({"features": ["jet_pt", "sv_mass"]}, r"'jet_pt' belongs to .* 'jet', but feature 'sv_mass' to"),
        ({"features": ["jet_pt[jet_eta > 0]"]}, r"selects some of the objects.*inputs.jets.selection"),
        ({"features": ["jet_pt", "jet_pt"]}, r"inputs.jets.features: jet_pt stands there more than once"),
        ({"order_by": "sv_mass"}, r"feature 'jet_pt' belongs to the objects of 'jet', but order_by"),
        ({"order_by": "axis_eta"}, r"inputs.jets, order_by: has one value an event"),
        ({"selection": "jet_pt"}, r"selection 'jet_pt' is a number, expected a condition"),
        ({"selection": "axis_eta > 0"}, r"selection: has one value an event"),
        ({"coordinates": ["axis_eta"]}, r"coordinate 'axis_eta': has one value an event"),
        ({"momenta": "jets"}, r"momenta is 'jets', which is no object of data.objects. There are none"),
        ({"momenta": dict.fromkeys(("pt", "eta", "phi"), "axis_eta")}, r"momenta, px: has one value"),
        ({"momenta": dict.fromkeys(("pt", "eta", "phi"), "jet_pt +")}, r"inputs.jets.momenta.pt: "),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_explained(fit: Any, keys: Any, message: str) -> None:
    with pytest.raises((ConfigError, ExpressionError), match=message):
        fit(**keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"features": ["jet_ptt"]},
            r"column 'jet_ptt' \(inputs.jets, feature 'jet_ptt'\) is not in",
        ),
        ({"features": ["log(jet_ptt)"]}, r"column 'jet_ptt' .*is not in"),
        ({"order_by": "jet_ptt"}, r"column 'jet_ptt' \(inputs.jets, order_by\) is not in"),
    ],
)
def test_columns_that_are_not_there_are_named(fit: Any, keys: Any, message: str) -> None:
    with pytest.raises(MissingNameError, match=message):
        fit(**keys)


def test_columns_of_unequal_length_are_refused_with_file_and_entry(fit: Any) -> None:
    eta = [[0.5, 0.9, 0.7], [], [0.4, 0.1], [0.3, 0.8]]
    message = r"collection 'jet' of .*a.root, entry 2: 1 in 'jet_pt' but 2 in 'jet_eta'"
    with pytest.raises(DataError, match=message):
        fit(["jet_pt", "jet_eta"], columns={"jet_eta": eta})


def test_images_are_no_objects(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", image=np.zeros((8, 4, 4), np.float32), label=np.arange(8) % 2)
    data = DataBlock.model_validate({"sources": [{"path": "a.npz"}], "target": "label"})
    inputs = {"jets": CloudInput(kind="cloud", features=("image",), n_objects=2)}
    message = r"feature 'image': reads whole arrays \('image' \(4, 4\)\).*kind: image.*data.collections"
    with pytest.raises(ConfigError, match=message):
        read_table(data, inputs, (), tmp_path)


def test_guards_look_at_the_features_of_objects(write: Any, tmp_path: Path) -> None:
    times = 20
    pt = [[5.0, -999.0, 7.0], [], [4.0], [3.0, 8.0]] * times
    columns = {
        "jet_eta": None,
        "jet_id": None,
        "sv_mass": None,
        "axis_eta": None,
        "label": [0, 1] * 2 * times,
    }
    source = write(jet_pt=pt, jet_truth_id=pt, **columns)
    data = DataBlock.model_validate({"sources": [source], "target": "label"})
    inputs = {"jets": CloudInput(kind="cloud", features=("jet_pt", "jet_truth_id"), n_objects=2)}
    table, features = read_table(data, inputs, (), tmp_path)
    preparation = Preparation()
    splits = split_events(table, preparation.split, {}, features.collections)
    levels = Guards(duplicates="off", separating_feature="off")
    findings = {one.guard: one.message for one in run_guards(splits, features, levels, preparation)}
    assert "'jet_truth_id'" in findings["truth_like_name"]
    assert "'jet_pt' (-999 in" in findings["unstated_sentinel"]


def test_events_without_objects_are_not_dropped_as_duplicates(write: Any, tmp_path: Path) -> None:
    pt = [[], [5.0], [], [5.0]]
    others = dict.fromkeys(("jet_eta", "jet_id", "sv_mass", "axis_eta"))
    source = write(jet_pt=pt, label=[0, 1, 0, 1], **others)
    keys = {"sources": [source], "target": "label", "drop_duplicates": True}
    inputs = {"jets": CloudInput(kind="cloud", features=("jet_pt",), n_objects=2)}
    table, _ = read_table(DataBlock.model_validate(keys), inputs, (), tmp_path)
    assert table.source_entry.tolist() == [0, 1, 2]
    limited = {**keys, "sources": [{**source, "limit": 2}]}
    table, _ = read_table(DataBlock.model_validate(limited), inputs, (), tmp_path)
    assert table.source_entry.tolist() == [0, 1]


def test_an_empty_column_gives_empty_clouds(fit: Any) -> None:
    cloud, _, table = fit(order_by="jet_pt")
    nothing = {
        name: Jagged(column.content[:0], np.zeros(1, np.int64)) for name, column in table.columns.items()
    }
    made = cloud.prepare({"jet_pt": nothing["jet_pt"]})
    assert {suffix: values.shape for suffix, values in made.items()} == {"": (0, 4, 1), ".mask": (0, 4)}


def test_objects_are_no_images(write: Any, tmp_path: Path) -> None:
    data = DataBlock.model_validate({"sources": [write()], "target": "label"})
    inputs = {"picture": ImageInput(kind="image", column="jet_pt")}
    with pytest.raises(DataError, match=r"column 'jet_pt' of .*needs an image per event.*kind: cloud"):
        read_table(data, inputs, (), tmp_path)
