"""The YAML text of a starter configuration, with a comment on each line that was guessed."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config.document import parse_yaml, write_yaml
from rapidity.core.counting import counted
from rapidity.core.errors import ConfigError
from rapidity.data.channel_order import is_unlikely
from rapidity.data.features import quote_column
from rapidity.workflow.starter.roles import is_event_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rapidity.workflow.starter.classes import Classes
    from rapidity.workflow.starter.collections import Collection
    from rapidity.workflow.starter.making import Findings
    from rapidity.workflow.starter.roles import Role

WIDTH = 110
COMMON_SHARE = 0.5
"""Part of the columns with sentinels that must share one for it to be stated for all."""
IMBALANCE = 5.0
"""Classes whose sums of weights differ by more are balanced."""
SPLIT_NAMES = {"train": "training", "validation": "validation", "test": "test"}
"""Split -> what comments call it."""


def write_document(found: Findings, name: str, folder: Path) -> str:
    """Return the text of the configuration.

    Parameters
    ----------
    folder
        Where the text will lie: files are named relative to it.
    """
    lines = [
        f"# A first configuration, made by `rapidity init` from {counted(len(found.files), 'file')}.",
        "# The comments say what was found and why a line is as it is; everything may be changed.",
        f"name: {_scalar(name)}",
        *_data_block(found, folder),
        *_inputs_block(found),
        *_preparation_block(found),
        *_training_blocks(found),
    ]
    return "\n".join(lines) + "\n"


def _data_block(found: Findings, folder: Path) -> Iterator[str]:
    yield "data:"
    yield "  sources:"
    for index, file in enumerate(found.files):
        yield _source_line(found, index, relative_path(file.path, folder))
    yield from _class_lines(found.classes)
    yield from _object_lines(found)
    yield from _identity_lines(found)
    if found.n_duplicates:
        yield _commented(
            "  drop_duplicates: true",
            f"{counted(found.n_duplicates, 'sampled entry', 'sampled entries')} equal to an earlier one",
        )
    yield "  # All checks before training are on (duplicates across splits, features that give classes away)."
    yield "  # Turn one down here with `guards: {constant_feature: off}`."


def _source_line(found: Findings, index: int, path: str) -> str:
    file, classes = found.files[index], found.classes
    keys: dict[str, Any] = {"path": path}
    if file.table_key:
        keys[file.table_key] = file.table
    if classes.of_files:
        keys["class"] = classes.of_files[index]
    comment = counted(file.n_entries, "entry", "entries")
    if file.n_tables > 1 and not found.is_table_named:
        comment += f", the widest of {file.n_tables} tables"
    if found.splits is not None:
        split = found.splits[index]
        comment += f"; named like the {SPLIT_NAMES[split]} split"
        if split != "train" or "validation" in found.splits:
            keys["split"] = split
        else:
            comment += ": a part of it validates, see preparation"
    return _commented(f"    - {_flow(keys)}", comment)


def _class_lines(classes: Classes) -> Iterator[str]:
    if classes.target is None:
        return
    counts = ", ".join(f"{name} {count:,}" for name, count in classes.counts.items())
    if classes.flags:
        yield "  # Of these columns exactly one is 1 in every entry: anything else is then an error."
    yield _commented(f"  target: {_scalar(classes.target)}", counts)
    if classes.values:
        values = {
            name: _whole(value) if isinstance(value, float) else value
            for name, value in classes.values.items()
        }
        yield _commented(f"  classes: {_flow(values)}", "name of a class: value of the target")
    else:
        yield _commented(
            f"  classes: {_flow(list(classes.counts))}", "with two, the second counts as the signal"
        )


def _object_lines(found: Findings) -> Iterator[str]:
    objects = {item.name: dict(item.components) for item in found.collections if item.components}
    if objects:
        yield "  objects: # names for expressions: pt(jets), mass(jets[0], jets[1])"
        for name, components in objects.items():
            yield f"    {_scalar(name)}: {_flow(components)}"


def _identity_lines(found: Findings) -> Iterator[str]:
    for name, role in found.of_part("event weight"):
        yield _commented(f"  event_weight: {_expression(name)}", role.reason)
    # The event number comes last: of the columns of a key, folds are made by the last one.
    keys = sorted((name for name, _ in found.of_part("event key")), key=is_event_number)
    if keys:
        yield _commented(f"  event_key: {_flow(keys)}", "identifies an event: keeps its copies in one split")


def _inputs_block(found: Findings) -> Iterator[str]:
    yield "inputs:"
    for name, info in found.images.items():
        shape = " x ".join(map(str, info.shape))
        keys = f"kind: image, column: {_scalar(info.name)}"
        # What cannot be told from the shape is taken to have its channels last.
        if len(info.shape) == 3 and is_unlikely(info.shape, channels_first=False):
            keys += ", channels_first: true"
        yield _commented(f"  {_scalar(name)}: {{{keys}}}", f"arrays of {shape}")
    features = found.of_part("feature")
    if features or found.collections:
        yield "  event:"
        yield "    kind: table"
        yield "    columns:"
        for name, role in features:
            yield _commented(f"      - {_item(name)}", role.reason)
        for collection in found.collections:
            for text, comment in collection.features.items():
                yield _commented(f"      - {_item(text)}", comment)
    left_out = found.left_out
    indent = "    " if features or found.collections else "  "
    if left_out:
        yield f"{indent}# Not used:"
        for name, reason in left_out.items():
            yield _shorten(f"{indent}#   {name}: {reason}")
    for collection in found.collections:
        yield from _cloud_lines(collection)


def _cloud_lines(collection: Collection) -> Iterator[str]:
    """Yield a comment with all objects of a collection as an input, instead of numbers made of them."""
    order = f", order_by: {_expression(collection.order_by)}" if collection.order_by else ""
    features = _flow(collection.members)
    yield f"  # All objects of '{collection.name}', for network: {{type: deep_sets}} and the like:"
    yield (
        f"  #   {_scalar(collection.name)}: {{kind: cloud, features: {features}, "
        f"n_objects: {collection.n_objects}{order}}}"
    )


def _preparation_block(found: Findings) -> Iterator[str]:
    yield "preparation:"
    yield _split_line(found.splits)
    common, single = split_sentinels([role for _, role in found.of_part("feature")])
    missing: dict[str, Any] = {"sentinels": common} if common else {}
    if found.has_nan:
        missing["nan"] = "missing"
    if found.has_infinite:
        missing["infinite"] = "missing"
    if missing or any(single.values()):
        keys = _flow(missing | {"fill": "median", "indicator": True})
        yield _commented(f"  missing: {keys}", "filled; a second number tells the network where")
    yield _commented(
        "  scale: standard", "mean 0 and standard deviation 1, as measured on the training split"
    )
    own = {
        name: sentinels
        for (name, _), sentinels in zip(found.of_part("feature"), single.values(), strict=True)
        if sentinels
    }
    if own:
        yield "  columns: # values that seem to mean 'not measured' in one column only: check them"
        for name, sentinels in own.items():
            settings = missing | {"sentinels": [*common, *sentinels], "fill": "median", "indicator": True}
            yield f"    {_scalar(name)}: {{missing: {_flow(settings)}}}"


def _split_line(splits: Sequence[str] | None) -> str:
    """Return how events are divided that no file puts into a split."""
    if splits is None:
        return _commented(
            "  split: {train: 0.8, validation: 0.1, test: 0.1, seed: 1}",
            "by identity: the order of files does not matter",
        )
    tested = "they are tested on the files of the test split" if "test" in splits else "no file is for tests"
    if "validation" in splits:
        return _commented(
            "  split: {train: 0.9, validation: 0.1, test: 0, seed: 1}",
            f"without effect: each file is a split; {tested}",
        )
    return _commented(
        "  split: {train: 0.9, validation: 0.1, test: 0, seed: 1}",
        f"of the files of the training split, at random; {tested}",
    )


def split_sentinels(roles: Sequence[Role]) -> tuple[list[float], dict[int, list[float]]]:
    """Return the sentinels that many columns share, and for each column, by number, its other ones."""
    listed = [sentinel for role in roles for sentinel in role.sentinels]
    n_columns = sum(bool(role.sentinels) for role in roles)
    shared = [
        value for value in dict.fromkeys(listed) if listed.count(value) >= max(2, COMMON_SHARE * n_columns)
    ]
    # A number that other columns hold as an ordinary value must not be taken out of these.
    common = [_whole(value) for value in shared if abs(value) > 1]
    own = {
        index: [_whole(value) for value in role.sentinels if _whole(value) not in common]
        for index, role in enumerate(roles)
    }
    return common, own


def _whole(value: float) -> float:
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else value


def _training_blocks(found: Findings) -> Iterator[str]:
    n_train = int(_train_share(found.splits) * found.n_training)
    if found.images:
        yield _commented("network: {type: cnn}", "others: rapidity networks")
    else:
        yield _commented("network: {type: mlp, hidden: [128, 64], dropout: 0.1}", "others: rapidity networks")
    batch_size = int(2 ** np.clip(np.round(np.log2(max(n_train / 50, 1))), 4, 10))
    engine = "torch" if find_spec("torch") else "numpy"
    yield "training:"
    yield _commented(f"  engine: {engine}", "torch, tensorflow or numpy")
    yield "  epochs: 30"
    yield _commented(f"  batch_size: {batch_size}", f"of about {n_train:,} training events")
    yield "  optimizer: {type: adam, learning_rate: 1.0e-3}"
    yield "  early_stopping: {monitor: loss, patience: 6}"
    sums = found.class_sums()
    if max(sums.values()) > IMBALANCE * min(sums.values()):
        said = ", ".join(f"{name} {total:.3g}" for name, total in sums.items())
        yield _commented("  weight: {balance_classes: true}", f"the classes sum to {said}")
    if found.has_negative_weights:
        yield "  # Events of negative weight count with its absolute value: see training.weight.event_weight."


def _train_share(splits: Sequence[str] | None) -> float:
    """Return the part of the events of the training files that is trained on."""
    if splits is None:
        return 0.8
    return 1.0 if "validation" in splits else 0.9


def relative_path(path: Path, folder: Path) -> str:
    """Return the path as the configuration in `folder` names it: relative where that is shorter."""
    whole = str(path.resolve())
    return min(os.path.relpath(whole, folder.resolve()), whole, key=len)


def _commented(line: str, comment: str) -> str:
    """Return the line with a comment behind it, or before it where both are too long for one line."""
    if len(line) + len(comment) + 3 <= WIDTH or not comment:
        return f"{line} # {comment}" if comment else line
    indent = " " * (len(line) - len(line.lstrip()))
    return f"{_shorten(f'{indent}# {comment}')}\n{line}"


def _shorten(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3].rstrip()}..."


def _scalar(value: str) -> str:
    """Return a text as it stands in YAML, quoted where it must be inside brackets."""
    return write_yaml({"key": value}).strip().removeprefix("{key: ").removesuffix("}")


def _item(text: str) -> str:
    """Return a text as it stands in a list with one item a line."""
    try:
        is_plain = parse_yaml(f"- {text}\n").values == [text]
    except ConfigError:  # no YAML at all: it begins with a backtick
        is_plain = False
    return text if is_plain else _scalar(text)


def _expression(name: str) -> str:
    return _scalar(quote_column(name))


def _flow(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return a mapping or list on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow_item(inner)}" for key, inner in value.items()) + "}"
    return "[" + ", ".join(map(_flow_item, value)) + "]"


def _flow_item(value: Any) -> str:
    if isinstance(value, dict | list):
        return _flow(value)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return f"{value!r}"
    return _scalar(value)
