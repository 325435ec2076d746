from __future__ import annotations

import re
from pathlib import Path

import pytest

from rapidity.config import load_config
from rapidity.config.document import parse_yaml, write_yaml

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "guide" / "configuration.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS)
def test_examples_of_the_guide_are_valid(text, tmp_path):
    values = parse_yaml(BLOCKS[0]).values | parse_yaml(text).values
    if "inputs" in values:
        del values["features"]
    path = tmp_path / "run.yaml"
    path.write_text(write_yaml(values), encoding="utf-8")
    assert load_config(path).config.name == "shortest"
