"""What goes wrong on the way: Ctrl-C, a full disk, a model file that says something else."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import rapidity.core.files
from rapidity.cli import main
from rapidity.workflow import train_run

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

N_EPOCHS = 40
TIMEOUT_S = 120


@pytest.fixture
def folder(tmp_path, monkeypatch, tiny_events, save_csv, write_config, without_plots):
    """Work in a folder that holds events.csv and config.yaml."""
    monkeypatch.chdir(tmp_path)
    save_csv(tmp_path / "events.csv", tiny_events(300))
    write_config()
    return tmp_path


def model_constants(path):
    return {constant.name: numpy_helper.to_array(constant) for constant in onnx.load(path).graph.initializer}


def same_model(first, second):
    one, two = model_constants(first), model_constants(second)
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


def start(*arguments):
    command = [sys.executable, "-m", "rapidity", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def wait_for_epoch(process, run, epoch):
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        last = run / "checkpoints" / "last.json"
        if last.is_file() and json.loads(last.read_text())["epoch"] >= epoch:
            return
        time.sleep(0.02)
    pytest.fail(f"epoch {epoch} was not reached within {TIMEOUT_S} s")


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_and_the_command_to_go_on(folder):
    # What --set changed must be in the command, in whatever form; a blank needs quotes.
    options = ["--set", f"training.epochs={N_EPOCHS}", "--set", "training.batch_size=8", "--quiet"]
    process = start("train", "config.yaml", "--output", "my run", *options)
    wait_for_epoch(process, folder / "my run", 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("Interrupted: training was interrupted; epoch ")
    assert f" of {N_EPOCHS} is saved in " in line
    assert not (folder / "my run" / "model.onnx").exists()
    assert not list((folder / "my run").rglob(".*"))
    program, *words = shlex.split(line.partition("Go on with: ")[2])
    assert program == "rapidity"
    with pytest.raises(SystemExit) as ended:
        main([*words, "--quiet"])
    assert not ended.value.code
    straight = train_run("config.yaml", output="straight", overrides=options[1:4:2])
    assert same_model(folder / "my run" / "model.onnx", straight.path.model)


def fail(arguments, capsys):
    """Run the command, which must fail; return exit code and message."""
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--quiet"])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    return caught.value.code, shown.err


@pytest.mark.parametrize("moment", ["reading", "claiming", "training", "export", "evaluation"])
def test_interrupt_at_any_stage_can_be_resumed(folder, capsys, monkeypatch, moment):
    straight = train_run("config.yaml", output="straight")
    places = {
        "reading": "rapidity.workflow.prepare.read_table",
        "claiming": "rapidity.workflow.train.hash_files",
        "training": "rapidity.training.loop.measure",
        "export": "rapidity.workflow.export.check_all_outputs",
        "evaluation": "rapidity.workflow.train.evaluate_model",
    }

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(places[moment], interrupt)
        code, message = fail(["train", "config.yaml", "--output", "run"], capsys)
    assert code == 130
    assert message.count("\n") == 1
    if moment in {"reading", "claiming"}:
        assert message == "Interrupted: interrupted before training began. Nothing was written or changed.\n"
        assert not (folder / "run").exists()
        run = train_run("config.yaml", output="run")
    else:
        assert message.endswith("Go on with: rapidity train run/config.yaml --output run --resume\n")
        run = train_run("run/config.yaml", output="run", resume=True)
    assert same_model(run.path.model, straight.path.model)
    assert run.metrics == straight.metrics


@pytest.mark.parametrize(
    "name",
    ["config", "run", "epoch-0000", "epoch-0002", "last", "model", "history", "scores", "metrics", "report"],
)
def test_full_disk_leaves_nothing_half_written_and_can_be_resumed(folder, capsys, monkeypatch, name):
    straight = train_run("config.yaml", output="straight")

    def flush(path):
        if path.name.startswith(f".{name}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(rapidity.core.files, "_flush_to_disk", flush)
        code, message = fail(["train", "config.yaml", "--output", "run"], capsys)
    assert code == 2
    assert message.startswith("DataError: cannot write run/")
    assert "no space is left on the disk" in message
    left = {path.relative_to(folder / "run").as_posix() for path in (folder / "run").rglob("*")}
    assert not [path for path in left if path.rpartition("/")[2].startswith(".")]
    assert not [path for path in left if path.startswith(name)]
    # Without run.json nothing was claimed.
    run = train_run("config.yaml", output="run", resume=name != "run")
    assert same_model(run.path.model, straight.path.model)
    assert run.metrics == straight.metrics


def test_model_that_differs_from_the_engine_exits_with_3(folder, capsys, monkeypatch):
    from rapidity.engines.torch.model import TorchModel

    honest = TorchModel.predict

    def predict(*arguments, **keys):
        return {output: logits + np.float32(0.01) for output, logits in honest(*arguments, **keys).items()}

    monkeypatch.setattr(TorchModel, "predict", predict)
    code, message = fail(["train", "config.yaml", "--output", "run"], capsys)
    assert code == 3
    assert message.startswith("ParityError: ONNX Runtime does not reproduce the engine")
    assert not (folder / "run" / "model.onnx").exists()


def test_finished_run_can_be_resumed_without_harm(folder):
    first = train_run("config.yaml", output="run")
    before = first.path.model.read_bytes()
    again = train_run("config.yaml", output="run", resume=True)
    assert again.path.model.read_bytes() == before


def test_damaged_checkpoint_is_refused(folder, capsys):
    run = train_run("config.yaml", output="run")
    (state,) = run.path.checkpoints.glob("*.safetensors")
    state.write_bytes(state.read_bytes()[:-4])
    code, message = fail(["train", "config.yaml", "--output", "run", "--resume"], capsys)
    assert code == 2
    assert message.startswith("DataError: cannot use the checkpoint in run/checkpoints")
