from __future__ import annotations

import contextlib
import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rapidity.core.errors import ConfigError, DataError, InterruptedRunError
from rapidity.core.progress import SilentProgress
from rapidity.training import CheckpointFolder, fit
from rapidity.training import checkpoints as checkpoints_module

STOPPING = {"early_stopping": {"patience": 5}, "schedule": {"type": "reduce_on_plateau", "patience": 1}}


class Killed(BaseException):
    """Stands for SIGKILL: nothing may be done about it."""


def kill_at_write(monkeypatch, number: int) -> None:
    """Let the process die at the write of the given number, before the file appears."""
    count = 0
    originals = {name: getattr(checkpoints_module, name) for name in ("write_atomically", "write_text")}

    def counted(name):
        def write(*arguments):
            nonlocal count
            count += 1
            if count == number:
                raise Killed
            return originals[name](*arguments)

        return write

    for name in originals:
        monkeypatch.setattr(checkpoints_module, name, counted(name))


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("number", range(1, 16))
def test_killed_at_any_write_and_resumed_equals_uninterrupted(  # noqa: PLR0917 - fixtures
    new_model, train, validation, plan, tmp_path, monkeypatch, number, every
):
    settings = plan(epochs=5, checkpoint_every=every, **STOPPING)
    straight = new_model()
    expected = fit(straight, train, validation, settings)
    with monkeypatch.context() as patch:
        kill_at_write(patch, number)
        with contextlib.suppress(Killed):
            fit(new_model(), train, validation, settings, checkpoints=CheckpointFolder(tmp_path))
    resumed = new_model()
    result = fit(resumed, train, validation, settings, checkpoints=CheckpointFolder(tmp_path), resume=True)
    assert resumed.kernel.tobytes() == straight.kernel.tobytes()
    assert resumed.moment.tobytes() == straight.moment.tobytes()
    assert replace(result, history=None) == replace(expected, history=None)
    losses = [(row.train_loss, row.validation_loss, row.rate) for row in result.history]
    assert losses == [(row.train_loss, row.validation_loss, row.rate) for row in expected.history]


def test_resuming_a_finished_training_returns_at_once(new_model, train, validation, plan, tmp_path):
    first = fit(new_model(), train, validation, plan(**STOPPING), checkpoints=CheckpointFolder(tmp_path))
    model = new_model()
    again = fit(
        model, train, validation, plan(**STOPPING), checkpoints=CheckpointFolder(tmp_path), resume=True
    )
    assert again == first
    assert model.n_epochs_trained == 0
    assert model.kernel.any()


def test_resuming_without_checkpoint_begins(model, train, validation, plan, tmp_path):
    result = fit(
        model, train, validation, plan(), checkpoints=CheckpointFolder(tmp_path / "new"), resume=True
    )
    assert len(result.history) == 4


def test_training_anew_replaces_an_earlier_checkpoint(new_model, train, validation, plan, tmp_path):
    fit(new_model(), train, validation, plan(epochs=6), checkpoints=CheckpointFolder(tmp_path))
    fit(new_model(), train, validation, plan(epochs=2), checkpoints=CheckpointFolder(tmp_path))
    assert CheckpointFolder(tmp_path).load()[0].epoch == 2


def test_folder_holds_only_what_the_checkpoint_names(model, train, validation, plan, tmp_path):
    fit(model, train, validation, plan(), checkpoints=CheckpointFolder(tmp_path))
    last, best = (json.loads((tmp_path / name).read_text()) for name in ("last.json", "best.json"))
    named = {"last.json", "best.json", last["state"]["name"], best["state"]["name"]}
    assert {path.name for path in tmp_path.iterdir()} == named
    assert last["format_version"] == best["format_version"] == 1


def test_arrays_come_back_as_they_were(model, train, validation, plan, tmp_path):
    fit(model, train, validation, plan(), checkpoints=CheckpointFolder(tmp_path))
    position, _ = CheckpointFolder(tmp_path).load()
    for name, array in model.state().arrays.items():
        assert position.state.arrays[name].dtype == array.dtype
        assert np.array_equal(position.state.arrays[name], array)
        position.state.arrays[name] += 1  # may be written to


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"batch_size": 32}, r"changed in training\.batch_size\.\n.*was 64, is 32"),
        ({"epochs": 9}, r"training\.epochs: was 4, is 9"),
        ({"early_stopping": {}}, r"training\.early_stopping"),
        (
            {"optimizer": {"type": "sgd", "learning_rate": 0.2}},
            r"training\.optimizer\.learning_rate: was 0.1",
        ),
    ],
)
def test_resuming_with_another_configuration_names_the_keys(
    new_model, train, validation, plan, tmp_path, keys, message
):
    fit(new_model(), train, validation, plan(), checkpoints=CheckpointFolder(tmp_path))
    with pytest.raises(ConfigError, match=message):
        fit(new_model(), train, validation, plan(**keys), checkpoints=CheckpointFolder(tmp_path), resume=True)


class Notes(SilentProgress):
    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)


def test_another_engine_may_go_on_and_says_so(model, new_model, train, validation, plan, tmp_path):
    checkpoints = CheckpointFolder(tmp_path)
    model.interrupt_at_step = 10  # in the third epoch of four steps
    with pytest.raises(InterruptedRunError, match="epoch 2 of"):
        fit(model, train, validation, plan(engine="torch"), checkpoints=checkpoints)
    second, notes = new_model(), Notes()
    settings = plan(engine="numpy", device="cpu")
    result = fit(second, train, validation, settings, checkpoints=checkpoints, progress=notes, resume=True)
    assert len(notes.lines) == 1
    assert "after epoch 2 the training goes on with engine numpy (so far torch), device cpu" in notes.lines[0]
    assert "moments of the optimiser carry over" in notes.lines[0]
    assert "dropout is drawn differently" in notes.lines[0]
    assert result.history.engines() == [
        {"engine": "torch", "first_epoch": 1, "last_epoch": 2},
        {"engine": "numpy", "first_epoch": 3, "last_epoch": 4},
    ]
    straight = new_model()
    fit(straight, train, validation, plan())
    assert np.array_equal(second.kernel, straight.kernel)
    again = Notes()
    fit(new_model(), train, validation, settings, checkpoints=checkpoints, progress=again, resume=True)
    assert again.lines == []
    third = plan(engine="torch", device="cpu")
    fit(new_model(), train, validation, third, checkpoints=checkpoints, progress=again, resume=True)
    assert (
        "complete after epoch 4; nothing is left to train with engine torch (so far numpy)" in again.lines[0]
    )


def test_another_engine_does_not_excuse_another_rate(new_model, train, validation, plan, tmp_path):
    fit(new_model(), train, validation, plan(engine="torch"), checkpoints=CheckpointFolder(tmp_path))
    other = plan(engine="numpy", optimizer={"type": "sgd", "learning_rate": 0.2})
    message = (
        r"changed in training\.optimizer\.learning_rate\.\n(.*\n)*.*Only engine, device and precision may"
    )
    with pytest.raises(ConfigError, match=message) as caught:
        fit(new_model(), train, validation, other, checkpoints=CheckpointFolder(tmp_path), resume=True)
    assert "training.engine" not in str(caught.value)


def test_rest_of_the_configuration_is_compared_too(new_model, train, validation, plan, tmp_path):
    settings = replace(plan(), configuration={"network": {"hidden": (8, 8)}, "data": {"objects": {}}})
    fit(new_model(), train, validation, settings, checkpoints=CheckpointFolder(tmp_path))
    fit(new_model(), train, validation, settings, checkpoints=CheckpointFolder(tmp_path), resume=True)
    other = replace(settings, configuration={"network": {"hidden": (8,)}, "data": {"objects": {}}})
    with pytest.raises(ConfigError, match=r"network\.hidden: was \[8, 8\], is \[8\]"):
        fit(new_model(), train, validation, other, checkpoints=CheckpointFolder(tmp_path), resume=True)


def test_resuming_with_other_events_is_refused(new_model, train, validation, plan, tmp_path):
    fit(new_model(), train, validation, plan(), checkpoints=CheckpointFolder(tmp_path))
    other = replace(train, inputs={"features": train.inputs["features"] + 1})
    with pytest.raises(ConfigError, match=r"changed in prepared_events\.train"):
        fit(new_model(), other, validation, plan(), checkpoints=CheckpointFolder(tmp_path), resume=True)


def damage_truncated_state(folder):
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-7])


def damage_flipped_byte(folder):
    path = next(folder.glob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def damage_missing_state(folder):
    next(folder.glob("*.safetensors")).unlink()


def damage_truncated_json(folder):
    path = folder / "last.json"
    path.write_text(path.read_text()[:100])


def damage_missing_key(folder):
    path = folder / "last.json"
    content = json.loads(path.read_text())
    del content["history"]
    path.write_text(json.dumps(content))


def damage_later_version(folder):
    path = folder / "last.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 3'))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_truncated_state, "are not those that were written"),
        (damage_flipped_byte, "are not those that were written"),
        (damage_missing_state, "cannot be read"),
        (damage_truncated_json, "it is not JSON"),
        (damage_missing_key, "its content is not as written"),
        (damage_later_version, "its format_version is 3, expected 2 or less"),
    ],
)
def test_damaged_checkpoint_says_what_to_do(new_model, train, validation, plan, tmp_path, damage, message):
    settings = plan(epochs=1)
    fit(new_model(), train, validation, settings, checkpoints=CheckpointFolder(tmp_path))
    damage(tmp_path)
    with pytest.raises(DataError, match=f"cannot use the checkpoint in.*{message}") as error:
        fit(new_model(), train, validation, settings, checkpoints=CheckpointFolder(tmp_path), resume=True)
    assert "--overwrite" in str(error.value)


def test_full_disk_leaves_the_earlier_checkpoint(model, train, validation, plan, tmp_path, monkeypatch):
    fit(model, train, validation, plan(), checkpoints=CheckpointFolder(tmp_path))
    folder = CheckpointFolder(tmp_path)
    position, configuration = folder.load()

    def refuse(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    later = replace(position, history=position.history.extended(position.history.rows[-1]))
    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(DataError, match=r"cannot write .*epoch-0005\.safetensors: no space is left"):
        folder.save(later, configuration)
    assert CheckpointFolder(tmp_path).load()[0].epoch == 4


def test_best_json_names_the_best_epoch(model, train, validation, plan, tmp_path):
    settings = plan(epochs=8, optimizer={"type": "sgd", "learning_rate": 30.0}, early_stopping={})
    result = fit(model, train, validation, settings, checkpoints=CheckpointFolder(tmp_path))
    best = json.loads((tmp_path / "best.json").read_text())
    assert best["epoch"] == result.best_epoch < 8
    assert (tmp_path / best["state"]["name"]).name == f"epoch-{result.best_epoch:04d}.safetensors"
