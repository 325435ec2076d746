"""Columns that are taken for one collection because their names begin alike: whether they are.

`jet_pt` and `jet_eta` are one collection, by all appearance. But names can mislead: `lep_truthMatched` may be
empty in data, and `trigger_names` be other than `trigger_bits`. A look at the first entries of a file tells.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError
from rapidity.core.jagged import JaggedType
from rapidity.data.collections import find_collections
from rapidity.data.conversion.looking import open_stored
from rapidity.data.conversion.padded_arrays import KEY, find_object_arrays
from rapidity.data.object_arrays import with_objects

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from rapidity.data.conversion.looking import FileTask

N_SAMPLED = 1000


def sample_counts(task: FileTask) -> dict[str, str]:
    """Return jagged column -> what identifies its counts in the first entries of a file.

    Columns that cannot be read are left out, and so is a file that cannot: that is said elsewhere.
    """
    try:
        stored = open_stored(Path(task.path), task.source)
        arrays = find_object_arrays(task.collections, task.objects, stored.columns)
        reader = with_objects(stored, arrays, KEY)
        groups = find_collections([reader.columns], {})
        sizes = Counter(groups.values())
        types = {
            name: JaggedType.of(str(reader.columns[name].dtype))
            for name, group in groups.items()
            if sizes[group] > 1 and reader.columns[name].dtype is not None
        }
        if not types:
            return {}
        stop = None if reader.n_entries is None else min(reader.n_entries, N_SAMPLED)
        chunk = next(reader.read(types, N_SAMPLED, None if stop is None else (0, stop)))
        return {name: hashlib.sha256(values.counts.tobytes()).hexdigest() for name, values in chunk.items()}
    except DataError:
        return {}


def split_collections(
    collection_of: Mapping[str, str], samples: Sequence[Mapping[str, str]], stated: Collection[str]
) -> dict[str, str]:
    """Return the collections without the columns that have other counts than most of their collection.

    Such a column becomes a collection of its own, called after it.

    Parameters
    ----------
    samples
        Of some files, what `sample_counts` returns.
    stated
        Columns whose collection is stated by the user, which stay: that they do not fit is an error.

    Examples
    --------
    >>> collections = {"lep_pt": "lep", "lep_eta": "lep", "lep_truth": "lep"}
    >>> split_collections(collections, [{"lep_pt": "a", "lep_eta": "a", "lep_truth": "b"}], ())
    {'lep_pt': 'lep', 'lep_eta': 'lep', 'lep_truth': 'lep_truth'}
    """
    members: dict[str, list[str]] = defaultdict(list)
    for column, collection in collection_of.items():
        members[collection].append(column)
    found = dict(collection_of)
    for columns in members.values():
        counts = {name: tuple(sample.get(name, "") for sample in samples) for name in columns}
        # The first of those that are equally frequent: columns stand in the order of the file.
        usual, _ = Counter(counts.values()).most_common(1)[0]
        found |= {name: name for name in columns if counts[name] != usual and name not in stated}
    return found
