"""Files that are named like a split: `train.npz` beside `test.npz`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SPLIT_OF_WORD = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Word in the name of a file, in small letters -> the split that it means."""
_WORD = re.compile(rf"(?<![a-z])({'|'.join(SPLIT_OF_WORD)})(?![a-z])", re.IGNORECASE)


def name_splits(paths: Sequence[Path]) -> tuple[str, ...] | None:
    """Return the split that each file is named like; None where names do not say it of all files.

    The names of the files count, and where none of them says anything those of their folders. One of the
    splits must be the training split, and another one must be there.

    Examples
    --------
    >>> from pathlib import Path
    >>> name_splits([Path("jets_train_0.h5"), Path("jets_test.h5")])
    ('train', 'test')
    >>> name_splits([Path("test/a.root"), Path("train/a.root")])
    ('test', 'train')
    >>> name_splits([Path("train.csv"), Path("more.csv")]) is None
    True
    """
    splits = [split_in(stem_of(path)) for path in paths]
    if not any(splits):
        splits = [SPLIT_OF_WORD.get(path.parent.name.lower()) for path in paths]
    known = tuple(split for split in splits if split is not None)
    is_whole = len(known) == len(paths) and "train" in known and len(set(known)) > 1
    return known if is_whole else None


def split_in(stem: str) -> str | None:
    """Return the one split that a name speaks of."""
    found = {SPLIT_OF_WORD[word.lower()] for word in _WORD.findall(stem)}
    return found.pop() if len(found) == 1 else None


def without_split(stem: str) -> str:
    """Return a name without the word for its split.

    Examples
    --------
    >>> without_split("train_signal"), without_split("signal-train_2"), without_split("test")
    ('signal', 'signal_2', '')
    """
    return re.sub(r"[_\-.]{2,}", "_", _WORD.sub("", stem)).strip("_-.")


def stem_of(path: Path) -> str:
    """Return the name of a file without its suffixes."""
    return path.name.partition(".")[0]
