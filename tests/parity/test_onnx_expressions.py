"""Every function of the language gives the same inside model.onnx as with NumPy."""

from __future__ import annotations

import functools
import re

import numpy as np
import onnxruntime
import pytest

from rapidity.artefact.columns import SeparateColumns
from rapidity.artefact.emission import Emitter
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.core.jagged import Jagged
from rapidity.expressions import parse_expression
from rapidity.expressions.functions import EVERY_FUNCTION

# Both in float64; what cancels in one formula cancels in the other.
TOLERANCE = 1e-12
# Sums are taken in another order, and a mass is the root of a difference of squares: where it cancels (a sum
# of one massless object, objects side by side) only the square is as exact as that of the energy.
CANCELS = 1e-6
ENERGY_SQUARED = 1e6
OBJECTS = {
    "a": {"pt": "a_pt", "eta": "a_eta", "phi": "a_phi", "mass": "a_m"},
    "b": {"px": "b_px", "py": "b_py", "pz": "b_pz", "energy": "b_e"},
    "jets": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"},
    "leptons": {"px": "lep_px", "py": "lep_py", "pz": "lep_pz", "energy": "lep_e"},
    "tagged": {"pt": "jet_pt[jet_tag > 0]", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"},
    "pions": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "0.13957"},
}
COLLECTIONS = {f"{prefix}_{name}": collection for prefix, collection, names in (
    ("jet", "jets", ("pt", "eta", "phi", "m", "tag")), ("lep", "leptons", ("px", "py", "pz", "e")),
) for name in names}  # fmt: skip
FORMULAE = (
    "x + 2 * y - x / y", "x ** 3 + 2 ** y + x ** y", "x // y + x % y + x % 3", "-x if x > y else +y",
    "0 < x <= 1 or not y > 0", "(x > 0) & ~(y > 0) | (x != y)", "where(x > 0, 1, y)", "clip(x, -1, y)",
    "(x > 0) + (y > 0)", "min(x, y, 0) + max(x, 1)", "x and y", "isnan(log(x)) + isinf(1 / (x - x))",
    "mass(a, b) / (pt(a) + pt(b))", "delta_phi(a, x)", "sqrt(2 * pt(a) * pt(b) * (1 - cos(delta_phi(a, b))))",
)  # fmt: skip


OF_COLLECTIONS = (
    "jet_pt[0]", "jet_pt[5]", "jet_pt[-1]", "jet_pt[-3]", "jet_pt[jet_eta > 0][1]",
    "jet_pt[jet_eta > 0][-2]", "jet_pt[jet_eta > 0][jet_pt > 20][0]", "(jet_pt > 20)[0]",
    "sum(jet_pt > x)", "sum(jet_pt / x)", "sum(jet_pt % 7)", "count(jets[jet_eta > 0])",
    "count(jet_pt[jet_eta > 0] > 20)", "count(leptons) + 2 * count(jet_tag)",
    "jet_pt[0] > 30 and any(jet_eta > 1) or all(jet_eta < 0)", "max(jet_pt, 30)[0] + max(max(jet_pt), x)",
    "mass(jets[0], jets[1])", "mass(jets[0], a, b)", "delta_r(at_max(jets, jet_m), leptons[0])",
    "max(mass(jets, b))", "sum(delta_phi(jets, a) ** 2)", "min(delta_r(jets, jets[0])[jet_tag > 0])",
    "pt(sum(jets))", "mass(sum(jets), sum(leptons))", "energy(sum(tagged))",
    "largest(jet_pt[jet_eta > 0], 1)", "largest(jet_pt, 4)", "at_max(jet_pt[jet_tag > 0], jet_eta)",
    "min_delta_r(jets)", "min_delta_r(tagged, leptons)", "min_delta_r(jets, jets[jet_tag > 0])",
    "max_delta_phi(jets, a)", "min_mass(leptons)", "mass_closest(jets, 91)", "mass_closest(jets, b, x)",
    "mass_closest(tagged, leptons, 50)", "sum(nearest_delta_r(jets, leptons))",
    "count(jets[nearest_delta_r(jets, leptons) > 1])", "sphericity(jets, leptons, a)",
    "aplanarity(tagged)", "fox_wolfram(jets, leptons, 4)", "ht(jets[jet_eta > 0], leptons[0])",
    "sum(mass(pions))", "mass(pions[1])", "mean(rapidity(jets))", "jet_pt[0] if count(jets) > 2 else x",
    "isnan(jet_pt[1]) + isnan(mean(jet_eta))", "sum(where(jet_tag > 0, jet_pt, a_pt))",
)  # fmt: skip
N_EVENTS = 400


def make_columns(n_events: int, mean_jets: float = 3.0, seed: int = 3) -> dict[str, np.ndarray | Jagged]:
    """Return events with two collections."""
    rng = np.random.default_rng(seed)
    px, py, pz = rng.normal(0.0, 30.0, (3, n_events))
    values = {
        "x": rng.normal(0.0, 2.0, n_events), "y": rng.uniform(-1.0, 1.0, n_events),
        "a_pt": rng.exponential(30.0, n_events), "a_eta": rng.normal(0.0, 2.0, n_events),
        "a_phi": rng.uniform(-np.pi, 2 * np.pi, n_events), "a_m": rng.exponential(1.0, n_events),
        "b_px": px, "b_py": py, "b_pz": pz, "b_e": np.sqrt(px**2 + py**2 + pz**2 + 4.0),
    }  # fmt: skip
    if n_events > 3:
        values["x"][:3] = 0.0, 1.0, -1.0
        values["b_px"][:2], values["b_py"][:2], values["b_pz"][0] = 0.0, 0.0, 0.0
    n_jets, n_leptons = rng.poisson(mean_jets, n_events), rng.poisson(0.4 * mean_jets, n_events)
    n_all = n_jets.sum()
    jets = {
        "pt": rng.exponential(30.0, n_all), "eta": rng.normal(0.0, 2.0, n_all),
        "phi": rng.uniform(-3.0, 3.0, n_all), "m": rng.exponential(4.0, n_all),
        "tag": rng.integers(0, 2, n_all),
    }  # fmt: skip
    px, py, pz = rng.normal(0.0, 30.0, (3, n_leptons.sum()))
    leptons = {"px": px, "py": py, "pz": pz, "e": np.sqrt(px**2 + py**2 + pz**2 + 0.01)}
    columns = {f"jet_{name}": Jagged.from_counts(array, n_jets) for name, array in jets.items()}
    columns |= {f"lep_{name}": Jagged.from_counts(array, n_leptons) for name, array in leptons.items()}
    return values | columns


@pytest.fixture(scope="module")
def columns() -> dict[str, np.ndarray | Jagged]:
    return make_columns(N_EVENTS)


@functools.cache
def build(expression) -> tuple[onnxruntime.InferenceSession, SeparateColumns]:
    graph, xp = GraphBuilder(), OnnxNamespace()
    collections = expression.column_collections
    dtypes = {name: "int64" if name == "jet_tag" else "float64" for name in expression.columns}
    source = SeparateColumns(graph, dtypes, None, collections)
    symbol = expression.evaluate(
        {
            name: xp.objects(name, collections[name]) if name in collections else xp.column(name)
            for name in dtypes
        },
        xp,
    )
    graph.add_output(Emitter(graph, source).emit_features([symbol]), "result", "float64", [1, "n"])
    data = graph.build({}, "").SerializeToString()
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]), source


def run_in_onnx(expression, columns, fill=0.0, n_more=0):
    """Return the value in ONNX Runtime; objects are padded with `fill`, with `n_more` places than needed."""
    session, source = build(expression)
    fed = {}
    for name in expression.columns:
        values = columns[name]
        if isinstance(values, Jagged):
            width = int(values.counts.max(initial=0)) + n_more
            fed[name] = values.padded(width, fill if values.dtype.kind == "f" else 99)
            fed[source.counts[COLLECTIONS[name]]] = values.counts
        else:
            fed[name] = values
    known = {node.name for node in session.get_inputs()}
    return session.run(None, {name: values for name, values in fed.items() if name in known})[0][0]


STAND_INS = {
    "object": ("a", "b"),
    "angle": ("a", "b"),
    "number": ("x", "y", "2"),
    "condition": ("x > 0",),
    "members": ("jet_pt > 20",),
    "member numbers": ("jet_pt", "jet_eta"),
    "member conditions": ("jet_pt > 20",),
    "members or objects": ("jet_pt",),
    "objects": ("jets", "leptons"),
    "collection": ("jets",),
    "event number": ("x", "60", "60"),
    "index": ("0", "1", "2"),
}


def call(name: str, function) -> str:
    n_arguments = max(function.n_min, min(function.n_max, 2 if function.last is None else 3))
    arguments = []
    for index in range(n_arguments):
        options = STAND_INS[function.argument_kind(index, n_arguments)]
        arguments.append(options[min(index, len(options) - 1)])
    written = f"{name}({', '.join(arguments)})"
    return f"sum({written})" if function.keeps_objects else written


def assert_same(text, found, expected):
    if text.startswith(("phi", "delta_phi")):
        # An angle next to the cut at pi may land on either side of it.
        found, expected = np.exp(1j * found), np.exp(1j * expected)
    tolerance = CANCELS if "mass" in text else TOLERANCE
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    if "mass" in text:
        difference = np.abs(found**2 - expected**2)[np.isfinite(expected)]
        assert difference.max(initial=0.0) < ENERGY_SQUARED * TOLERANCE


CALLS = [call(name, function) for name, function in EVERY_FUNCTION]


@pytest.mark.parametrize("text", [*CALLS, *FORMULAE, *OF_COLLECTIONS])
def test_expression_is_the_same_in_onnx(text, columns):
    expression = parse_expression(text, OBJECTS, COLLECTIONS)
    expected = np.asarray(expression.evaluate(columns), np.float64)
    assert_same(text, run_in_onnx(expression, columns), expected)


def test_every_function_of_the_table_is_called():
    called = {re.match(r"(?:sum\()?(\w+)", text).group(1) for text in CALLS}
    assert {name for name, _ in EVERY_FUNCTION} <= called | {"sum"}


@pytest.mark.parametrize("fill", [np.nan, np.inf, -1e30])
@pytest.mark.parametrize(
    "text", [text for text in (*CALLS, *OF_COLLECTIONS) if set(re.findall("jet|lep", text))]
)
def test_what_stands_in_the_padding_does_not_matter(text, fill, columns):
    expression = parse_expression(text, OBJECTS, COLLECTIONS)
    few = {name: values[:40] for name, values in columns.items()}
    expected = run_in_onnx(expression, few)
    # Wider rows may end up in other lanes of vectorised kernels, which round differently.
    assert_same(text, run_in_onnx(expression, few, fill, n_more=2), expected)


@pytest.mark.parametrize("n_events", [0, 1, 2])
@pytest.mark.parametrize("mean_jets", [0.0, 2.0])
@pytest.mark.parametrize(
    "text", [text for text in (*CALLS, *OF_COLLECTIONS) if set(re.findall("jet|lep", text))]
)
def test_batches_of_few_events_and_without_any_object_work(text, mean_jets, n_events):
    expression = parse_expression(text, OBJECTS, COLLECTIONS)
    columns = make_columns(n_events, mean_jets, seed=8)
    expected = np.asarray(expression.evaluate(columns), np.float64)
    assert_same(text, run_in_onnx(expression, columns), expected)


def test_nan_inside_objects_does_the_same_in_onnx(columns):
    spoilt = dict(columns)
    for name in ("jet_pt", "jet_eta"):
        content = columns[name].content.copy()
        content[::5] = np.nan
        spoilt[name] = Jagged(content, columns[name].offsets)
    for text in (*CALLS, *OF_COLLECTIONS):
        expression = parse_expression(text, OBJECTS, COLLECTIONS)
        if expression.collections:
            expected = np.asarray(expression.evaluate(spoilt), np.float64)
            assert_same(text, run_in_onnx(expression, spoilt), expected)
