"""Images as columns of the table: what an input of `kind: image` means, reading, equality, guards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.data import DataBlock, Guards
from rapidity.config.inputs import ImageInput, TableInput
from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError, DataError, MissingNameError
from rapidity.data.assembly import read_table
from rapidity.data.guards import run_guards
from rapidity.data.images import ImageColumns
from rapidity.data.split import split_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.data.features import FeatureSet
    from rapidity.data.table import Table

N_EVENTS, HEIGHT, WIDTH = 12, 4, 3


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    """Return twelve different pictures."""
    return rng.integers(0, 256, (N_EVENTS, HEIGHT, WIDTH), dtype=np.uint8)


@pytest.fixture
def save(tmp_path: Any) -> Callable[..., str]:
    """Return a writer of NPZ files: name, and columns; labels 0 and 1 in turn are added."""

    def write(name: str, **columns: np.ndarray) -> str:
        n_events = len(next(iter(columns.values())))
        np.savez(tmp_path / name, label=np.arange(n_events) % 2, **columns)
        return name

    return write


@pytest.fixture
def read_images(tmp_path: Any) -> Callable[..., tuple[Table, FeatureSet]]:
    """Return `read_table` for files, keys of one image input, and keys of the `data:` block."""

    def run(
        files: Any, keys: dict[str, Any] | None = None, others: Any = None, **data: Any
    ) -> tuple[Table, FeatureSet]:
        sources = [{"path": name} if isinstance(name, str) else name for name in files]
        block = DataBlock.model_validate({"sources": sources, "target": "label", **data})
        inputs = {"photo": ImageInput.model_validate({"kind": "image", "column": "image", **(keys or {})})}
        return read_table(block, inputs | (others or {}), (), tmp_path)

    return run


def test_pixels_stay_as_they_are_stored(save: Any, read_images: Any, images: np.ndarray) -> None:
    table, features = read_images([save("a.npz", image=images)])
    assert table.columns["image"].dtype == np.uint8
    np.testing.assert_array_equal(table.columns["image"], images)
    assert features.images["photo"].shape == (HEIGHT, WIDTH, 1)
    assert features.columns == ("image",)
    assert features.all == ()


def test_idx_files_with_their_labels(write_idx: Any, read_images: Any, images: np.ndarray) -> None:
    labels = np.array([0, 10, 9, 2] * 3, np.uint8)
    write_idx("images-idx3-ubyte.gz", images)
    write_idx("labels-idx1-ubyte.gz", labels)
    source = {"path": "images-idx3-ubyte.gz", "join": "labels-idx1-ubyte.gz"}
    table, _ = read_images([source])
    np.testing.assert_array_equal(table.columns["image"], images)
    assert table.classes.names == ("0", "2", "9", "10")
    assert table.class_index[:4].tolist() == [0, 3, 2, 1]
    assert table.name_row(3).endswith("images-idx3-ubyte.gz")


def test_labels_of_another_length_are_refused(write_idx: Any, read_images: Any, images: np.ndarray) -> None:
    write_idx("images.idx", images)
    write_idx("labels.idx", np.zeros(11, np.uint8))
    with pytest.raises(DataError, match=r"joined files do not hold the same events: 12 entries in .*images"):
        read_images([{"path": "images.idx", "join": "labels.idx"}])


def test_selection_and_limit_pick_whole_images(save: Any, read_images: Any, images: np.ndarray) -> None:
    path = save("a.npz", image=images, energy=np.arange(12.0))
    table, _ = read_images([{"path": path, "limit": 4}], selection="energy > 2.5")
    np.testing.assert_array_equal(table.columns["image"], images[3:7])
    assert table.source_entry.tolist() == [3, 4, 5, 6]


def test_few_large_entries_are_read_at_a_time(
    save: Any, read_images: Any, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapidity.data import column_types

    monkeypatch.setattr(column_types, "MAX_CHUNK_BYTES", 5 * (HEIGHT * WIDTH + 8))
    table, _ = read_images([save("a.npz", image=images)])
    np.testing.assert_array_equal(table.columns["image"], images)


def test_files_of_different_types_share_the_one_that_holds_both(
    save: Any, read_images: Any, images: np.ndarray
) -> None:
    files = [save("a.npz", image=images), save("b.npz", image=images / np.float32(2))]
    table, _ = read_images(files)
    assert table.columns["image"].dtype == np.float32
    np.testing.assert_array_equal(table.columns["image"][N_EVENTS:], images / np.float32(2))


def test_equal_images_are_dropped_and_different_ones_kept(
    save: Any, read_images: Any, images: np.ndarray
) -> None:
    images[6] = images[2]  # both of label 0
    images[7] = images[2]  # of label 1
    images[4] = images[0]
    images[4, 3, 2] += 1
    table, _ = read_images([save("a.npz", image=images)], drop_duplicates=True)
    assert table.counts[0].n_duplicates == 1
    assert 6 not in table.source_entry
    assert table.n_events == N_EVENTS - 1


def test_equal_images_in_two_splits_are_found(save: Any, read_images: Any, images: np.ndarray) -> None:
    images[8] = images[2]
    table, features = read_images([save("a.npz", image=images)])
    codes = {"by": "row_number", "validation": [4, 5], "test": [8, 9]}
    splits = split_events(table, Preparation.model_validate({"split": codes}).split, {})
    message = (
        r"duplicates: 2 of 12 events equal, in class and in the only column of the inputs"
        r".*entry 2 of .*entry 8 of "
    )
    with pytest.raises(DataError, match=message):
        run_guards(splits, features, Guards())
    assert [finding.guard for finding in run_guards(splits, features, Guards(duplicates="warn"))] == [
        "duplicates"
    ]


def test_features_and_images_stand_beside_each_other(save: Any, read_images: Any, images: np.ndarray) -> None:
    path = save("a.npz", image=images, energy=np.arange(12.0, dtype=np.float32))
    table, features = read_images([path], others={"event": TableInput(columns="all")})
    assert set(table.columns) == {"image", "energy"}
    assert [feature.name for feature in features.all] == ["energy"]
    assert list(features.inputs) == ["photo", "event"]


def test_a_missing_column_gets_near_names(save: Any, read_images: Any, images: np.ndarray) -> None:
    with pytest.raises(
        MissingNameError, match=r"column 'imag' \(inputs.photo\) is not in (.|\n)*Closest: 'image'"
    ):
        read_images([save("a.npz", image=images)], {"column": "imag"})


@pytest.mark.parametrize(
    ("keys", "shape", "expected"),
    [
        ({}, (), r"holds float64 values \(float64\), but inputs.photo needs an image per event"),
        (
            {},
            (5,),
            r"holds arrays of shape \(5,\) .*numbers of shape \(height, width\) or \(height, width, ch",
        ),
        ({}, (2, 3, 4, 5), r"holds arrays of shape \(2, 3, 4, 5\)"),
        ({"channels_first": True}, (4, 3), r"holds arrays of shape \(4, 3\) .*\(channels, height, width\)"),
        ({"column": ["image", "other"]}, (4, 3, 2), r"each of several columns is one channel"),
    ],
)
def test_what_is_no_image_is_refused(
    save: Any, read_images: Any, keys: Any, shape: Any, expected: str
) -> None:
    path = save("a.npz", image=np.zeros((6, *shape)), other=np.zeros((6, *shape)))
    with pytest.raises(DataError, match=expected):
        read_images([path], keys)


def test_images_of_another_shape_in_another_file_are_refused(save: Any, read_images: Any) -> None:
    files = [save("a.npz", image=np.zeros((4, 8, 8))), save("b.npz", image=np.zeros((4, 9, 8)))]
    with pytest.raises(DataError, match=r"inputs.photo: images differ in shape: \(9, 8\) in column 'image' "
                       r"of .*b.npz, but \(8, 8\) in 'image' of .*a.npz"):  # fmt: skip
        read_images(files)


def test_a_channel_that_is_not_there_is_refused(save: Any, read_images: Any) -> None:
    path = save("a.npz", image=np.zeros((4, 8, 8, 3)))
    with pytest.raises(ConfigError, match=r"inputs.photo.channels takes \[3\], but the images of shape "
                       r"\(8, 8, 3\) have 3 channels, numbered from 0"):  # fmt: skip
        read_images([path], {"channels": [0, 3]})
    path = save("b.npz", image=np.zeros((4, 8, 8)))
    with pytest.raises(ConfigError, match=r"of shape \(8, 8\) have one channel alone, of number 0\. Leave"):
        read_images([path], {"channels": [1]})


def test_the_target_is_no_image(save: Any, read_images: Any, images: np.ndarray) -> None:
    with pytest.raises(ConfigError, match=r"inputs.photo: 'image' is data.target, the truth to be learnt"):
        read_images([save("a.npz", image=images)], target="image")


def test_images_as_features_are_told_where_they_belong(save: Any, read_images: Any, images: Any) -> None:
    others = {"event": TableInput(columns=("image",))}
    with pytest.raises(DataError, match=r"images belong to an input of `kind: image`"):
        read_images([save("a.npz", image=images)], others=others)


def test_columns_that_are_not_taken_are_not_read(save: Any, read_images: Any, images: np.ndarray) -> None:
    path = save("a.npz", near=images, middle=images + 1, far=images + 2)
    table, features = read_images([path], {"column": ["near", "middle", "far"], "channels": [2, 0]})
    assert set(table.columns) == {"far", "near"}
    assert features.images["photo"].channel_names == ("far", "near")
    assert features.images["photo"].shape == (HEIGHT, WIDTH, 2)


def stacked(image: ImageColumns, **columns: np.ndarray) -> np.ndarray:
    return image.stack(columns)


def test_channels_are_put_last_and_picked_in_order(rng: np.random.Generator) -> None:
    values = rng.random((5, 4, 3, 6))
    picked = ImageColumns(("x",), (4, 3, 6), channels=(5, 0))
    np.testing.assert_array_equal(stacked(picked, x=values), values[..., [5, 0]])
    first = ImageColumns(("x",), (6, 4, 3), channels_first=True, channels=(2, 1))
    turned = np.ascontiguousarray(np.moveaxis(values, 3, 1))
    np.testing.assert_array_equal(stacked(first, x=turned), values[..., [2, 1]])
    assert first.shape == (4, 3, 2)


def test_columns_become_channels(rng: np.random.Generator) -> None:
    near, far = rng.random((2, 5, 4, 3))
    image = ImageColumns(("near", "far"), (4, 3), channels=(1, 0))
    np.testing.assert_array_equal(stacked(image, near=near, far=far), np.stack([far, near], axis=-1))
    assert image.channel_names == ("far", "near")


def test_memory_of_the_table_is_that_of_the_pixels(
    save: Any, read_images: Any, rng: np.random.Generator
) -> None:
    table, _ = read_images([save("a.npz", image=rng.integers(0, 2, (500, 20, 20), dtype=np.uint8))])
    assert table.columns["image"].nbytes == 500 * 20 * 20
    assert table.columns["image"].base is None
