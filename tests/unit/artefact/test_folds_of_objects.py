"""One file of several networks that give classes to objects: folds without events, events without objects."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from rapidity.artefact import OnnxModel, write_folds, write_model
from rapidity.core.classes import ClassSet
from rapidity.core.jagged import Jagged
from rapidity.data.clouds import CloudColumns
from rapidity.data.features import parse_features
from rapidity.data.fitted_cloud import FittedCloud
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_outputs import FittedAssignment, FittedOutputs
from rapidity.data.preparation import FittedPreparation
from rapidity.expressions import parse_expression
from rapidity.network import LayerList, build_network

COUNT = 3
COLLECTIONS = {"jet_pt": "jet", "jet_eta": "jet"}
ORIGIN = FittedAssignment("jets", "jet", "jet_origin", ClassSet(("other", "higgs", "top")), (), 2)
TOLERANCE = 1e-6  # of float32 that the same nodes give in batches of other sizes


@pytest.fixture(scope="module", params=["jet_eta", None], ids=["ordered", "as in the file"])
def opened(request, tmp_path_factory):
    """Return the file of all folds, opened, and the networks one by one; at most two jets are kept."""
    folder = tmp_path_factory.mktemp("folds")
    features = parse_features(("jet_pt", "jet_eta"), "features", (), {}, COLLECTIONS)
    order = None if request.param is None else parse_expression(request.param, None, COLLECTIONS)
    cloud = FittedCloud(
        CloudColumns("jet", features, 2, order), tuple(FittedFeature(feature) for feature in features)
    )
    dtypes = dict.fromkeys(COLLECTIONS, "float32")
    preparation = FittedPreparation({"jets": cloud}, dtypes, {}, collections=COLLECTIONS)
    outputs = FittedOutputs({"origin": ORIGIN}, {"origin": "all"})
    layers = [
        {"type": "dense", "name": "each", "inputs": "jets", "units": 4},
        {"type": "attention", "name": "all", "inputs": ["each", "jets.mask"], "heads": 1},
    ]
    network = build_network(
        LayerList(layers=layers), preparation.input_shapes(), outputs.n_logits, outputs.tokens
    )
    for fold in range(COUNT):
        write_model(
            folder / f"{fold}.onnx", preparation=preparation, classes=ClassSet(("event",)), metadata={},
            network=network, parameters=network.initial_parameters(np.random.default_rng(fold)),
            outputs=outputs,
        )  # fmt: skip
    files = [folder / f"{fold}.onnx" for fold in range(COUNT)]
    write_folds(folder / "folds.onnx", [file.read_bytes() for file in files], "event", {})
    return OnnxModel.load(folder / "folds.onnx", 1), [OnnxModel.load(file, 1) for file in files]


def make_jets(counts):
    rng = np.random.default_rng(3)
    counts = np.asarray(counts)
    return {
        name: Jagged.from_counts(rng.normal(size=counts.sum()).astype(np.float32), counts)
        for name in COLLECTIONS
    }


@pytest.mark.parametrize(
    ("counts", "event"),
    [
        ([3, 0, 1, 5, 2, 0], [0, 1, 2, -1, 3, 4]),
        ([3, 0, 1, 5, 2, 0], [1, 1, 4, 1, 4, 4]),  # two folds without events
        ([0, 0, 0, 0], [0, 1, 0, 1]),  # no objects at all
        ([4], [2]),
        ([0], [0]),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 2, None])
def test_each_object_is_scored_by_the_network_of_its_event(opened, counts, event, batch_size):
    folded, single = opened
    jets, event = make_jets(counts), np.array(event)
    scores = folded.run({**jets, "event": event}, batch_size)
    np.testing.assert_array_equal(scores.fold, event % COUNT)
    found = scores.others["origin"]
    np.testing.assert_array_equal(found.counts, counts)
    for fold, model in enumerate(single):
        rows = np.flatnonzero(event % COUNT == fold)
        alone = model.run(jets).others["origin"][rows]
        np.testing.assert_allclose(found[rows].content, alone.content, atol=TOLERANCE)
    # NaN stands for the objects beyond two of an event alone.
    n_seen = np.count_nonzero(~np.isnan(found.content).any(axis=1))
    assert n_seen == np.minimum(counts, 2).sum()


@pytest.mark.parametrize(("n_events", "width"), list(product((0, 1, 4), (0, 1, 3))))
def test_any_width_of_the_padding_goes(opened, n_events, width):
    """Programs in C++ may pad as they like, to nothing too."""
    session = opened[0].session
    fed = {name: np.zeros((n_events, width), np.float32) for name in COLLECTIONS}
    counts = {"n_jet": np.full(n_events, width), "event": np.arange(n_events)}
    assignment, fold = session.run(["assignment", "fold"], {**fed, **counts})
    assert assignment.shape == (n_events, width, 3)
    assert fold.shape == (n_events,)
