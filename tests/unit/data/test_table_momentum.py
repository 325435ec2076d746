"""The momentum of what a table describes: missing transverse momentum as one object of the event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest
from pydantic import ValidationError

from rapidity.config.data import DataBlock
from rapidity.config.inputs import TableInput
from rapidity.config.outputs import RegressionOutput
from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError, DataError, ExpressionError, MissingNameError
from rapidity.data.assembly import _prepared_bytes, read_table
from rapidity.data.preparation import FittedPreparation, fit_preparation
from rapidity.data.split import TrainRows

if TYPE_CHECKING:
    from pathlib import Path

MET, PHI = [30.0, 40.0, 50.0], [0.0, 3.0, -1.5]
NONE_SCALED = {"split": {"train": 0.5, "validation": 0.25, "test": 0.25}, "scale": "none"}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Return a function that reads three events with one table of some momenta."""

    def run(momenta: Any, columns: Any = ("ht",), target: str | None = None, **changed: Any) -> Any:
        events = {"met": MET, "met_phi": PHI, "ht": [1.0, 2.0, 3.0], "label": [0, 1, 0], **changed}
        ak.to_parquet(ak.Array(events), tmp_path / "a.parquet")
        block = {"sources": [{"path": "a.parquet"}], "target": "label"}
        block["objects"] = {
            "missing": {"pt": "met", "phi": "met_phi"},
            "lost": {"px": "met", "py": "met_phi"},
            "jets": {"pt": "jet_pt", "eta": "jet_pt", "phi": "jet_pt"},
            "energetic": {"phi": "met_phi", "energy": "met"},
        }
        outputs = {"e": RegressionOutput(task="regression", target=target)} if target else None
        inputs = {"missing": TableInput.model_validate({"columns": columns, "momenta": momenta})}
        return read_table(DataBlock.model_validate(block), inputs, (), tmp_path, outputs=outputs)

    return run


@pytest.fixture
def fit(read: Any) -> Any:
    """Return a function that fits such a table; the preparation and its network inputs."""

    def run(momenta: Any, preparation: Any = None, **keys: Any) -> Any:
        table, made = read(momenta, **keys)
        config = Preparation.model_validate({**NONE_SCALED, **(preparation or {})})
        prepared = fit_preparation(config, made, TrainRows(table, np.arange(table.n_events)))
        return prepared, prepared.apply(table.columns), table

    return run


@pytest.mark.parametrize(
    "momenta",
    ["missing", {"pt": "met", "phi": "met_phi"}, {"pt": "met", "eta": 0, "phi": "met_phi", "mass": 0}],
)
def test_missing_momentum_lies_across_the_beam(fit: Any, momenta: Any) -> None:
    prepared, made, _ = fit(momenta)
    assert prepared.input_shapes() == {"missing": (1,), "missing.momenta": (4,)}
    assert prepared.number_names()["missing.momenta"] == ("px", "py", "pz", "energy")
    assert prepared.columns == ("ht", "met", "met_phi")
    pt, phi = np.array(MET), np.array(PHI)
    expected = np.column_stack([pt * np.cos(phi), pt * np.sin(phi), 0 * pt, pt])
    np.testing.assert_allclose(made["missing.momenta"], expected, rtol=1e-6)
    assert made["missing"].tolist() == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize("momenta", ["lost", {"px": "met", "py": "met_phi"}])
def test_two_components_across_the_beam_will_do(fit: Any, momenta: Any) -> None:
    _, made, _ = fit(momenta)
    pt = np.hypot(MET, PHI)
    expected = np.column_stack([MET, PHI, 0 * pt, pt])
    np.testing.assert_allclose(made["missing.momenta"], expected, rtol=1e-6)


def test_any_four_momentum_of_an_event_will_do(fit: Any) -> None:
    momenta = {"px": "met", "py": "met_phi * 2", "pz": "ht", "mass": 0.1}
    _, made, _ = fit(momenta, {"scale": "standard"})
    momentum = np.column_stack([MET, 2 * np.array(PHI), [1.0, 2.0, 3.0]])
    energy = np.sqrt(0.1**2 + (momentum**2).sum(axis=1))
    np.testing.assert_allclose(made["missing.momenta"], np.column_stack([momentum, energy]), rtol=1e-6)


def test_one_object_of_a_collection_will_do(fit: Any) -> None:
    jet_pt = [[5.0, 2.0], [7.0], [9.0]]
    momenta = dict.fromkeys(("pt", "eta", "phi"), "jet_pt[0]")
    _, made, _ = fit(momenta, jet_pt=jet_pt)
    assert made["missing.momenta"][:, 0] == pytest.approx([x * np.cos(x) for x in (5.0, 7.0, 9.0)])


def test_the_momentum_is_stored_with_the_table(fit: Any) -> None:
    prepared, made, table = fit("missing")
    again = FittedPreparation.from_dict(json.loads(json.dumps(prepared.to_dict())))
    assert again == prepared
    np.testing.assert_array_equal(again.apply(table.columns)["missing.momenta"], made["missing.momenta"])
    plain, *_ = fit(None)
    assert "components" not in plain.to_dict()["inputs"]["missing"]
    assert plain.input_shapes() == {"missing": (1,)}


def test_the_momentum_counts_in_the_memory_of_an_event(read: Any) -> None:
    (_, plain), (_, made) = read(None), read("missing")
    assert _prepared_bytes(made) - _prepared_bytes(plain) == 4 * 4


def test_nan_in_the_momentum_is_refused_and_never_filled_in(fit: Any) -> None:
    expected = r"'px' of the momenta, which are never filled in, is nan in 1 of 3 events, first in entry 1 of"
    with pytest.raises(DataError, match=expected):
        fit("missing", {"missing": {"nan": "missing"}}, met_phi=[0.0, np.nan, 1.0])


@pytest.mark.parametrize(
    ("momenta", "error", "message"),
    [
        ("mising", ConfigError, r"inputs\.missing\.momenta is 'mising', which is no object of data\.objects"),
        (
            "energetic",
            ExpressionError,
            r"object 'momenta' does not follow .* Add to inputs\.missing\.momenta",
        ),
        (
            "jets",
            ConfigError,
            r"inputs\.missing\.momenta: px has a value for each object of the collection 'jets'.* Take one",
        ),
        ({"pt": "nothing", "phi": "met_phi"}, MissingNameError, "'nothing'"),
        ({"pt": "label", "phi": "met_phi"}, ConfigError, r"'label' is data\.target, the truth to be learnt"),
    ],
)
def test_what_gives_no_momentum_is_refused(read: Any, momenta: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        read(momenta, jet_pt=[[5.0], [7.0], [9.0]])


def test_the_truth_of_an_output_is_no_component(read: Any) -> None:
    with pytest.raises(ConfigError, match=r"inputs\.missing: 'ht' is outputs\.e\.target"):
        read({"pt": "ht", "phi": "met_phi"}, columns=("met",), target="ht")


def test_components_that_give_no_momentum_are_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ValidationError, match=r"momenta has \['mass', 'pt'\].*pt, phi; px, py"):
        TableInput.model_validate({"columns": ["x"], "momenta": {"pt": "met", "mass": 0}})
