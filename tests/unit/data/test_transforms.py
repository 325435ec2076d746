"""Transforms of one feature."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from rapidity.config.preparation import Transform
from rapidity.data.transforms import (
    TRANSFORMS,
    ArrayValues,
    TransformFitError,
    fit_transform,
    transform_from_dict,
    transform_to_dict,
)

CONFIGS: dict[str, Any] = {
    "clip": {"type": "clip", "low": -1.0, "high": 2.0},
    "log": {"type": "log", "shift": 10.0},
    "symmetric_log": {"type": "symmetric_log", "scale": 0.3},
    "standard": "standard",
    "robust": "robust",
    "min_max": "min_max",
    "smooth_clip": "smooth_clip",
    "divide": {"type": "divide", "by": 255.0},
}


def fit(config: Any, values: Any) -> Any:
    steps = TypeAdapter(Transform).validate_python(config)
    return fit_transform(steps, ArrayValues(np.asarray(values, dtype=float)))


@pytest.mark.parametrize("kind", list(TRANSFORMS))
def test_survives_json_exactly(kind: str, rng: np.random.Generator) -> None:
    transform = fit(CONFIGS[kind], rng.normal(size=101))
    assert transform_from_dict(json.loads(json.dumps(transform_to_dict(transform)))) == transform


@pytest.mark.parametrize("kind", list(TRANSFORMS))
@pytest.mark.parametrize("values", [[], [3.1, 3.1, 3.1], [0.0]])
def test_constant_or_absent_values_give_finite_results(kind: str, values: list[float]) -> None:
    transform = fit(CONFIGS[kind], values)
    assert np.isfinite(transform.apply(np.array([3.1, 0.0, 7.0]), np)).all()


@pytest.mark.parametrize("kind", list(TRANSFORMS))
def test_order_of_values_is_kept(kind: str, rng: np.random.Generator) -> None:
    values = np.sort(rng.normal(size=50))
    assert (np.diff(fit(CONFIGS[kind], values).apply(values, np)) >= 0).all()


def test_constant_is_recognised_in_spite_of_rounding() -> None:
    transform = fit("standard", np.full(1000, 0.1))
    assert transform.deviation == 1.0
    assert transform.apply(np.array([0.1]), np) == 0.0


def test_robust_falls_back_where_most_values_are_the_same() -> None:
    values = np.array([0.0] * 9 + [10.0])
    assert fit("robust", values).range == values.std()
    assert fit({"type": "robust", "fallback": "half_range"}, values).range == 5.0


def test_smooth_clip_is_the_formula_of_its_paper() -> None:
    values = np.array([-1e3, -2.0, 0.0, 1e-3, 4.0])
    found = fit({"type": "smooth_clip", "limit": 3.0}, []).apply(values, np)
    np.testing.assert_allclose(found, values / np.sqrt(1 + (values / 3) ** 2), rtol=1e-14)


@pytest.mark.parametrize("value", [1e30, 1e200, 1.7e308])
def test_smooth_clip_of_huge_values_is_the_limit(value: float) -> None:
    found = fit({"type": "smooth_clip", "limit": 2.5}, []).apply(np.array([value, -value]), np)
    np.testing.assert_array_equal(found, [2.5, -2.5])


def test_log_of_nothing_says_what_to_do() -> None:
    expected = r"2 of 3 training values are not; the smallest value is -4\. .*shift: 5}.*symmetric_log"
    with pytest.raises(TransformFitError, match=expected):
        fit("log", [1.0, 0.0, -4.0])


def test_log_of_later_smaller_values_is_that_of_the_smallest() -> None:
    transform = fit("log", [2.0, 3.0])
    np.testing.assert_array_equal(transform.apply(np.array([-1.0, 0.0, 2.0]), np), np.log([2.0, 2.0, 2.0]))


def test_clip_may_be_open_on_one_side() -> None:
    assert fit({"type": "clip", "high": 1.0}, []).apply(np.array([-5.0, 5.0]), np).tolist() == [-5.0, 1.0]
