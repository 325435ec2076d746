"""YAML text as plain values, with the line of every key: what pydantic's errors do not know.

Scalars follow YAML 1.2: `1e-3` is a number, `off` and `no` are text, `010` is ten. Python objects
cannot be written in YAML here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from rapidity.core.errors import ConfigError, closest, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Key = str | int
KeyPath = tuple[Key, ...]

_TAG = "tag:yaml.org,2002:"
_SCALARS: tuple[tuple[str, str, str], ...] = (
    # YAML 1.1, which PyYAML follows, reads 1e-3 as text, off as false and 12:30 as a number.
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+(?:_[0-9]+)*|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("merge", r"<<", "<"),
)
_MAX_VALUES = 200_000


class _Yaml12(yaml.resolver.BaseResolver):
    """The scalars of YAML 1.2, for reading and writing alike."""


for _name, _pattern, _first in _SCALARS:
    _starts = [*_first, ""] if _name == "null" else list(_first)
    _Yaml12.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), _starts)


class _Loader(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer, _Yaml12):
    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)
        _Yaml12.__init__(self)


class _Dumper(yaml.emitter.Emitter, yaml.serializer.Serializer, yaml.representer.SafeRepresenter, _Yaml12):
    def __init__(self, stream: Any, **settings: Any) -> None:
        style = {name: settings.pop(name) for name in ("default_flow_style", "sort_keys", "default_style")}
        names = ("canonical", "indent", "width", "allow_unicode", "line_break")
        yaml.emitter.Emitter.__init__(self, stream, **{name: settings[name] for name in names})
        yaml.serializer.Serializer.__init__(self)
        yaml.representer.SafeRepresenter.__init__(self, **style)
        _Yaml12.__init__(self)

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values out in full, for readers who do not know YAML's anchors."""
        return True


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a configuration.

    Attributes
    ----------
    where
        ``line 41``, or ``--set``.
    path
        Keys and list positions from the top.
    text
        What is wrong; further lines are indented below it.
    """

    where: str
    path: KeyPath
    text: str


@dataclass
class Document:
    """The values of a YAML document, and where each stands.

    Attributes
    ----------
    values
        Dictionaries, lists and scalars; keys are always text.
    marks
        Path of keys -> ``line 41``, or ``--set`` for what was set on the command line.
    problems
        What is already known to be wrong.
    """

    values: Any
    marks: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, path: KeyPath) -> str:
        """Return where `path`, or the innermost block around it that is there, stands."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return "line 1"

    def set_value(self, text: str, default_types: Mapping[KeyPath, str] = MappingProxyType({})) -> None:
        """Apply one override such as ``training.epochs=5`` or ``data.sources.0.path=x.root``.

        A block that is not written starts with its `type` in `default_types`, so that one key of it can be
        set alone.
        """
        key, equals, value_text = text.partition("=")
        names = [name.strip() for name in key.split(".")]
        if not equals or not all(names):
            self._refuse((key,), f"'{text}' is not of the form KEY=VALUE, say training.epochs=5")
            return
        try:
            value = parse_yaml(value_text)
        except ConfigError as error:
            self._refuse(tuple(names), f"the value {value_text!r} is {error}. Put quotes around text")
            return
        self._put(names, value.values, default_types)

    def _refuse(self, path: KeyPath, text: str) -> None:
        self.problems.append(Problem("--set", path, text))

    def _put(self, names: Sequence[str], value: Any, default_types: Mapping[KeyPath, str]) -> None:
        path: KeyPath = ()
        block = self.values
        for depth, name in enumerate(names):
            key = self._position(block, path, name)
            if key is None:
                return
            path = (*path, key)
            if depth == len(names) - 1:
                block[key] = value
                self.marks = {old: mark for old, mark in self.marks.items() if old[: len(path)] != path}
                self.marks[path] = "--set"
                return
            inner = block.get(key) if isinstance(block, dict) else block[key]
            if not isinstance(inner, (dict, list)):
                self.marks[path] = "--set"
                # A network of layers has no type.
                kind = None if names[depth + 1] == "layers" else default_types.get(path)
                inner = block[key] = _as_block(kind if inner is None else inner)
            block = inner

    def _position(self, block: Any, path: KeyPath, name: str) -> Key | None:
        """Return the key or list position that `name` means in `block`, or None where there is none."""
        if isinstance(block, dict):
            return name
        if not isinstance(block, list):
            self._refuse((*path, name), f"{show_path(path)} is {block!r}, which has no keys inside")
        elif not name.isdecimal():
            self._refuse((*path, name), f"{show_path(path)} is a list: give a position, from 0")
        elif int(name) >= len(block):
            self._refuse(
                (*path, name), f"there is no entry {name}: the list has {len(block)}, counted from 0"
            )
        else:
            return int(name)
        return None


def read_document(path: Path, needs: str = "name, data and features (or inputs)") -> Document:
    """Read a configuration file; one that cannot be read at all is a ConfigError.

    `needs` says what at least belongs into such a file.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(_missing_file(path)) from error
    except IsADirectoryError as error:
        message = f"{path} is a folder, not a configuration file. Name the YAML file inside it"
        raise ConfigError(message) from error
    except OSError as error:
        message = f"cannot read the configuration {path}: {error.strerror}"
        raise ConfigError(message) from error
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at position {error.start}"
        message = (
            f"{path} is not a configuration: found {found}, expected YAML as UTF-8 text. Save it as UTF-8"
        )
        raise ConfigError(message) from error
    try:
        document = parse_yaml(text)
    except ConfigError as error:
        message = f"{path} is {error}"
        raise ConfigError(message) from error
    if document.values is None:
        message = f"{path} is empty. It needs at least {needs}"
        raise ConfigError(message)
    if not isinstance(document.values, dict):
        kind = "a list" if isinstance(document.values, list) else f"the value {document.values!r}"
        message = f"{path} holds {kind} at the top, expected keys such as `name:` and `data:`"
        raise ConfigError(message)
    return document


def parse_yaml(text: str) -> Document:
    """Return the values and lines of YAML text; what is not YAML is a ConfigError."""
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        cure = " Indent with spaces, not tabs." if "\\t" in str(error.problem) else ""
        reason = str(error.problem or error.context)
        if reason.startswith("but "):
            reason = f"{error.context}, {reason}"
        message = f"not valid YAML. {where}{reason}.{cure}"
        raise ConfigError(message.rstrip(".")) from error
    except yaml.YAMLError as error:
        message = f"not valid YAML: {str(error).splitlines()[0]}"
        raise ConfigError(message) from error
    document = Document(None)
    document.values = None if node is None else _Builder(document).build(node, ())
    return document


def write_yaml(values: Any) -> str:
    """Return values as YAML text that `parse_yaml` reads back the same."""
    text = yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True
    )
    return str(text)


def show_path(path: KeyPath) -> str:
    """Return a path as users write it.

    Examples
    --------
    >>> show_path(("network", "layers", 1, "rate"))
    'network.layers[1].rate'
    """
    shown = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return shown.removeprefix(".") or "(top level)"


class _Builder:
    """Turns composed nodes into values and notes the line of each."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: list[int] = []

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        marks = self._document.marks
        marks.setdefault(path, _line(node))
        _check_tag(node)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self._open or len(marks) > _MAX_VALUES:
            message = f"not usable. {_line(node)}: an alias repeats a block inside itself or too many times"
            raise ConfigError(message)
        self._open.append(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*path, number)) for number, item in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged |= self._merge(value_node, path)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                message = f"not usable. {_line(key_node)}: a key must be text, found a list or a block"
                raise ConfigError(message)
            name = str(key_node.value)
            here = (*path, name)
            if name in values:
                text = f"this key stands here twice, first on {self._document.marks[here]}. Keep one."
                self._document.problems.append(Problem(_line(key_node), here, text))
            self._document.marks.setdefault(here, _line(key_node))
            values[name] = self.build(value_node, here)
        return {**merged, **values}

    def _merge(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        """Return the keys that ``<<: *block`` brings in; the first of several blocks wins."""
        blocks = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for block in reversed(blocks):
            if not isinstance(block, yaml.MappingNode):
                message = f"not usable. {_line(node)}: `<<` takes a block (an alias), found a value"
                raise ConfigError(message)
            merged |= self.build(block, path)
        return merged


def _scalar(node: yaml.ScalarNode) -> Any:
    kind = node.tag.removeprefix(_TAG)
    text = node.value.lower()
    if kind == "null":
        return None
    if kind == "bool":
        return text == "true"
    if kind == "int":
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if kind == "float":
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return node.value


def _check_tag(node: yaml.Node) -> None:
    known = ("str", "null", "bool", "int", "float", "merge", "map", "seq")
    if node.tag not in [_TAG + name for name in known]:
        tag = node.tag.replace(_TAG, "!!")
        message = f"not usable. {_line(node)}: the tag {tag} is not understood. Leave it out"
        raise ConfigError(message)


def _as_block(value: Any) -> Any:
    """Let `optimizer: adam` be a block where a key inside it is set."""
    if value is None:
        return {}
    return {"type": value} if isinstance(value, str) else value


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


def _missing_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"the configuration {path} does not exist: there is no folder {folder}"
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix in {".yaml", ".yml"})
    near = closest(path.name, names)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"YAML files there: {shorten(names) or 'none'}"
    return f"the configuration {path} does not exist. {hint}"
