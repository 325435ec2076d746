"""Images moved by some pixels."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.training.augmentation.shift import Shifting

HEIGHT, WIDTH, PIXELS = 7, 9, 2
EMPTY = np.array([-1.0, -2.0], np.float32)


@pytest.fixture
def images():
    """Return two inputs of images with numbers that stand nowhere twice."""
    first = np.arange(400 * HEIGHT * WIDTH * 2, dtype=np.float32).reshape(400, HEIGHT, WIDTH, 2)
    return {"a": first, "b": -first[..., :1]}


def shift(images, pixels=PIXELS):
    shifted = dict(images)
    empty = {"a": EMPTY, "b": np.zeros(1, np.float32)}
    Shifting(tuple(images), pixels, empty).apply(shifted, np.random.default_rng(1))
    return shifted


def padded_crop(image, empty, down, right):
    """Return the part of a padded image that a shift leaves: the definition, pixel by pixel."""
    made = np.empty_like(image)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            source = row - down, column - right
            is_inside = 0 <= source[0] < HEIGHT and 0 <= source[1] < WIDTH
            made[row, column] = image[source] if is_inside else empty
    return made


def find_moves(before, after):
    """Return how far the pixel in the middle of each image moved, down and right."""
    middle = HEIGHT // 2, WIDTH // 2
    places = [np.argwhere(new[..., 0] == old[*middle, 0])[0] for old, new in zip(before, after, strict=True)]
    return np.array(places) - middle


def test_content_moves_and_what_comes_in_is_empty(images):
    shifted = shift(images)
    moves = find_moves(images["a"], shifted["a"])
    for image, moved, (down, right) in zip(images["a"], shifted["a"], moves, strict=True):
        assert np.array_equal(moved, padded_crop(image, EMPTY, down, right))


def test_all_moves_are_drawn_evenly(images):
    moves = find_moves(images["a"], shift(images)["a"])
    _, counts = np.unique(moves, axis=0, return_counts=True)
    # 25 moves of 16 +- 4 images each
    assert len(counts) == (2 * PIXELS + 1) ** 2
    assert counts.max() < 35


def test_inputs_of_an_event_move_together(images):
    shifted = shift(images)
    assert np.array_equal(find_moves(images["a"], shifted["a"]), find_moves(images["b"], shifted["b"]))


def test_the_images_given_are_not_written_to(images):
    before = images["a"].copy()
    shift(images)
    assert np.array_equal(images["a"], before)


def test_an_image_may_leave_altogether(images):
    moves = shift(images, pixels=20)["a"]
    assert (moves == EMPTY).all(axis=(1, 2, 3)).any()
