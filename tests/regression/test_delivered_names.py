"""The block `deliver` took any name: `../x` wrote beside the run, and `run.json` over the record of the run.

Two copies of one name silently became one.
"""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rapidity.config.evaluation import OWN_NAMES, Deliver
from rapidity.workflow.run_folder import OWN_FILES, OWN_FOLDERS


@pytest.mark.parametrize("name", ["../model.onnx", "/model.onnx", "a/../../b.onnx", "", "."])
def test_copies_stay_inside_the_run(name):
    with pytest.raises(ValidationError, match="is no file inside the folder of the run"):
        Deliver(model=name)


@pytest.mark.parametrize("name", ["run.json", "./run.json", "checkpoints/last.json"])
def test_copies_do_not_replace_what_the_run_writes(name):
    with pytest.raises(ValidationError, match="the run writes its own"):
        Deliver(metrics=name)


def test_copies_do_not_replace_each_other():
    with pytest.raises(ValidationError, match="metrics and model have the same name"):
        Deliver(model="result", metrics="./result")


def test_copies_in_subfolders_are_fine():
    assert Deliver(model="share/particles.onnx", roc="share/roc.png").model == "share/particles.onnx"


def test_the_names_of_the_run_are_all_known():
    assert {*OWN_FILES, *OWN_FOLDERS} == OWN_NAMES
