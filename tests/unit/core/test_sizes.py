"""Sizes as people write them."""

import pytest

from rapidity.core.sizes import parse_size, show_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 GB", 2 * 10**9),
        ("2gb", 2 * 10**9),
        (" .5 MiB ", 2**19),
        ("1.5 GiB", 3 * 2**29),
        ("800 kB", 800_000),
        ("12345", 12345),
        (12345, 12345),
    ],
)
def test_reads_sizes_with_their_units(text: object, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("value", ["2 gigs", "GB", "-1 GB", "0 MB", "1.5", "", 0, -3, 1.5, True, None, [1]])
def test_refuses_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a size\. Write a number above zero with its unit: 200 MB"):
        parse_size(value)


@pytest.mark.parametrize("size", [1, 999, 1000, 999_499, 999_600, 123_456_789, 5 * 10**13])
def test_shown_sizes_read_back_within_three_digits(size: int) -> None:
    assert parse_size(show_size(size)) == pytest.approx(size, rel=5e-3)
