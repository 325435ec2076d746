import numpy as np
import pytest

from rapidity.data.growing import GrowingArray


@pytest.mark.parametrize("chunks", [[], [[1.0]], [[], [1.0, 2.0], [3.0]], [[0.5] * n for n in range(1, 40)]])
def test_values_come_back_in_order(chunks: list[list[float]]) -> None:
    growing = GrowingArray(np.float32)
    for chunk in chunks:
        growing.append(np.array(chunk))
    values = growing.finish()
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, [value for chunk in chunks for value in chunk])
