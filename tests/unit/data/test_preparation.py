"""Fitting and applying the preparation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError, DataError
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.preparation import FittedPreparation, fit_preparation
from rapidity.data.split import TrainRows

MakeTable = Any


@pytest.fixture
def fit(make_table: MakeTable) -> Any:
    """Return a fit of some columns (all of them training events) as one input called `event`."""

    def run(columns: dict[str, Any], texts: Any = (), /, *, rows: Any = None, **keys: Any) -> Any:
        table = make_table(columns)
        listed = make_features(texts or tuple(columns), "inputs.event.columns", columns, {})
        train = TrainRows(table, np.arange(table.n_events) if rows is None else np.asarray(rows))
        return fit_preparation(Preparation.model_validate(keys), FeatureSet({"event": listed}), train)

    return run


def float32(*values: float) -> Any:
    return np.array(values, dtype=np.float32)


def test_fit_uses_training_rows_only(fit: Any) -> None:
    preparation = fit({"x": float32(1, 3, 500)}, rows=[0, 1])
    prepared = preparation.apply({"x": float32(1, 3, 4)})["event"]
    assert prepared.dtype == np.float32
    assert prepared.tolist() == [[-1], [1], [2]]
    assert preparation.ranges == {"x": (1.0, 3.0)}


def test_missing_values_are_filled_and_flagged(fit: Any) -> None:
    columns = {"x": float32(1, -999, 3, 8, np.nan, np.inf), "y": float32(1, 2, 3, 4, 5, 6)}
    missing = {"sentinels": [-999], "nan": "missing", "infinite": "missing", "indicator": True}
    preparation = fit(columns, missing=missing, scale="none")
    assert preparation.feature_names("event") == ("x", "missing(x)", "y")
    assert preparation.input_shapes() == {"event": (3,)}
    prepared = preparation.apply(columns)["event"]
    assert prepared[:, 0].tolist() == [1, 3, 3, 8, 3, 3]
    assert prepared[:, 1].tolist() == [0, 1, 0, 0, 1, 1]
    assert preparation.ranges == {"x": (1.0, 8.0), "y": (1.0, 6.0)}


@pytest.mark.parametrize(("rule", "value"), [("median", 2.0), ("mean", 3.0), ("zero", 0.0), (-7.5, -7.5)])
def test_fill_is_in_the_units_of_the_feature(fit: Any, rule: Any, value: float) -> None:
    preparation = fit({"x": float32(1, 2, 6, -999)}, missing={"sentinels": [-999], "fill": rule})
    (feature,) = preparation.inputs["event"].features
    assert feature.fill == value
    # Scaled like any other value, with statistics of the valid ones.
    deviation = np.std([1, 2, 6])
    assert preparation.apply({"x": float32(-999)})["event"][0, 0] == pytest.approx((value - 3) / deviation)


def test_sentinel_is_recognised_after_rounding_to_float32(fit: Any) -> None:
    preparation = fit({"x": float32(1, 2, -99.9)}, missing={"sentinels": [-99.9]})
    assert preparation.ranges["x"] == (1.0, 2.0)


def test_transforms_are_applied_in_order_before_the_scale(fit: Any) -> None:
    values = float32(-5, 0.5, 2, 50)
    transforms = [{"type": "clip", "low": 1, "high": 10}, "log"]
    prepared = fit({"x": values}, transforms=transforms, scale="min_max").apply({"x": values})["event"]
    expected = np.log(np.clip(values, 1, 10)) / np.log(10)
    np.testing.assert_allclose(prepared[:, 0], expected, rtol=1e-6)


def test_columns_have_settings_of_their_own(fit: Any) -> None:
    columns = {"a": float32(1, 3), "b": float32(1, 3)}
    prepared = fit(columns, columns={"b": {"scale": "none"}}).apply(columns)["event"]
    assert prepared.tolist() == [[-1, 1], [1, 3]]


def test_unknown_column_is_an_error(fit: Any) -> None:
    with pytest.raises(ConfigError, match="'xx' is no feature"):
        fit({"x": float32(1, 2)}, columns={"xx": {}})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinite_are_refused_with_the_place(fit: Any, bad: float) -> None:
    expected = rf"'x' is {bad} in 2 of 4 events, first in entry 1 of a.csv.*preparation.missing"
    with pytest.raises(DataError, match=rf"(?s){expected}"):
        fit({"x": float32(1, bad, bad, 2), "y": float32(1, 2, 3, 4)})


def test_nan_in_later_events_is_refused_as_well(fit: Any) -> None:
    preparation = fit({"x": float32(1, 2, 3)})
    with pytest.raises(DataError, match="'x' is nan in 1 of 3 events, first in row 2"):
        preparation.apply({"x": float32(1, 2, np.nan)})


def test_all_features_that_are_not_numbers_are_named(fit: Any) -> None:
    preparation = fit({"x": float32(1, 2), "y": float32(1, 2)})
    with pytest.raises(DataError, match=r"'x' is nan .*, 'y' is inf"):
        preparation.apply({"x": float32(np.nan, 1), "y": float32(1, np.inf)})


def test_expression_is_computed_in_float64(fit: Any) -> None:
    columns = {"a": np.array([1e8 + 1, 1e8 + 3]), "b": np.array([1e8, 1e8])}
    preparation = fit(columns, ("a - b",), scale="none")
    assert preparation.apply(columns)["event"].tolist() == [[1], [3]]
    assert preparation.column_dtypes == {"a": "float64", "b": "float64"}


def test_expression_with_a_missing_part_is_missing(fit: Any) -> None:
    columns = {"a": np.array([1.0, -999.0, 3.0]), "b": np.array([1.0, 1.0, -999.0])}
    preparation = fit(columns, ("s = a + b",), missing={"sentinels": [-999], "fill": 7}, scale="none")
    assert preparation.apply(columns)["event"].tolist() == [[2], [7], [7]]


def test_condition_gives_one_and_zero(fit: Any) -> None:
    columns = {"n": np.array([1.0, 2.0, -999.0])}
    preparation = fit(columns, ("two = n >= 2",), missing={"sentinels": [-999]}, scale="none")
    assert preparation.apply(columns)["event"].tolist() == [[0], [1], [0]]


def test_condition_does_not_hide_nan(fit: Any) -> None:
    columns = {"n": np.array([1.0, np.nan])}
    with pytest.raises(DataError, match="'two' is nan"):
        fit(columns, ("two = n >= 2",))
    asked = fit(columns, ("unknown = isnan(n)",), scale="none")
    assert asked.apply(columns)["event"].tolist() == [[0], [1]]


def test_log_that_is_impossible_names_the_feature(fit: Any) -> None:
    with pytest.raises(
        DataError, match=r"feature 'x': log needs value > 0, but 1 of 2 .*preparation.columns, `x`"
    ):
        fit({"x": float32(-1, 2)}, transforms=["log"])


def test_feature_missing_everywhere_stays_finite(fit: Any) -> None:
    columns = {"x": float32(-999, -999), "y": float32(1, 2)}
    preparation = fit(columns, missing={"sentinels": [-999], "indicator": True})
    assert np.isfinite(preparation.apply(columns)["event"]).all()
    assert "x" not in preparation.ranges


def test_event_key_as_a_feature_stays_a_whole_number_column(fit: Any) -> None:
    columns = {"n": np.array([1, 3])}
    preparation = fit(columns)
    assert preparation.column_dtypes == {"n": "int64"}
    assert preparation.apply(columns)["event"].tolist() == [[-1], [1]]


def test_chunks_and_rows_do_not_change_the_result(fit: Any, rng: np.random.Generator) -> None:
    columns = {"a": rng.normal(size=101), "b": rng.exponential(size=101)}
    preparation = fit(columns, ("a", "r = a / b"), scale="robust")
    whole = preparation.apply(columns)["event"]
    rows = rng.permutation(101)[:40]
    np.testing.assert_array_equal(preparation.apply(columns, chunk_size=7)["event"], whole)
    np.testing.assert_array_equal(preparation.apply(columns, rows, chunk_size=7)["event"], whole[rows])


def test_no_events_give_empty_arrays(fit: Any) -> None:
    preparation = fit({"x": float32(1, 2)})
    assert preparation.apply({"x": float32()})["event"].shape == (0, 1)


def test_json_gives_the_same_preparation(make_table: MakeTable, rng: np.random.Generator) -> None:
    columns = {"px": rng.normal(size=50), "py": rng.normal(size=50), "n": float32(*rng.integers(0, 3, 50))}
    objects = {"lepton": {"px": "px", "py": "py", "pz": "px", "mass": "0.1"}}
    features = FeatureSet(
        {
            "a": make_features(("p = pt(lepton)", "n"), "a", columns, objects),
            "b": make_features(("px",), "b", columns, {}),
        },
        objects,
    )
    config = Preparation.model_validate(
        {"transforms": ["symmetric_log"], "missing": {"sentinels": [0], "indicator": True}}
    )
    table = make_table(columns, units={"px": "GeV", "unused": "m"})
    preparation = fit_preparation(config, features, TrainRows(table, np.arange(40)))
    again = FittedPreparation.from_dict(json.loads(json.dumps(preparation.to_dict())))
    assert again == preparation
    assert preparation.units == {"px": "GeV"}
    first, second = preparation.apply(columns), again.apply(columns)
    for name in ("a", "b"):
        np.testing.assert_array_equal(first[name], second[name])


def test_newer_format_is_refused(fit: Any) -> None:
    stored = {**fit({"x": float32(1, 2)}).to_dict(), "format_version": 99}
    with pytest.raises(DataError, match="format version 99, but this version of Rapidity reads 2"):
        FittedPreparation.from_dict(stored)
