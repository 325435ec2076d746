"""Fixtures for the tests of `data`: small files and their configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.data import DataBlock
from rapidity.config.inputs import TableInput
from rapidity.data.assembly import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rapidity.data.features import FeatureSet
    from rapidity.data.table import Table


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that is the same in every test."""
    return np.random.default_rng(1)


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of CSV files: name, and values of each column."""

    def write(file_name: str, /, **columns: Sequence[object]) -> Path:
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(columns), *(",".join(str(value) for value in row) for row in rows)]
        path = tmp_path / file_name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Table, FeatureSet]]:
    """Return `read_table` for keys of the `data:` block and one input."""

    def run(
        sources: list[dict[str, Any]],
        columns: Any = "all",
        *,
        exclude: tuple[str, ...] = (),
        split_columns: tuple[str, ...] = (),
        require_all_classes: bool = True,
        **keys: Any,
    ) -> tuple[Table, FeatureSet]:
        data = DataBlock.model_validate({"sources": sources, **keys})
        inputs = {"event": TableInput(columns=columns, exclude=exclude)}
        return read_table(data, inputs, split_columns, tmp_path, require_all_classes=require_all_classes)

    return run
