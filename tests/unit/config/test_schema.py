from __future__ import annotations

from pathlib import Path

import pytest

from rapidity.config import load_config
from rapidity.config.document import read_document
from rapidity.config.schema import config_schema

FOLDER = Path(__file__).resolve().parents[2] / "config"
SEEN_BY_EDITORS = (
    "misspelt_key",
    "missing_blocks",
    "text_for_a_number",
    "features_and_inputs",
    "unknown_optimizer",
)


@pytest.fixture(scope="module")
def validator():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema comes with the development tools")
    jsonschema.Draft202012Validator.check_schema(config_schema())
    return jsonschema.Draft202012Validator(config_schema())


@pytest.mark.parametrize("path", sorted((FOLDER / "good").glob("*.yaml")), ids=lambda path: path.stem)
def test_good_configurations_are_valid(validator, path):
    assert [error.message for error in validator.iter_errors(read_document(path).values)] == []


@pytest.mark.parametrize("path", sorted((FOLDER / "good").glob("*.yaml")), ids=lambda path: path.stem)
def test_resolved_configurations_are_valid(validator, path):
    resolved = load_config(path).config.model_dump(mode="json", by_alias=True)
    assert [error.message for error in validator.iter_errors(resolved)] == []


@pytest.mark.parametrize("mistake", SEEN_BY_EDITORS)
def test_mistakes_are_marked(validator, mistake):
    assert list(validator.iter_errors(read_document(FOLDER / "bad" / f"{mistake}.yaml").values))


def test_keys_are_described():
    definitions = config_schema()["$defs"]
    assert "glob" in definitions["Source"]["properties"]["path"]["description"]
    assert "class" in definitions["Source"]["properties"]
    assert "features" in config_schema()["properties"]
