import numpy as np
import pytest

from rapidity.core.jagged import Jagged
from rapidity.data.row_hash import BLOCK, SeenHashes, hash_rows


def test_equal_rows_have_equal_hashes() -> None:
    nan = np.array([0x7FC00001, 0x7FC00000], dtype=np.uint32).view(np.float32)
    hashes = hash_rows([nan, np.array([-0.0, 0.0])])
    assert hashes[0] == hashes[1]


def test_hash_depends_on_the_column_of_a_value() -> None:
    a, b = np.array([1.0]), np.array([2.0])
    assert hash_rows([a, b]) != hash_rows([b, a])


def test_hash_depends_on_the_start() -> None:
    column = np.zeros(2)
    first, second = hash_rows([column], start=np.array([1, 2], dtype=np.uint64))
    assert first != second


def test_many_different_rows_have_different_hashes(rng: np.random.Generator) -> None:
    columns = [rng.integers(0, 40, 100_000).astype(np.float32) for _ in range(3)]
    n_distinct = len(np.unique(np.stack(columns), axis=1).T)
    assert len(np.unique(hash_rows(columns))) == n_distinct


def test_whole_numbers_beyond_float64_stay_different() -> None:
    first, second = hash_rows([np.array([2**60, 2**60 + 1])])
    assert first != second


def test_seen_hashes_finds_only_first_rows() -> None:
    seen = SeenHashes()
    chunk = np.array([5, 3, 5, 9], dtype=np.uint64)
    assert seen.find_new(chunk).tolist() == [0, 1, 3]
    seen.add(chunk[[0, 1]])
    assert seen.find_new(np.array([3, 9, 9, 5, 1], dtype=np.uint64)).tolist() == [1, 4]


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f4", "f8"])
def test_arrays_are_equal_in_every_number_or_not_at_all(dtype: str) -> None:
    images = np.random.default_rng(1).integers(0, 100, (BLOCK + 5, 3, 3)).astype(dtype)
    images[1] = images[0]
    images[-1] = images[0]
    images[2] = images[0]
    images[2, 2, 2] += 1
    hashes = hash_rows([images])
    assert hashes[0] == hashes[1] == hashes[-1]
    assert hashes[0] != hashes[2]
    assert len(np.unique(hashes)) == len(np.unique(images.reshape(len(images), -1), axis=0))


def test_the_place_of_a_number_in_an_array_counts() -> None:
    images = np.zeros((2, 2, 8), np.uint8)
    images[0, 0, 1], images[1, 1, 1] = 7, 7
    first, second = hash_rows([images])
    assert first != second


def jagged(*events: list[float]) -> Jagged:
    return Jagged.from_counts(
        np.array([value for event in events for value in event]), np.array([*map(len, events)])
    )


def test_jagged_rows_are_equal_where_all_values_are() -> None:
    column = jagged([1, 2], [1], [1, 2], [2, 1], [], [1, np.nan], [], [1, np.nan], [1, -0.0], [1, 0.0])
    hashes = hash_rows([column]).tolist()
    same = [(0, 2), (4, 6), (5, 7), (8, 9)]
    assert all(hashes[a] == hashes[b] for a, b in same)
    assert len(set(hashes)) == len(hashes) - len(same)


def test_values_do_not_move_between_jagged_columns() -> None:
    first = hash_rows([jagged([1, 2]), jagged([3])])
    assert first != hash_rows([jagged([1]), jagged([2, 3])])


def test_jagged_rows_of_several_blocks() -> None:
    column = jagged(*[[float(row % 97)] * (row % 3) for row in range(BLOCK + 500)])
    hashes = hash_rows([column])
    np.testing.assert_array_equal(hashes[-500:], hash_rows([column[BLOCK:]]))
    # 97 values once, 97 twice, and none at all.
    assert len(np.unique(hashes)) == 2 * 97 + 1


def test_start_is_mixed_the_same_in_every_block(rng: np.random.Generator) -> None:
    start = rng.integers(0, 2**63, 3 * BLOCK, dtype=np.uint64)
    column = np.zeros(3 * BLOCK)
    whole = hash_rows([column], start=start)
    rows = np.array([0, BLOCK - 1, BLOCK, 3 * BLOCK - 1])
    np.testing.assert_array_equal(whole[rows], hash_rows([column[rows]], start=start[rows]))


class CountingArray:
    """An array that notes the most rows that were asked for at a time."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.ndim, self.shape, self.most = values, values.ndim, values.shape, 0

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> np.ndarray:
        taken = self.values[rows]
        self.most = max(self.most, len(taken))
        return taken


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int64"])
def test_few_images_are_hashed_at_a_time(dtype: str, rng: np.random.Generator) -> None:
    """Sixteen thousand images were taken together by the guard against duplicates: gigabytes."""
    images = rng.integers(0, 3, (50, 101, 103)).astype(dtype)
    images[40] = images[7]
    counting = CountingArray(images)
    hashes = hash_rows([counting])  # type: ignore[list-item]
    assert counting.most == 2**18 // (101 * 103)
    assert len(np.unique(hashes)) == 49
    assert hashes[40] == hashes[7]
    np.testing.assert_array_equal(hash_rows([images[40:]]), hashes[40:])


def test_places_of_pixels_matter_and_kinds_of_zero_do_not() -> None:
    images = np.zeros((4, 2, 2), np.float32)
    images[0, 0, 1] = images[1, 1, 0] = np.nan
    images[2] = -0.0
    hashes = hash_rows([images])
    assert hashes[2] == hashes[3]
    assert len(np.unique(hashes)) == 3
