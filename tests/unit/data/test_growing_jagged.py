from __future__ import annotations

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.growing_jagged import GrowingJagged


def test_events_come_back_in_order() -> None:
    rng = np.random.default_rng(4)
    growing, parts = GrowingJagged(np.float32), []
    for n_events in (0, 1, 7, 300, 2):
        counts = rng.integers(0, 5, n_events)
        parts.append(Jagged.from_counts(rng.normal(size=counts.sum()), counts))
        growing.append(parts[-1])
    found, expected = growing.finish(), Jagged.concatenate(parts)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_array_equal(found.content, expected.content.astype(np.float32))


def test_nothing_gives_no_events() -> None:
    assert len(GrowingJagged(np.float32).finish()) == 0
