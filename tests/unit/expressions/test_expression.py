from __future__ import annotations

import pickle

import numpy as np
import pytest

from rapidity.core.errors import MissingNameError
from rapidity.expressions import parse_expression

COLUMNS = {
    "a": np.array([1.0, -2.0, 3.5, 0.0]),
    "b": np.array([2.0, 4.0, -1.0, 0.5]),
    "n": np.array([0, 1, 2, 3], dtype=np.int64),
    "jet.pt": np.array([10.0, 20.0, 30.0, 40.0]),
    "a-b": np.array([5.0, 6.0, 7.0, 8.0]),
}
A, B, N = COLUMNS["a"], COLUMNS["b"], COLUMNS["n"]

VALUES = {
    "a": A,
    "a + b * 2 - 1": A + B * 2 - 1,
    "-a ** 2": -(A**2),
    "a // b": A // B,
    "a % b": A % B,
    "n ** -1 * (n > 0)": [np.nan, 1.0, 0.5, 1 / 3],
    "2 ** n": 2.0**N,
    "+a": A,
    "pi * a": np.pi * A,
    "0 < a < 3": (A > 0) & (A < 3),
    "a > 0 and b > 0": (A > 0) & (B > 0),
    "(a > 0) & ~(b > 0) | (n == 3)": ((A > 0) & ~(B > 0)) | (N == 3),
    "not a": A == 0,
    "a != 0 or n": (A != 0) | (N != 0),
    "a if a > b else b": np.maximum(A, B),
    "where(n >= 2, a, 0)": np.where(N >= 2, A, 0),
    "min(a, b, 0)": np.minimum(np.minimum(A, B), 0),
    "max(a, b)": np.maximum(A, B),
    "clip(a, -1, 1)": np.clip(A, -1, 1),
    "(a > 0) + (b > 0)": (A > 0) * 1.0 + (B > 0),
    "sqrt(a**2 + b**2)": np.hypot(A, B),
    "`jet.pt` / 1000": COLUMNS["jet.pt"] / 1000,
    "jet.pt / 1000": COLUMNS["jet.pt"] / 1000,
    "`a-b` + a-b": COLUMNS["a-b"] + A - B,
    "a\n  + b": A + B,
    "1e3 * a": 1e3 * A,
    "2 * 3 * a": 6 * A,
}


@pytest.mark.parametrize("text", VALUES)
def test_expression_gives_what_python_would(text):
    found = parse_expression(text).evaluate(COLUMNS)
    expected = np.asarray(VALUES[text])
    if text.startswith("n ** -1"):
        found, expected = found[1:], expected[1:]  # 0 ** -1 * 0 has no value
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert found.dtype.kind == ("b" if expected.dtype.kind == "b" else found.dtype.kind)


def test_event_numbers_beyond_float64_stay_exact():
    event = np.array([2**60 + 7, 2**60 + 8], dtype=np.int64)
    found = parse_expression("event % 10").evaluate({"event": event})
    np.testing.assert_array_equal(found, [(2**60 + 7) % 10, (2**60 + 8) % 10])
    assert found.dtype == np.int64


def test_float32_columns_are_computed_with_in_float64():
    energy = np.array([1e5], np.float32)
    found = parse_expression("(e + 1e-4) - e").evaluate({"e": energy})
    assert found[0] == pytest.approx(1e-4, rel=1e-3)


def test_columns_are_listed_once_in_order_of_appearance():
    expression = parse_expression("b + a * b + `jet.pt`")
    assert expression.columns == ("b", "a", "jet.pt")


def test_objects_need_only_the_columns_that_are_used():
    objects = {"lepton": {"px": "lx", "py": "ly", "pz": "lz", "energy": "le"}, "met": {"pt": "m", "phi": "f"}}
    assert parse_expression("pt(lepton)", objects).columns == ("lx", "ly")
    assert parse_expression("pt(lepton, met)", objects).columns == ("lx", "ly", "m", "f")
    assert set(parse_expression("mass(lepton)", objects).columns) == {"lx", "ly", "lz", "le"}


def test_components_of_objects_may_be_expressions():
    objects = {"jet": {"pt": "jet_pt / 1000", "eta": "`jet eta`", "phi": "jet.phi"}}
    expression = parse_expression("pz(jet)", objects)
    columns = {"jet_pt": np.array([2000.0]), "jet eta": np.array([1.0]), "jet.phi": np.array([0.0])}
    assert expression.evaluate(columns)[0] == pytest.approx(2 * np.sinh(1.0))


def test_one_plain_column_is_recognised():
    assert parse_expression("a").is_column
    assert parse_expression("`a-b`").is_column
    assert not parse_expression("a * 1").is_column


def test_conditions_are_recognised():
    assert parse_expression("a > 1").is_condition
    assert parse_expression("isnan(a)").is_condition
    assert not parse_expression("(a > 1) * 2").is_condition


def test_undefined_results_are_nan_or_infinite_without_a_warning():
    columns = {"a": np.array([0.0, -1.0])}
    np.testing.assert_array_equal(parse_expression("log(a)").evaluate(columns), [-np.inf, np.nan])
    np.testing.assert_array_equal(parse_expression("1 / a").evaluate(columns), [np.inf, -1.0])


def test_missing_column_names_the_nearest():
    with pytest.raises(MissingNameError, match=r"needs column 'lep0_pt'.*Closest: lep_0_pt"):
        parse_expression("lep0_pt / 2").evaluate({"lep_0_pt": np.zeros(1), "met": np.zeros(1)})


def test_expressions_can_be_compared_hashed_and_pickled():
    first, second = parse_expression("a + sin(b)"), parse_expression("a + sin(b)")
    assert first == second
    assert hash(first) == hash(second)
    assert pickle.loads(pickle.dumps(first)) == first  # noqa: S301 - our own bytes


def test_enormous_constants_end_at_infinity():
    assert parse_expression("a + 9 ** 9 ** 9").evaluate({"a": np.zeros(1)})[0] == np.inf


def test_unusual_letters_stay_as_they_were_written():
    # Python itself would turn the micro sign into a Greek mu.
    assert parse_expression("\u00b5_pt * 2").columns == ("\u00b5_pt",)
