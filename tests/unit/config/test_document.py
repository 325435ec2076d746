from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapidity.config.document import Document, parse_yaml, show_path, write_yaml
from rapidity.core.errors import ConfigError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True), inner, max_size=4)
    ),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-2.", -2.0),
        ("+3", 3),
        ("010", 10),
        ("0x1f", 31),
        ("60_000", 60_000),
        (".inf", float("inf")),
        ("true", True),
        ("~", None),
        ("", None),
        ("off", "off"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1e", "1e"),
        ("e5", "e5"),
        ("'5'", "5"),
        ("event % 10", "event % 10"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    found = parse_yaml(f"a: {text}").values["a"]
    assert found == value
    assert type(found) is type(value)


@given(VALUES)
def test_written_values_are_read_back_the_same(values):
    assert parse_yaml(write_yaml({"a": values})).values == {"a": values}


@given(st.text(alphabet="0123456789eE.+-_xofn~<truefalsy:", max_size=8))
def test_text_that_looks_like_something_else_stays_text(text):
    assert parse_yaml(write_yaml({"a": text})).values == {"a": text}


def test_keys_are_text_as_written():
    assert parse_yaml("{1: a, true: b, off: c, null: d}").values == {
        "1": "a",
        "true": "b",
        "off": "c",
        "null": "d",
    }


def test_lines_of_keys_and_entries_are_known():
    document = parse_yaml("a:\n  b: 1\n  c:\n    - x\n    - y\n")
    assert document.where(("a", "b")) == "line 2"
    assert document.where(("a", "c", 1)) == "line 5"
    assert document.where(("a", "nowhere")) == "line 1"
    assert document.where(("a", "c", 7)) == "line 3"


def test_what_was_set_has_no_line():
    document = parse_yaml("a:\n  b: 1\n")
    document.set_value("a.b=2")
    document.set_value("c.d=3")
    assert document.values == {"a": {"b": 2}, "c": {"d": 3}}
    assert document.where(("a", "b")) == document.where(("c", "d")) == "--set"
    assert document.where(("a",)) == "line 1"


def test_several_blocks_merge_with_the_first_winning():
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3}\n"
    assert parse_yaml(text).values["z"] == {"a": 1, "b": 1, "c": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "not valid YAML. line 1, column 6"),
        ("a: 1\n--- \nb: 2", "line 2, column 1: expected a single document in the stream, but found another"),
        ("a: !!python/tuple [1]", "tag !!python/tuple is not understood"),
        ("a: {<<: 3}", "`<<` takes a block"),
        ("a: *b", "undefined alias 'b'"),
        ("&a [*a]", "an alias repeats a block inside itself"),
    ],
)
def test_what_cannot_be_used_is_explained(text, message):
    with pytest.raises(ConfigError, match=message.replace("*", r"\*")):
        parse_yaml(text)


def test_aliases_of_aliases_do_not_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="too many times"):
        parse_yaml("\n".join(lines))


def test_path_is_shown_as_it_is_written():
    assert show_path(("data", "sources", 0, "path")) == "data.sources[0].path"
    assert show_path(()) == "(top level)"


def test_new_document_knows_nothing():
    assert Document({}).where(("a",)) == "line 1"
