"""Which preparation each feature gets."""

from __future__ import annotations

from typing import Any

import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.settings import SettingsTable, check_names

COLUMNS = ("pt", "eta", "phi", "jet_pt", "jet_eta")


def features(*texts: str) -> FeatureSet:
    return FeatureSet({"event": make_features(texts, "inputs.event.columns", COLUMNS, {})})


def settings(**keys: Any) -> SettingsTable:
    return SettingsTable(Preparation.model_validate(keys))


def test_missing_keys_come_from_the_block_above() -> None:
    table = settings(
        missing={"sentinels": [-999], "indicator": True},
        transforms=["symmetric_log"],
        inputs={"event": {"missing": {"fill": "zero"}}},
        columns={"pt": {"missing": {"sentinels": [0]}, "scale": "robust"}},
    )
    eta, pt = table.of_column("event", "eta"), table.of_column("event", "pt")
    assert (eta.missing.sentinels, eta.missing.fill, eta.missing.indicator) == ((-999,), "zero", True)
    assert (pt.missing.sentinels, pt.missing.fill, pt.missing.indicator) == ((0,), "zero", True)
    assert [step.type for step in pt.steps] == ["symmetric_log", "robust"]
    assert table.of_column("other", "eta").missing.fill == "median"


def test_exact_name_wins_over_globs_and_later_globs_over_earlier() -> None:
    table = settings(
        columns={
            "jet_pt": {"missing": {"fill": 1.0}},
            "jet_*": {"missing": {"fill": 2.0}, "transforms": ["log"]},
            "*_eta": {"missing": {"fill": 3.0}, "scale": "none"},
        }
    )
    assert table.of_column("event", "jet_pt").missing.fill == 1.0
    assert [step.type for step in table.of_column("event", "jet_pt").steps] == ["log", "standard"]
    assert table.of_column("event", "jet_eta").missing.fill == 3.0
    assert [step.type for step in table.of_column("event", "jet_eta").steps] == ["log"]


def test_expression_takes_the_sentinels_of_its_columns() -> None:
    table = settings(missing={"sentinels": [-999]}, columns={"eta": {"missing": {"sentinels": [0]}}})
    (feature,) = features("x = pt * eta").inputs["event"]
    assert table.sentinels("event", feature) == {"pt": (-999,), "eta": (0,)}


def test_expression_may_have_sentinels_of_its_own() -> None:
    table = settings(missing={"sentinels": [-999]}, columns={"x": {"missing": {"sentinels": []}}})
    (feature,) = features("x = where(pt == -999, 0, pt)").inputs["event"]
    assert table.sentinels("event", feature) == {"pt": ()}


def test_condition_compares_with_the_sentinel_itself() -> None:
    table = settings(missing={"sentinels": [-999]})
    (feature,) = features("has_jet = jet_pt > 0").inputs["event"]
    assert table.sentinels("event", feature) == {}


def test_unknown_names_are_reported_together() -> None:
    config = Preparation.model_validate(
        {"columns": {"jet_ptt": {}, "nothing_*": {}, "jet_*": {}}, "inputs": {"evnt": {}}}
    )
    expected = (
        r"'jet_ptt' is no feature .*Did you mean 'jet_pt'\? 'nothing_\*' .*'evnt' is no input \(inputs: event"
    )
    with pytest.raises(ConfigError, match=expected):
        check_names(config, features("pt", "y = jet_pt + 1"))
