"""Random changes of the training events, made anew in every epoch before an engine sees them.

One file a kind; `augmenter` applies them in turn, `passes` does so ahead of the training.
"""

from rapidity.training.augmentation.augmenter import Augmenter
from rapidity.training.augmentation.making import Sources, columns_to_read, make_augmenter
from rapidity.training.augmentation.mix_up import check_mixable
from rapidity.training.augmentation.passes import AugmentedPasses
from rapidity.training.augmentation.stale_columns import find_stale_columns, find_unnamed_columns

__all__ = [
    "AugmentedPasses",
    "Augmenter",
    "Sources",
    "check_mixable",
    "columns_to_read",
    "find_stale_columns",
    "find_unnamed_columns",
    "make_augmenter",
]
