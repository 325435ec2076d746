"""What may not change a value: the order of events, of objects, events beside it, empty places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapidity.core.jagged import Jagged
from rapidity.expressions import parse_expression

from .conftest import COLLECTIONS, OBJECTS, make_events

# Sums in another order differ in the last places; masses are small differences of large numbers.
TOLERANCE = 1e-6
COUNTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=6)
ORDERED = ("jet_pt[0]", "jet_pt[-1]", "jet_pt[jet_tag > 0][1]", "mass(jets[0], jets[1])", "eta(tagged[0])")
UNORDERED = (
    "sum(jet_pt)", "mean(jet_eta)", "max(jet_m[jet_tag > 0])", "count(jet_pt > 30)", "any(jet_eta > 1)",
    "all(jet_eta > -1)", "largest(jet_pt, 1)", "at_max(jet_eta, jet_pt)", "pt(at_min(jets, jet_m))",
    "mass(sum(tagged))",
    "min_delta_r(jets)", "max_delta_phi(jets, leptons)", "min_mass(tagged, leptons)", "max_mass(jets)",
    "mass_closest(jets, 91)", "mass_closest(jets, leptons, met)", "sum(nearest_delta_r(jets, jets))",
    "min_delta_phi(jets, missing)", "ht(jets, leptons, missing)", "sphericity(jets)",
    "aplanarity(jets, leptons)",
    "planarity(jets)", "transverse_sphericity(jets)", "c_parameter(jets)", "d_parameter(jets)",
    "centrality(jets)",
    "fox_wolfram(jets, leptons, 3)",
)  # fmt: skip


def reorder(events, counts, permute):
    """Return the columns with the objects of each event in another order, one for each collection."""
    orders = {}
    columns = dict(events.columns)
    for name, values in events.columns.items():
        if isinstance(values, Jagged):
            order = orders.setdefault(
                COLLECTIONS[name],
                np.concatenate([np.empty(0, int)] + [
                    start + permute(stop - start)
                    for start, stop in zip(values.offsets, values.offsets[1:], strict=False)
                ]),
            )  # fmt: skip
            columns[name] = Jagged(values.content[order.astype(int)], values.offsets)
    return columns


@pytest.mark.parametrize("text", UNORDERED)
@given(counts=COUNTS, seed=st.integers(0, 1000))
@settings(max_examples=6, deadline=None)
def test_the_order_of_objects_does_not_matter(text, counts, seed):
    events = make_events([n for n, _ in counts], [n for _, n in counts], seed)
    rng = np.random.default_rng(seed)
    shuffled = reorder(events, counts, rng.permutation)
    found = parse_expression(text, OBJECTS, COLLECTIONS).evaluate(shuffled)
    np.testing.assert_allclose(found, events.evaluate(text), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("text", ORDERED + UNORDERED)
@given(counts=COUNTS, seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_an_event_has_the_same_value_alone_in_any_order_and_among_others(text, counts, seed):
    events = make_events([n for n, _ in counts], [n for _, n in counts], seed)
    expression = parse_expression(text, OBJECTS, COLLECTIONS)
    whole = events.evaluate(text)
    rows = np.random.default_rng(seed).permutation(len(counts))
    np.testing.assert_array_equal(
        expression.evaluate({name: c[rows] for name, c in events.columns.items()}), whole[rows]
    )
    for row in range(len(counts)):
        alone = expression.evaluate({name: c[row : row + 1] for name, c in events.columns.items()})
        np.testing.assert_array_equal(alone, whole[row : row + 1])


@pytest.mark.parametrize("text", ORDERED + UNORDERED)
@given(counts=COUNTS, seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_objects_that_a_selection_drops_count_for_nothing(text, counts, seed):
    """Selecting and leaving out beforehand are the same."""
    events = make_events([n for n, _ in counts], [n for _, n in counts], seed)
    spoilt, objects = {}, {**OBJECTS, "jets": {key: f"{c}[good > 0]" for key, c in OBJECTS["jets"].items()}}
    good = events.columns["jet_pt"].content > 20
    offsets = events.columns["jet_pt"].offsets
    kept = np.diff(np.concatenate([[0], np.cumsum(good)])[offsets])
    clean = dict(events.columns)
    for name, values in events.columns.items():
        if COLLECTIONS.get(name) == "jets":
            clean[name] = Jagged.from_counts(values.content[good], kept)
            bad = np.nan if values.dtype.kind == "f" else 7
            spoilt[name] = Jagged(np.where(good, values.content, bad), values.offsets)
    expected = parse_expression(text, OBJECTS, COLLECTIONS).evaluate(clean)
    selected = text
    for column in ("jet_pt", "jet_eta", "jet_m", "jet_tag"):
        selected = selected.replace(column, f"{column}[good > 0]")
    objects["tagged"] = {key: f"{c}[good > 0][jet_tag > 0]" for key, c in OBJECTS["jets"].items()}
    columns = {**events.columns, **spoilt, "good": Jagged(good.astype(np.int64), offsets)}
    found = parse_expression(selected, objects, {**COLLECTIONS, "good": "jets"}).evaluate(columns)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


@given(counts=COUNTS, seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_a_turn_about_the_beam_changes_nothing(counts, seed):
    events = make_events([n for n, _ in counts], [n for _, n in counts], seed)
    turned = dict(events.columns)
    for name, values in events.columns.items():
        if name.endswith("phi"):
            # In float64: the rounding of a float32 angle would be seen in masses.
            is_jagged = isinstance(values, Jagged)
            angles = values.content if is_jagged else values
            moved = angles.astype(np.float64) + 1.0
            turned[name] = Jagged(moved, values.offsets) if is_jagged else moved
    for text in UNORDERED:
        found = parse_expression(text, OBJECTS, COLLECTIONS).evaluate(turned)
        np.testing.assert_allclose(found, events.evaluate(text), rtol=TOLERANCE, atol=TOLERANCE)
