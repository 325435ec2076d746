"""The physics weight: formula, units, signs."""

from __future__ import annotations

import pytest

from rapidity.config.conversion import ConversionSource
from rapidity.core.errors import DataError
from rapidity.data.conversion.normalisation import normalise


def make_source(**keys):
    return ConversionSource(path="a.root", **keys)


def test_all_generated_events_add_up_to_cross_section_times_luminosity():
    weights = [1.0, -1.0, 1.0, 1.0, 0.5]
    found = normalise(make_source(cross_section=3.0, sum_of_weights="sum"), 140.0, [2.0, 0.5], "a")
    assert found.sum_of_weights == 2.5
    assert sum(weights) * found.factor == pytest.approx(3.0 * 140.0 * 1000.0)


def test_the_luminosity_of_a_source_wins():
    source = make_source(cross_section=1.0, luminosity=2.0, sum_of_weights=1000.0)
    assert normalise(source, 140.0, [], "a").factor == pytest.approx(2.0)


def test_a_number_wins_over_sums():
    source = make_source(cross_section=1.0, sum_of_weights=500)
    assert normalise(source, 1.0, [7.0], "a").sum_of_weights == 500


def test_without_cross_section_an_event_counts_its_generator_weight():
    assert normalise(make_source(), 140.0, [5.0], "a").factor == 1.0


@pytest.mark.parametrize("sums", [[1.0, -1.0], [], [-2.0], [float("nan")]])
def test_a_sum_that_is_not_positive_is_an_error(sums):
    with pytest.raises(DataError, match=r"generator weights of ttH sum to .* must be above zero"):
        normalise(make_source(cross_section=1.0, sum_of_weights="sum"), 1.0, sums, "ttH")
