"""`rapidity predict --verify`: whether scores still belong to their events and their model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rapidity.core.errors import DataError, VerificationError
from rapidity.data.fitted_outputs import FittedRegression
from rapidity.delivery import PredictTask, predict_file, verify_file
from rapidity.delivery.checking import find_differences
from rapidity.delivery.facts import read_facts
from rapidity.delivery.tally import Counts

FORMATS = {"root": ".root", "rntuple": ".root", "hdf5": ".h5", "parquet": ".parquet", "csv": ".csv"}


@pytest.fixture(params=FORMATS)
def scored(request, model, make_events, write_events, tmp_path):
    """Return events, their file and the task that scored them."""
    events = make_events(20)
    source = write_events(tmp_path / "a.root", events)
    output = tmp_path / f"s{FORMATS[request.param]}"
    task = PredictTask(str(model), str(source), str(output), request.param, n_threads=1)
    predict_file(task)
    return events, source, task


def test_scores_that_fit_are_verified(scored):
    events, _, task = scored
    outcome = verify_file(task)
    assert outcome.is_kept
    assert outcome.counts.n_events == len(events["pt"])


def test_the_first_entry_that_changed_is_named(scored, write_events):
    events, source, task = scored
    events["eta"][[13, 17]] += 1e-9
    write_events(source, events)
    with pytest.raises(VerificationError, match=r"entry 13 of .*a\.root is not the one that was scored into"):
        verify_file(task)


def test_columns_that_the_model_does_not_read_may_change(scored, write_events):
    events, source, task = scored
    events["event"] += 1
    write_events(source, events)
    verify_file(task)


def test_a_changed_order_is_noticed(scored, write_events):
    events, source, task = scored
    order = np.arange(20)
    order[[3, 4]] = [4, 3]
    write_events(source, {name: values[order] for name, values in events.items()})
    with pytest.raises(VerificationError, match=r"entry 3 of .*or the entries have another order"):
        verify_file(task)


@pytest.mark.parametrize("n_events", [12, 25])
def test_another_number_of_entries_is_told(scored, make_events, write_events, n_events):
    events, source, task = scored
    more = make_events(25)
    for name in more:
        more[name][:20] = events[name]
    write_events(source, {name: values[:n_events] for name, values in more.items()})
    with pytest.raises(VerificationError, match=rf"a\.root has {n_events} entries, but .* was made from 20"):
        verify_file(task)


def test_a_friend_of_another_length_is_told(model, make_events, write_events, tmp_path):
    # CSV files do not say how many entries they have: only reading tells.
    events = make_events(20)
    source = write_events(tmp_path / "a.csv", events)
    task = PredictTask(str(model), str(source), str(tmp_path / "s.csv"), "csv", n_threads=1)
    predict_file(task)
    friend = tmp_path / "s.csv"
    whole = friend.read_text()
    friend.write_text("".join(whole.splitlines(keepends=True)[:-3]))
    with pytest.raises(VerificationError, match=r"s\.csv ends after 17 entries, but .*a\.csv goes on"):
        verify_file(task)
    friend.write_text(whole + whole.splitlines(keepends=True)[-1])
    with pytest.raises(VerificationError, match=r"a\.csv ends after 20 entries, but .*s\.csv goes on"):
        verify_file(task)


def test_another_model_is_told(scored, models):
    _, _, task = scored
    other = PredictTask(str(models / "other.onnx"), task.source, task.output, task.output_format)
    with pytest.raises(
        VerificationError, match=r"were made by another model: found tiny [0-9a-f]{12}, expected"
    ):
        verify_file(other)


def test_scores_of_another_file_are_told(scored, make_events, write_events, tmp_path, model):
    _, _, task = scored
    source = write_events(tmp_path / "b.root", make_events(20))
    with pytest.raises(VerificationError, match=r"belong to another file: found a\.root, expected b\.root"):
        verify_file(PredictTask(str(model), str(source), task.output, task.output_format))


def test_a_score_that_was_changed_is_told(model, make_events, write_events, tmp_path):
    source = write_events(tmp_path / "a.csv", make_events(20))
    task = PredictTask(str(model), str(source), str(tmp_path / "s.csv"), "csv", n_threads=1)
    predict_file(task)
    lines = (tmp_path / "s.csv").read_text().splitlines()
    cells = lines[8].split(",")
    cells[1] = "0.123"
    lines[8] = ",".join(cells)
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        VerificationError, match=r"entry 7 of .*: score_signal is 0\.123.* but the model gives"
    ):
        verify_file(task)


def _change_scores(path, rows, score):
    lines = path.read_text().splitlines()
    place = lines[0].split(",").index("score_signal")
    for row in rows:
        cells = lines[row + 1].split(",")
        cells[place] = score
        lines[row + 1] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")


def _score(model, source, output):
    task = PredictTask(str(model), str(source), str(output), "csv", n_threads=1)
    predict_file(task)
    return task


def test_of_a_network_that_jumps_one_event_in_a_thousand_may_have_another_score(
    models, make_events, write_events, tmp_path
):
    """Ties between neighbours in a network refused files that were scored on another machine."""
    source = write_events(tmp_path / "a.csv", make_events(120))
    plain, jumping = (
        _score(models / f"{name}.onnx", source, tmp_path / f"{name}.csv") for name in ("plain", "jumping")
    )
    for task in (plain, jumping):
        _change_scores(Path(task.output), [7], "0.123")
    with pytest.raises(VerificationError, match=r"entry 7 of .*: score_signal is 0\.123"):
        verify_file(plain)
    assert verify_file(jumping).counts == Counts(120, n_jumps=1)
    assert predict_file(jumping).counts == Counts(120, n_jumps=1)
    _change_scores(Path(jumping.output), [7, 110], "0.123")
    with pytest.raises(VerificationError, match=r"entry 7 .* Of 120 entries .* 2 differ; at most 1 may"):
        verify_file(jumping)


@pytest.mark.parametrize(("n_events", "score"), [(120, "nan"), (20, "0.123")])
def test_nan_and_any_of_a_few_events_are_told_of_a_network_that_jumps_too(
    models, make_events, write_events, tmp_path, n_events, score
):
    source = write_events(tmp_path / "a.csv", make_events(n_events))
    task = _score(models / "jumping.onnx", source, tmp_path / "s.csv")
    _change_scores(Path(task.output), [7], score)
    with pytest.raises(VerificationError, match=rf"entry 7 of .*: score_signal is {score}"):
        verify_file(task)


def test_a_friend_that_is_not_whole_is_told(scored):
    _, _, task = scored
    path = Path(task.output)
    if task.output_format == "csv":
        pytest.skip("a cut CSV file is one with fewer entries")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(VerificationError, match=r"the scores of .*a\.root cannot be read: .*--overwrite"):
        verify_file(task)


def test_an_input_that_is_not_whole_is_told(scored):
    _, source, task = scored
    source.write_bytes(source.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"a\.root is truncated"):
        verify_file(task)


def test_an_output_is_overwritten_on_request_only(scored, models):
    _, _, task = scored
    other = PredictTask(str(models / "other.onnx"), task.source, task.output, task.output_format)
    with pytest.raises(VerificationError, match=r"another model.* Score it again with --overwrite"):
        predict_file(other)
    assert read_facts(Path(task.output)).model == "tiny"
    again = PredictTask(other.model, other.source, other.output, other.output_format, overwrite=True)
    assert not predict_file(again).is_kept
    verify_file(other)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e9])
def test_predictions_are_compared_in_units_of_their_target(unit):
    """A lifetime in seconds passed whatever it was; an energy in eV near zero never did."""
    model = SimpleNamespace(outputs={"energy": FittedRegression("energy", spread=unit)})
    expected = np.array([0.0, 3.0, 1000.0, np.nan]) * unit
    rounded = np.array([1e-6, 3.000001, 1000.001, np.nan]) * unit
    wrong = np.array([0.01, 3.01, 1001.0, 0.0]) * unit
    assert not find_differences(model, "prediction_energy", rounded, expected).any()
    assert find_differences(model, "prediction_energy", wrong, expected).all()


def test_scores_are_compared_as_they_are():
    model = SimpleNamespace(outputs={"energy": FittedRegression("energy", spread=1e9)})
    found, expected = np.array([0.5, 0.5]), np.array([0.500001, 0.51])
    assert find_differences(model, "score_energy", found, expected).tolist() == [False, True]
    numbers = np.array([1, -1])
    assert find_differences(model, "object_jets_0", numbers, np.array([1, 2])).tolist() == [False, True]
