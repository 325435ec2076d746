"""The configurations of the guide on clouds, on real jets: candidates, vertices, padded constituents."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import yaml

from rapidity.config import RunConfig
from rapidity.delivery import predict_table

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "clouds.md"
SAME_SCORE = 1e-6

# Six epochs with the engine torch reach 0.86 and 0.83 on the test split; the floors leave room for other
# splits and engines.
FLOOR_B_JETS = 0.80
FLOOR_QUARKS = 0.79


def read_guide(name, folder=Path()):
    """Return the blocks of a configuration of the guide, for files in `folder` and the engine numpy."""
    texts = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (blocks,) = (found for found in map(yaml.safe_load, texts) if found.get("name") == name)
    for source in blocks["data"]["sources"]:
        source |= {key: str(folder / source[key]) for key in ("path", "join") if key in source}
    blocks["training"] |= {"engine": "numpy", "epochs": 3}
    return blocks


@pytest.mark.parametrize("name", ["b-jets-of-particles", "quark-gluon"])
def test_the_configurations_are_valid(name):
    assert RunConfig.model_validate(read_guide(name)).name == name


@pytest.mark.data
def test_b_jets_from_candidates_and_vertices(shared_data, train):
    run = train(**read_guide("b-jets-of-particles", shared_data / "cms_jets"))
    assert run.metrics["test_auc"]["b"] > FLOOR_B_JETS
    assert run.record["clouds"]["charged"]["n_truncated"] == 211
    assert run.record["clouds"]["vertices"]["n_lost"] == 6


@pytest.mark.data
def test_quarks_from_constituents(shared_data, train, tmp_path):
    folder = shared_data / "qg_jets"
    run = train(**read_guide("quark-gluon", folder))
    assert run.metrics["test_auc"]["quark"] > FLOOR_QUARKS
    predict_table(run.path.model, [folder / "x10_sorted_12500.npy"], tmp_path / "scores.parquet")
    tables = [pyarrow.parquet.read_table(path) for path in (run.path.scores, tmp_path / "scores.parquet")]
    trained, predicted = (
        dict(zip(*table.select(["source_entry", "score_quark"]).to_pydict().values(), strict=True))
        for table in tables
    )
    assert len(predicted) == 12_500
    np.testing.assert_allclose(
        [trained[entry] for entry in predicted], list(predicted.values()), atol=SAME_SCORE
    )
