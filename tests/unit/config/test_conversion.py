"""The YAML of a conversion: short forms, and every mistake with its line."""

from __future__ import annotations

import pytest

from rapidity.config.conversion import ConversionConfig, load_conversion
from rapidity.core.errors import ConfigError


@pytest.fixture
def load(tmp_path):
    def run(text, overrides=()):
        path = tmp_path / "convert.yaml"
        path.write_text(text)
        return load_conversion(path, overrides).config

    return run


def test_columns_have_short_forms(load):
    config = load(
        """
sources: [{path: a.root}]
columns:
  - met
  - "lep_*"
  - ht: sum(jet_pt)
  - x = a + b
  - {name: met_gev, expression: met / 1000, unit: GeV, type: float64}
  - {name: met, unit: MeV}
"""
    )
    assert [(column.name, column.expression, column.unit) for column in config.columns] == [
        ("met", None, None),
        ("lep_*", None, None),
        ("ht", "sum(jet_pt)", None),
        ("x", "a + b", None),
        ("met_gev", "met / 1000", "GeV"),
        ("met", None, "MeV"),
    ]
    assert [column.is_glob for column in config.columns] == [False, True, False, False, False, False]


def test_sources_inherit_generator_weight_and_may_have_their_own(load):
    config = load("sources: [{path: a.root}, {path: b.root, generator_weight: 1}]\ngenerator_weight: w\n")
    assert [config.generator_weight_of(source) for source in config.sources] == ["w", 1.0]
    assert config.is_weighted


def test_values_can_be_replaced(load):
    config = load("sources: [{path: a.root}]\n", ["n_objects=4", "sources.0.tree=nominal"])
    assert (config.n_objects, config.sources[0].tree) == (4, "nominal")


def test_problems_come_with_their_lines(load):
    text = """output: out.h5
sources:
  - {path: a.root, cross_section: 1.5}
  - {path: b.root, clas: bkg}
colums: [met]
collections:
  jets: {columns: [jet_pt], n_objects: 0}
layout: rows
"""
    with pytest.raises(ConfigError) as caught:
        load(text)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("5 problems in ")
    assert [line.split(":")[0].strip() for line in lines if line.startswith("  line")] == [
        "line 3  sources[0]",
        "line 4  sources[1].clas",
        "line 5  colums",
        "line 7  collections.jets.n_objects",
        "line 8  layout",
    ]
    assert "Did you mean 'columns'?" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"is empty. It needs at least sources"),
        ("columns: [met]\n", r"sources: this key is missing"),
        ("sources: []\n", r"needs at least 1 entry"),
        (
            "sources: [{path: a, cross_section: 1.0}]\n",
            r"cross_section is given without sum_of_weights.*needs both",
        ),
        ("sources: [{path: a, sum_of_weights: sum}]\n", r"sum_of_weights is given without cross_section"),
        (
            "sources: [{path: a, cross_section: 1.0, sum_of_weights: sumw}]\n",
            r"sum_of_weights is 'sumw', expected a number, `sum`, or TREE:COLUMN",
        ),
        (
            "sources: [{path: a, cross_section: 1.0, sum_of_weights: sum}]\n",
            r"has a cross_section, but no luminosity",
        ),
        ("sources: [{path: a, class: x}, {path: b}]\n", r"sources\[1\] has no `class:`, but others have"),
        ("sources: [{path: a}]\ncolumns: [{name: 'a*', unit: GeV}]\n", r"'a\*' stands for several columns"),
        ("sources: [{path: a}]\ncolumns: [{met: 3}]\n", r"expected text, found 3"),
        ("sources: [{path: a, cross_section: -1}]\n", r"-1 is not above 0"),
    ],
)
def test_mistakes_are_explained(load, text, message):
    with pytest.raises(ConfigError, match=message):
        load(text)


def test_a_source_is_called_by_class_and_files():
    sources = [{"path": ["a", "b", "c", "d"], "class": "x"}]
    assert ConversionConfig.model_validate({"sources": sources}).name_of(0) == "x (a, b, c)"
