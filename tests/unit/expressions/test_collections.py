"""Values of expressions over collections, against awkward and vector."""

from __future__ import annotations

import importlib.util
import itertools
import math
import pickle

import awkward as ak
import numpy as np
import pytest

from rapidity.core.errors import DataError, MissingNameError
from rapidity.core.jagged import Jagged
from rapidity.expressions import flat_layout, parse_expression

from .conftest import COLLECTIONS, OBJECTS, make_events

# float64 by other formulae; masses are small differences of large numbers.
RELATIVE, ABSOLUTE = 1e-7, 1e-6


def first(array, index=0):
    """Return one value of each event, NaN where there are not that many."""
    padded = ak.pad_none(array, index + 1 if index >= 0 else -index)
    return ak.to_numpy(ak.fill_none(padded[:, index], np.nan))


def or_nan(array):
    return ak.to_numpy(ak.fill_none(array, np.nan))


def total(momenta):
    return (
        ak.sum(momenta.px, axis=1),
        ak.sum(momenta.py, axis=1),
        ak.sum(momenta.pz, axis=1),
        ak.sum(momenta.E, axis=1),
    )


def pairs(a, b=None):
    """Return both sides of all pairs: of two collections, or of one with itself."""
    return ak.unzip(ak.combinations(a, 2)) if b is None else ak.unzip(ak.cartesian([a, b]))


def delta_r(a, b):
    return a.deltaR(b)


def delta_phi(a, b):
    return abs(a.deltaphi(b))


def delta_eta(a, b):
    return abs(a.eta - b.eta)


def mass(a, b):
    return (a + b).mass


def closest(masses, target):
    return first(masses[ak.argsort(abs(masses - target), axis=1)])


NUMBERS = {
    "jet_pt[0]": lambda e: first(e.jets.pt),
    "jet_pt[2]": lambda e: first(e.jets.pt, 2),
    "jet_pt[-1]": lambda e: first(e.jets.pt[:, ::-1]),
    "jet_pt[-2]": lambda e: first(e.jets.pt[:, ::-1], 1),
    "jet_tag[0]": lambda e: first(e.jets.tag),
    "(jet_tag > 0)[0]": lambda e: first(e.jets.tag),
    "jet_pt[jet_eta > 0][1]": lambda e: first(e.jets.pt[e.jets.eta > 0], 1),
    "jet_pt[jet_eta > 0][-1]": lambda e: first(e.jets.pt[e.jets.eta > 0][:, ::-1]),
    "jet_pt[jet_eta > 0][jet_pt > 30][0]": lambda e: first(e.jets.pt[(e.jets.eta > 0) & (e.jets.pt > 30)]),
    "sum(jet_pt)": lambda e: ak.sum(e.jets.pt, axis=1),
    "sum(jet_tag)": lambda e: ak.sum(e.jets.tag, axis=1),
    "sum(jet_pt > 30)": lambda e: ak.sum(e.jets.pt > 30, axis=1),
    "sum(jet_pt[jet_eta > 0] / met)": lambda e: ak.sum(e.jets.pt[e.jets.eta > 0], axis=1) / e.columns["met"],
    "mean(jet_eta)": lambda e: or_nan(ak.mean(e.jets.eta, axis=1)),
    "min(jet_eta)": lambda e: or_nan(ak.min(e.jets.eta, axis=1)),
    "max(jet_eta[jet_eta < 0])": lambda e: or_nan(ak.max(e.jets.eta[e.jets.eta < 0], axis=1)),
    "min(jet_tag)": lambda e: or_nan(ak.min(e.jets.tag, axis=1)),
    "count(jet_pt > 30)": lambda e: ak.sum(e.jets.pt > 30, axis=1),
    "count(jets)": lambda e: ak.num(e.jets),
    "count(jet_pt[jet_eta > 0])": lambda e: ak.sum(e.jets.eta > 0, axis=1),
    "count(jets[jet_eta > 0])": lambda e: ak.sum(e.jets.eta > 0, axis=1),
    "count((jet_pt > 30)[jet_eta > 0])": lambda e: ak.sum((e.jets.eta > 0) & (e.jets.pt > 30), axis=1),
    "any(jet_pt > 50)": lambda e: ak.any(e.jets.pt > 50, axis=1),
    "all(jet_pt > 20)": lambda e: ak.all(e.jets.pt > 20, axis=1),
    "largest(jet_m, 0)": lambda e: or_nan(ak.max(e.jets.mass, axis=1)),
    "largest(jet_m, 2)": lambda e: first(ak.sort(e.jets.mass, ascending=False), 2),
    "largest(jet_m[jet_eta > 0], 1)": lambda e: first(
        ak.sort(e.jets.mass[e.jets.eta > 0], ascending=False), 1
    ),
    "at_max(jet_pt, jet_m)": lambda e: first(e.jets.pt[ak.argsort(e.jets.mass, ascending=False)]),
    "at_min(jet_pt, abs(jet_eta))": lambda e: first(e.jets.pt[ak.argsort(abs(e.jets.eta))]),
    "at_max(jet_pt, jet_m[jet_eta > 0])": lambda e: first(
        e.jets.pt[e.jets.eta > 0][ak.argsort(e.jets.mass[e.jets.eta > 0], ascending=False)]
    ),
    "mass(at_max(jets, jet_m))": lambda e: or_nan(ak.max(e.jets.mass, axis=1)),
    "pz(jets[0])": lambda e: first(e.jets.pz),
    "mass(jets[0], jets[1])": lambda e: first(mass(*pairs(e.jets[:, :2]))),
    "pt(jets[0], photon)": lambda e: first((e.jets + e.photon).pt),
    "delta_r(tagged[0], photon)": lambda e: first((e.jets[e.jets.tag > 0]).deltaR(e.photon)),
    "max(delta_phi(jets, photon))": lambda e: or_nan(ak.max(e.jets.deltaphi(e.photon), axis=1)),
    "max(mass(jets, photon))": lambda e: or_nan(ak.max((e.jets + e.photon).mass, axis=1)),
    "pt(sum(jets))": lambda e: np.hypot(*total(e.jets)[:2]),
    "energy(sum(jets[jet_eta > 0]), photon)": lambda e: total(e.jets[e.jets.eta > 0])[3] + e.photon.E,
    "min_delta_r(jets)": lambda e: or_nan(ak.min(delta_r(*pairs(e.jets)), axis=1)),
    "max_delta_r(jets, leptons)": lambda e: or_nan(ak.max(delta_r(*pairs(e.jets, e.leptons)), axis=1)),
    "min_delta_r(tagged, leptons)": lambda e: or_nan(
        ak.min(delta_r(*pairs(e.jets[e.jets.tag > 0], e.leptons)), axis=1)
    ),
    "min_delta_r(jets, photon)": lambda e: or_nan(ak.min(e.jets.deltaR(e.photon), axis=1)),
    "min_delta_r(photon, jets)": lambda e: or_nan(ak.min(e.jets.deltaR(e.photon), axis=1)),
    "min_delta_phi(jets, leptons)": lambda e: or_nan(ak.min(delta_phi(*pairs(e.jets, e.leptons)), axis=1)),
    "max_delta_phi(jets)": lambda e: or_nan(ak.max(delta_phi(*pairs(e.jets)), axis=1)),
    "min_delta_eta(jets)": lambda e: or_nan(ak.min(delta_eta(*pairs(e.jets)), axis=1)),
    "max_delta_eta(jets, leptons)": lambda e: or_nan(ak.max(delta_eta(*pairs(e.jets, e.leptons)), axis=1)),
    "min_mass(jets, leptons)": lambda e: or_nan(ak.min(mass(*pairs(e.jets, e.leptons)), axis=1)),
    "max_mass(jets)": lambda e: or_nan(ak.max(mass(*pairs(e.jets)), axis=1)),
    "mass_closest(jets, 91)": lambda e: closest(mass(*pairs(e.jets)), 91),
    "mass_closest(jets, leptons, met)": lambda e: closest(mass(*pairs(e.jets, e.leptons)), e.columns["met"]),
    "ht(jets, leptons, missing)": lambda e: (
        ak.sum(e.jets.pt, axis=1) + ak.sum(e.leptons.pt, axis=1) + e.columns["met"]
    ),
    "centrality(jets)": lambda e: ak.sum(e.jets.pt, axis=1) / ak.sum(e.jets.E, axis=1),
    "c_parameter(jets)": lambda e: _c_parameter(e.jets),
    "transverse_sphericity(jets, leptons)": lambda e: _transverse_sphericity(e.jets, e.leptons),
}


def _c_parameter(momenta):
    """Return the other way to write it: 3/2 (1 - sum_ij (p_i . p_j)^2 / (p_i p_j) / (sum p)^2)."""
    a, b = ak.unzip(ak.cartesian([momenta, momenta]))
    terms = (a.px * b.px + a.py * b.py + a.pz * b.pz) ** 2 / (a.p * b.p)
    return ak.to_numpy(1.5 - 1.5 * ak.sum(terms, axis=1) / ak.sum(momenta.p, axis=1) ** 2)


def _transverse_sphericity(*collections):
    xx, yy, xy = (
        sum(ak.to_numpy(ak.sum(getattr(c, one) * getattr(c, other), axis=1)) for c in collections)
        for one, other in ("xx", "yy", "xy")
        for one, other in (("p" + one, "p" + other),)
    )
    lengths = np.linalg.eigvalsh(np.moveaxis(np.array([[xx, xy], [xy, yy]]), -1, 0))
    return 2 * lengths[:, 0] / lengths.sum(axis=1)


@pytest.mark.parametrize("text", NUMBERS)
def test_one_value_an_event_agrees_with_awkward_and_vector(text, events):
    with np.errstate(all="ignore"):
        expected = np.asarray(NUMBERS[text](events))
    found = events.evaluate(text)
    assert parse_expression(text, OBJECTS, COLLECTIONS).collection is None
    np.testing.assert_allclose(found, expected, rtol=RELATIVE, atol=ABSOLUTE)


OF_OBJECTS = {
    "jet_pt": lambda e: e.jets.pt,
    "jet_pt / met + 1": lambda e: e.jets.pt / e.columns["met"] + 1,
    "jet_pt[jet_eta > 0]": lambda e: e.jets.pt[e.jets.eta > 0],
    "jet_pt > 30 and abs(jet_eta) < 2": lambda e: (e.jets.pt > 30) & (abs(e.jets.eta) < 2),
    "(jet_pt if jet_tag else met)": lambda e: ak.where(e.jets.tag > 0, e.jets.pt, e.columns["met"]),
    "max(jet_pt, jet_m, 30)": lambda e: np.maximum(np.maximum(e.jets.pt, e.jets.mass), 30),
    "rapidity(jets)": lambda e: e.jets.rapidity,
    "energy(tagged)": lambda e: e.jets[e.jets.tag > 0].E,
    "mass(jets, photon)": lambda e: (e.jets + e.photon).mass,
    "delta_r(jets, jets[0])": lambda e: delta_r(*pairs(e.jets, e.jets[:, :1])),
    "jet_pt[jet_eta > 0] / jet_pt": lambda e: ak.ones_like(e.jets.pt[e.jets.eta > 0]),
    "nearest_delta_r(jets, photon)": lambda e: e.jets.deltaR(e.photon),
    "nearest_delta_r(jets, leptons)": lambda e: ak.fill_none(
        ak.min(delta_r(*ak.unzip(ak.cartesian([e.jets, e.leptons], nested=True))), axis=2),
        np.nan,
    ),
}


@pytest.mark.parametrize("text", OF_OBJECTS)
def test_a_value_for_each_object_agrees_with_awkward_and_vector(text, events):
    found = events.evaluate(text)
    expected = OF_OBJECTS[text](events)
    assert parse_expression(text, OBJECTS, COLLECTIONS).collection == "jets"
    np.testing.assert_array_equal(found.counts, ak.num(expected))
    np.testing.assert_allclose(found.content, ak.to_numpy(ak.flatten(expected)), rtol=RELATIVE, atol=ABSOLUTE)


@pytest.mark.skipif(importlib.util.find_spec("fastjet") is None, reason="fastjet is not installed")
def test_distances_masses_and_sums_agree_with_fastjet(events):
    import fastjet

    found = {
        text: events.evaluate(text)
        for text in (
            "max_delta_phi(jets)",
            "max_mass(jets)",
            "mass(sum(jets))",
            "pt(sum(jets))",
            "rapidity(jets[0])",
        )
    }
    for index, jets in enumerate(events.jets[:100]):
        pseudo = [fastjet.PseudoJet(float(j.px), float(j.py), float(j.pz), float(j.E)) for j in jets]
        if len(pseudo) < 2:
            continue
        both = list(itertools.combinations(pseudo, 2))
        whole = fastjet.PseudoJet(0.0, 0.0, 0.0, 0.0)
        for jet in pseudo:
            whole += jet
        expected = {
            "max_delta_phi(jets)": max(abs(a.delta_phi_to(b)) for a, b in both),
            "max_mass(jets)": max((a + b).m() for a, b in both),
            "mass(sum(jets))": whole.m(),
            "pt(sum(jets))": whole.pt(),
            "rapidity(jets[0])": pseudo[0].rap(),
        }
        for text, value in expected.items():
            assert found[text][index] == pytest.approx(value, rel=1e-6), text


@pytest.mark.parametrize("text", [text for text in NUMBERS if not text.startswith("transverse_sph")])
def test_events_without_any_object_and_no_events_at_all_work(text):
    for n_events in (0, 1, 3):
        found = make_events([0] * n_events, [0] * n_events).evaluate(text)
        assert found.shape == (n_events,)
        name = text.split("(", maxsplit=1)[0]
        if name in ("sum", "count", "any") or text == "pt(sum(jets))":
            assert not found.any()
        elif name == "all":
            assert found.all()
        elif name not in ("ht", "energy"):
            assert np.isnan(found).all()


@pytest.mark.parametrize(
    "text",
    ["sum(x)", "mean(x)", "min(x)", "max(x)", "largest(x, 0)", "at_max(y, x)", "at_min(y, x)",
     "ht(jets)", "min_mass(jets)", "min_delta_r(jets)", "max_delta_phi(jets)", "sphericity(jets)",
     "fox_wolfram(jets, 2)"],
)  # fmt: skip
def test_nan_in_an_object_makes_the_event_nan_unless_the_object_is_left_out(text):
    x = Jagged.from_counts(np.array([1.0, np.nan, 3.0, 2.0, 5.0, 6.0]), np.array([3, 3]))
    y = Jagged.from_counts(np.arange(6.0), np.array([3, 3]))
    objects = {"jets": dict.fromkeys(("pt", "eta", "phi"), "x")}
    of_x = dict.fromkeys("xy", "x")
    found = parse_expression(text, objects, of_x).evaluate({"x": x, "y": y})
    np.testing.assert_array_equal(np.isnan(found), [True, False])
    selected = {"jets": dict.fromkeys(("pt", "eta", "phi"), "x[x > 0]")}
    left_out = text.replace("x)", "x[x > 0])").replace("x, 0", "x[x > 0], 0")
    found = parse_expression(left_out, selected, of_x).evaluate({"x": x, "y": y})
    assert not np.isnan(found).any()


def test_of_objects_with_the_same_value_the_first_is_taken():
    columns = {
        "x": Jagged.from_counts(np.array([1.0, 2.0, 3.0]), np.array([3])),
        "by": Jagged.from_counts(np.array([5.0, 7.0, 7.0]), np.array([3])),
    }
    of = dict.fromkeys(columns, "x")
    assert parse_expression("at_max(x, by)", None, of).evaluate(columns) == [2.0]
    assert parse_expression("at_min(x, -by)", None, of).evaluate(columns) == [2.0]
    infinite = {**columns, "by": Jagged(np.full(3, -np.inf), columns["x"].offsets)}
    assert parse_expression("at_max(x[x > 1], by)", None, of).evaluate(infinite) == [2.0]


def test_overlapping_selections_pair_no_object_with_itself():
    eta = Jagged.from_counts(np.array([0.0, 1.0, 3.0]), np.array([3]))
    columns = {
        "eta": eta,
        "phi": Jagged(np.zeros(3), eta.offsets),
        "tag": Jagged(np.array([1, 1, 0]), eta.offsets),
    }
    objects = {"jets": {"pt": "1", "eta": "eta", "phi": "phi"}}
    of = dict.fromkeys(columns, "jets")
    for text, expected in {
        "min_delta_r(jets, jets[tag > 0])": 1.0,
        "min_delta_r(jets[tag > 0], jets[tag < 1])": 2.0,
        "max_delta_r(jets[tag > 0], jets[tag > 0])": 1.0,
    }.items():
        assert parse_expression(text, objects, of).evaluate(columns) == [expected]
    found = parse_expression("nearest_delta_r(jets, jets[tag > 0])", objects, of).evaluate(columns)
    np.testing.assert_array_equal(found.content, [1.0, 1.0, 2.0])


def test_pairs_are_held_some_at_a_time(monkeypatch, events):
    whole = {text: events.evaluate(text) for text in ("min_delta_r(jets)", "mass_closest(jets, leptons, 80)")}
    monkeypatch.setattr(flat_layout, "PAIRS_AT_ONCE", 3)
    for text, expected in whole.items():
        np.testing.assert_array_equal(events.evaluate(text), expected)


def test_one_event_with_thousands_of_objects_takes_little_memory():
    import tracemalloc

    many = make_events([3000, 1, 0], [0, 0, 0])
    tracemalloc.start()
    found = many.evaluate("min_delta_r(jets)")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[0] < 0.1
    # 4.5 million pairs: a single array of them all would be 36 MB.
    assert peak < 30e6


def test_whole_numbers_stay_whole_where_that_is_possible():
    values = Jagged.from_counts(np.array([2**60, 1, 5], np.int64), np.array([2, 1]))
    of = {"x": "x"}
    assert parse_expression("sum(x)", None, of).evaluate({"x": values}).tolist() == [2**60 + 1, 5]
    assert parse_expression("x % 2", None, of).evaluate({"x": values}).dtype == np.int64
    assert parse_expression("count(x)", None, of).evaluate({"x": values}).dtype == np.int64
    assert parse_expression("max(x)", None, of).evaluate({"x": values}).dtype == np.float64


def test_objects_need_only_the_columns_that_are_used():
    wanted = {
        "count(jets)": ("jet_pt",),
        "pt(jets[1])": ("jet_pt",),
        "px(sum(jets))": ("jet_pt", "jet_phi"),
        "min_delta_r(jets, leptons)": ("jet_eta", "jet_phi", "lep_eta", "lep_phi"),
        "eta(jets[pt(jets) > 30][0])": ("jet_eta", "jet_pt"),
        "at_max(jet_pt, jet_m)": ("jet_pt", "jet_m"),
        "phi(at_max(jets, jet_m))": ("jet_phi", "jet_m"),
        "ht(jets, missing)": ("jet_pt", "met"),
    }
    for text, columns in wanted.items():
        assert parse_expression(text, OBJECTS, COLLECTIONS).columns == columns, text


def test_an_object_whose_mass_is_the_same_for_all_still_knows_how_many_there_are(events):
    objects = {"pions": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "0.13957"}}
    expression = parse_expression("sum(mass(pions))", objects, COLLECTIONS)
    found = expression.evaluate(events.columns)
    np.testing.assert_allclose(found, 0.13957 * events.columns["jet_pt"].counts, atol=1e-12)


def test_what_an_expression_reads_is_told():
    expression = parse_expression("min_delta_r(jets[jet_tag > 0], leptons) > met", OBJECTS, COLLECTIONS)
    assert expression.collection is None
    assert expression.collections == ("jets", "leptons")
    assert expression.column_collections["jet_tag"] == "jets"
    assert "met" not in expression.column_collections
    selected = parse_expression("pt(jets)[jet_tag > 0]", OBJECTS, COLLECTIONS)
    assert selected.collection == "jets"
    assert not selected.is_column
    assert parse_expression("jet_pt", OBJECTS, COLLECTIONS).is_column
    assert pickle.loads(pickle.dumps(selected)) == selected  # noqa: S301 - our own bytes
    assert parse_expression("jet_pt").term != parse_expression("jet_pt", None, COLLECTIONS).term


def test_columns_of_the_wrong_kind_are_refused():
    flat, jagged = np.zeros(2), Jagged.from_counts(np.zeros(3), np.array([1, 2]))
    with pytest.raises(
        DataError, match=r"column 'x' holds one value an event, .*one for each object of 'jets'"
    ):
        parse_expression("sum(x)", None, {"x": "jets"}).evaluate({"x": flat})
    with pytest.raises(
        DataError, match=r"column 'x' holds a varying number of values an event.*\(collections\)"
    ):
        parse_expression("x + 1").evaluate({"x": jagged})
    with pytest.raises(MissingNameError, match="needs column 'jet_pt'"):
        parse_expression("sum(jet_pt)", None, COLLECTIONS).evaluate({})


def test_columns_of_one_collection_need_the_same_counts():
    columns = {
        "a": Jagged.from_counts(np.zeros(3), np.array([1, 2])),
        "b": Jagged.from_counts(np.zeros(3), np.array([2, 1])),
    }
    expression = parse_expression("sum(a * b)", None, {"a": "x", "b": "x"})
    with pytest.raises(DataError, match=r"'a' and 'b' of the collection 'x' .* in event 0: 1 and 2"):
        expression.evaluate(columns)
    with pytest.raises(DataError, match="in 2 and 1 events"):
        expression.evaluate({**columns, "b": columns["a"][:1]})


def test_missing_objects_are_nan_and_comparisons_with_them_false(events):
    leading = events.evaluate("jet_pt[0]")
    assert np.isnan(leading).any()
    np.testing.assert_array_equal(events.evaluate("jet_pt[0] > 0"), ~np.isnan(leading))
    assert math.isnan(make_events([1], [0]).evaluate("mass(jets[0], jets[1])")[0])
