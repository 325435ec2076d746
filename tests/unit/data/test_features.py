import numpy as np
import pytest

from rapidity.core.errors import ConfigError
from rapidity.data.features import FeatureSet, evaluate_feature, make_features, parse_feature

COLUMNS = ("px", "py", "jet.pt", "m = 2")


def test_text_that_is_a_column_is_that_column() -> None:
    for name in ("jet.pt", "m = 2"):
        feature = parse_feature(name, COLUMNS, {})
        assert feature.is_column
        assert (feature.name, feature.columns) == (name, (name,))


def test_expression_gets_its_name() -> None:
    assert parse_feature("pt = sqrt(px**2 + py**2)", COLUMNS, {}).name == "pt"
    assert parse_feature("px + py", COLUMNS, {}).name == "px + py"


def test_comparison_is_not_taken_for_a_name() -> None:
    feature = parse_feature("px == 2", COLUMNS, {})
    assert feature.name == "px == 2"
    assert evaluate_feature(feature, {"px": np.array([2.0, 3.0])}).tolist() == [1.0, 0.0]


def test_two_features_of_the_same_name_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"inputs.event.columns: px stands there more than once"):
        make_features(("px", "px = py"), "inputs.event.columns", COLUMNS, {})


def test_columns_of_all_inputs_are_listed_once() -> None:
    first = make_features(("px", "px + py"), "a", COLUMNS, {})
    second = make_features(("py", "px"), "b", COLUMNS, {})
    features = FeatureSet({"a": first, "b": second})
    assert features.columns == ("px", "py")
    assert [feature.name for feature in features.all] == ["px", "px + py", "py"]


def test_column_keeps_its_type_and_expression_is_float64() -> None:
    columns = {"px": np.array([1, 2], np.float32), "n": np.array([3, 4])}
    assert evaluate_feature(parse_feature("px", columns, {}), columns).dtype == np.float32
    assert evaluate_feature(parse_feature("n", columns, {}), columns).dtype == np.float64
    halves = evaluate_feature(parse_feature("px / 2", columns, {}), columns, rows=np.array([1]))
    assert halves.dtype == np.float64
    assert halves.tolist() == [1.0]


def test_undefined_results_become_nan_or_infinite() -> None:
    columns = {"x": np.array([0.0, -1.0])}
    values = evaluate_feature(parse_feature("log(x)", columns, {}), columns)
    np.testing.assert_array_equal(values, [-np.inf, np.nan])
