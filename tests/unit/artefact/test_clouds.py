"""Clouds in the model file: objects selected, ordered, cut and prepared in the graph as in training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapidity.artefact.clouds import add_cloud
from rapidity.artefact.columns import SeparateColumns
from rapidity.artefact.emission import Emitter
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.artefact.objects import pad_objects
from rapidity.core.jagged import Jagged
from rapidity.data.cloud_columns import make_momenta
from rapidity.data.clouds import CloudColumns
from rapidity.data.features import parse_features
from rapidity.data.fitted_cloud import FittedCloud, fit_momenta
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.transforms.clip import FittedClip
from rapidity.data.transforms.standard import FittedStandard
from rapidity.expressions import parse_expression

COLLECTIONS = {"cand_pt": "cand", "cand_eta": "cand", "cand_phi": "cand", "cand_id": "cand", "sv_mass": "sv"}
FEATURES = (
    "cand_pt",
    "d_eta = cand_eta - jet_eta",
    "d_phi = delta_phi(cand_phi, jet_phi)",
    "log(cand_pt / sum(cand_pt))",
    "is_pion = abs(cand_id) == 211",
    "rank = count(sv_mass) + cand_pt * 0",
)
MOMENTA = {"pt": "cand_pt", "eta": "cand_eta", "phi": "cand_phi", "mass": "0.13957"}
# The same formulae in float64, rounded to float32 at the end.
TOLERANCE = 1e-6


def make_cloud(features=FEATURES, n_objects=3, order_by=None, selection=None, components=MOMENTA, **missing):
    """Return a fitted cloud of candidates; `missing` are settings of every feature."""
    parsed = parse_features(features, "features", (), {}, COLLECTIONS)
    expressions = [
        None if text is None else parse_expression(text, None, COLLECTIONS) for text in (order_by, selection)
    ]
    cloud = CloudColumns(
        "cand", parsed, n_objects, *expressions, components, make_momenta(components, {}, COLLECTIONS),
        parsed[1:3],
    )  # fmt: skip
    steps = (FittedClip(-3.0, 50.0), FittedStandard(1.0, 2.0))
    fitted = tuple(FittedFeature(feature, **missing, transforms=steps) for feature in parsed)
    coordinates = tuple(FittedFeature(feature, **missing) for feature in parsed[1:3])
    return FittedCloud(cloud, fitted, fit_momenta(cloud), coordinates)


def make_columns(counts, seed=1):
    rng = np.random.default_rng(seed)
    counts = np.array(counts)
    n_events, n_objects = len(counts), int(counts.sum())
    values = {
        "cand_pt": rng.integers(1, 6, n_objects) / 2,  # many are equal
        "cand_eta": rng.normal(size=n_objects),
        "cand_phi": rng.uniform(-np.pi, np.pi, n_objects),
        "cand_id": rng.choice([211, -211, 22, 130], n_objects),
    }
    columns = {name: Jagged.from_counts(one.astype(np.float32), counts) for name, one in values.items()}
    n_vertices = rng.integers(0, 3, n_events)
    columns["sv_mass"] = Jagged.from_counts(np.ones(n_vertices.sum(), np.float32), n_vertices)
    angles = {name: rng.normal(size=n_events).astype(np.float32) for name in ("jet_eta", "jet_phi")}
    return columns | angles


@pytest.fixture(scope="session")
def run_cloud(run_model):
    """Return a function that prepares a cloud of these columns in ONNX Runtime."""

    def run(fitted, columns, extra_places=0):
        graph, xp = GraphBuilder(), OnnxNamespace()
        used = {name: columns[name] for name in fitted.columns}
        collections = {name: COLLECTIONS[name] for name in used if name in COLLECTIONS}
        source = SeparateColumns(
            graph, {name: values.dtype.name for name, values in used.items()}, {}, collections
        )
        symbols = {
            name: xp.objects(name, collections[name]) if name in collections else xp.column(name)
            for name in used
        }
        made = add_cloud(graph, Emitter(graph, source), fitted, symbols, xp)
        for suffix, value in made.items():
            graph.add_output(value, f"result{suffix}", "float32", ["n", *fitted.shapes[suffix]])
        members = {
            f"n_{name}": [column for column, of in collections.items() if of == name]
            for name in dict.fromkeys(collections.values())
        }
        fed = pad_objects(used, members)
        for name in collections:
            garbage = np.full((len(fed[name]), extra_places), np.nan, fed[name].dtype)
            fed[name] = np.concatenate([fed[name], garbage], axis=1)
        results = run_model(graph.build({}, "").SerializeToString(), fed)
        return {name.removeprefix("result"): values for name, values in results.items()}

    return run


def assert_same(found, expected):
    assert set(found) == set(expected)
    for suffix, values in expected.items():
        assert found[suffix].dtype == np.float32
        np.testing.assert_allclose(found[suffix], values, rtol=TOLERANCE, atol=TOLERANCE, err_msg=suffix)


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    n_objects=st.integers(1, 8),
    order_by=st.sampled_from(
        [None, "cand_pt", "-cand_pt", "cand_eta", "cand_pt + jet_eta", "1 / (cand_pt - 1)"]
    ),
    selection=st.sampled_from(
        [None, "cand_pt > 1", "cand_pt > mean(cand_pt)", "cand_id == 22", "cand_pt < 0"]
    ),
    seed=st.integers(0, 100),
)
def test_any_table_is_prepared_in_the_graph_as_in_training(
    run_cloud, counts, n_objects, order_by, selection, seed
):
    fitted = make_cloud(n_objects=n_objects, order_by=order_by, selection=selection)
    columns = make_columns(counts, seed)
    assert_same(run_cloud(fitted, columns), fitted.prepare(columns))
