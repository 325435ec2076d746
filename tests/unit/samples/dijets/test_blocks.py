from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples import JET_SAMPLES
from rapidity.samples.dijets import blocks
from rapidity.samples.dijets.blocks import JetTask, from_arrays, generate_jet_block, to_arrays
from rapidity.samples.dijets.simulation import JetBlock

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

SAMPLE = JET_SAMPLES["quark_gluon"]


@pytest.fixture
def make(monkeypatch):
    """Return a function that makes small blocks."""
    monkeypatch.setattr(blocks, "EVENTS_PER_CLASS", 10)
    return lambda number, *, seed=1, has_images=True: generate_jet_block(
        SAMPLE, JetTask("quark_gluon", number, seed, has_images)
    )


def test_a_block_is_the_same_whatever_was_made_before(make):
    first = make(3)
    make(7)
    again = make(3)
    for name in ("kind", "event", "n_objects"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    np.testing.assert_array_equal(again.columns["jet_pt"], first.columns["jet_pt"])
    np.testing.assert_array_equal(again.images.to_dense(), first.images.to_dense())


def test_blocks_and_seeds_differ_and_images_change_nothing(make):
    first, other, bare = make(0), make(0, seed=2), make(0, has_images=False)
    assert not np.intersect1d(first.columns["jet_pt"], other.columns["jet_pt"]).size
    np.testing.assert_array_equal(bare.columns["girth"], first.columns["girth"])
    assert bare.images is None
    assert make(2).event.min() >= 40


def test_classes_are_equally_frequent_and_stand_in_no_order(make):
    block = make(0)
    assert block.n_jets >= 4
    assert np.bincount(block.kind).tolist() == [block.n_jets // 2] * 2
    assert not np.all(np.diff(block.kind) >= 0)
    # Nor do the numbers of their events; each is of one class.
    assert len(set(zip(block.event, block.kind, strict=True))) == len(set(block.event))
    assert 0 < np.sum((block.event >= 10) == (block.kind == 1)) < block.n_jets


def test_the_way_between_processes_and_cutting_keep_everything(make):
    block = make(1)
    there = from_arrays(to_arrays(block))
    parts = JetBlock.join([there.first(3), there.slice(3, 99)])
    np.testing.assert_array_equal(parts.kind, block.kind)
    np.testing.assert_allclose(parts.objects["constituent_pt"], block.objects["constituent_pt"], rtol=1e-6)
    np.testing.assert_array_equal(parts.images.to_dense(), block.images.to_dense())
    assert from_arrays(to_arrays(make(1, has_images=False))).images is None
