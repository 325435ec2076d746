"""`rapidity predict` on many files: outputs, what is kept, who works, what is told."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import uproot
import yaml

import rapidity
from rapidity.cli.app import main
from rapidity.core.errors import ConfigError, DataError, InterruptedRunError, VerificationError
from rapidity.data.readers import open_reader
from rapidity.data.writers import open_writer
from rapidity.data.writers.root import open_root_writer
from rapidity.delivery import predict_file

if TYPE_CHECKING:
    from pathlib import Path

N_EVENTS = 60


def make_events(n_events=N_EVENTS, seed=1):
    rng = np.random.default_rng(seed)
    code = np.arange(n_events) % 2
    return {
        "pt": rng.normal(30.0 + 10.0 * code, 8.0).astype("f4"),
        "eta": rng.normal(0.0, 1.0 + code),
        "good": rng.integers(0, 2, n_events),
        "event": np.arange(n_events) + 1000 * seed,
        "kind": np.array(["background", "signal"], dtype=object)[code],
    }


def write_tree(path, seed=1, **columns):
    events = {name: values for name, values in make_events(seed=seed).items() if name != "kind"} | columns
    dtypes = {name: values.dtype for name, values in events.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_root_writer(path, columns=dtypes, table="nominal") as writer:
        writer.write(events)
    return path


@pytest.fixture(scope="module")
def run(module_without_plots, tmp_path_factory):
    """Return a finished run on CSV events, with a selection."""
    folder = tmp_path_factory.mktemp("run")
    events = make_events(600)
    with open_writer(folder / "a.csv", columns={key: value.dtype for key, value in events.items()}) as writer:
        writer.write(events)
    config = {
        "name": "tiny",
        "data": {"sources": [{"path": "a.csv"}], "target": "kind", "selection": "good == 1"},
        "features": ["pt", "eta"],
        "network": {"type": "mlp", "hidden": [4]},
        "training": {"engine": "numpy", "epochs": 1},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return rapidity.train(folder / "config.yaml", output=folder / "run")


@pytest.fixture
def inputs(tmp_path):
    """Return three ROOT files in two folders, two of the same name."""
    paths = ("one/a.root", "one/b.root", "two/a.root")
    return [write_tree(tmp_path / "in" / path, seed) for seed, path in enumerate(paths)]


def scores_of(run, path, columns=("pt", "eta")):
    events = {name: np.asarray(uproot.open(path)["nominal"][name].array()) for name in columns}
    return run.model.run(dict(zip(("pt", "eta"), events.values(), strict=True))).probabilities[:, 1]


def read_friend(path, name="score_signal"):
    with uproot.open(path) as file:
        return np.asarray(file["scores"][name].array())


def contents(folder: Path):
    """Return the values of all friends of a folder."""
    return {
        path.relative_to(folder): [read_friend(path, name).tolist() for name in open_reader(path).columns]
        for path in sorted(folder.rglob("*.root"))
    }


def test_each_file_gets_a_friend_and_folders_keep_apart_what_has_one_name(run, inputs, tmp_path):
    summary = run.predict(inputs, tmp_path / "out", progress=None)
    names = [str(path.relative_to(tmp_path / "out")) for path in summary.outputs]
    assert names == ["one/a.scores.root", "one/b.scores.root", "two/a.scores.root"]
    for source, output in zip(inputs, summary.outputs, strict=True):
        np.testing.assert_allclose(read_friend(output), scores_of(run, source), atol=1e-6)
        good = np.asarray(uproot.open(source)["nominal"]["good"].array()) == 1
        np.testing.assert_array_equal(read_friend(output, "pass"), good)
    assert (summary.n_events, summary.n_kept_files) == (3 * N_EVENTS, 0)
    assert f"{3 * N_EVENTS} events of 3 files scored" in str(summary)
    assert 'tree->AddFriend("scores", "' in str(summary)
    assert 'Filter("scores.score_signal > 0.5 && scores.pass")' in str(summary)
    json.dumps(summary.to_dict())


def test_an_interrupted_prediction_continues(run, inputs, tmp_path):
    run.predict(inputs[:2], tmp_path / "out")
    (tmp_path / "out/b.scores.root").unlink()
    first = (tmp_path / "out/a.scores.root").stat().st_mtime_ns
    summary = run.predict(inputs[:2], tmp_path / "out")
    assert (summary.n_events, summary.n_kept_files, summary.n_kept_events) == (N_EVENTS, 1, N_EVENTS)
    assert f"scored before, verified and kept: {N_EVENTS} events of 1 file" in str(summary)
    assert (tmp_path / "out/a.scores.root").stat().st_mtime_ns == first


def test_stale_scores_are_an_error_until_they_may_be_replaced(run, inputs, tmp_path):
    run.predict(inputs[:2], tmp_path / "out")
    write_tree(inputs[1], seed=9)
    with pytest.raises(VerificationError, match=r"entry 0 of .*b\.root is not the one that was scored"):
        run.predict(inputs[:2], tmp_path / "out")
    run.predict(inputs[:2], tmp_path / "out", overwrite=True)
    assert run.predict(inputs[:2], tmp_path / "out", verify=True).is_verification


def test_processes_give_what_one_gives(run, inputs, tmp_path):
    run.predict(inputs, tmp_path / "one")
    run.predict(inputs, tmp_path / "many", n_workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_one_bad_file_is_told_before_anything_is_scored(run, inputs, tmp_path):
    inputs[2].write_bytes(inputs[2].read_bytes()[:-50])
    with pytest.raises(DataError, match=r"two/a\.root is truncated"):
        run.predict(inputs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_columns_under_other_names_and_in_other_units_are_mapped(run, tmp_path):
    events = make_events(seed=4)
    path = write_tree(
        tmp_path / "a.root", 4, lep_pt=events["pt"] * 1000, lep_eta=events["eta"], trig=events["good"]
    )
    (tmp_path / "map.yaml").write_text("columns:\n  pt: lep_pt / 1000\n  eta: lep_eta\n  good: trig\n")
    summary = run.predict(path, tmp_path / "s.root", columns=tmp_path / "map.yaml")
    expected = run.model.run(events).probabilities[:, 1]
    np.testing.assert_allclose(read_friend(summary.outputs[0]), expected, atol=1e-5)


def test_a_map_is_part_of_what_is_verified(run, tmp_path):
    path = write_tree(tmp_path / "a.root")
    (tmp_path / "map.yaml").write_text("columns: {pt: pt + 0}\n")
    run.predict(path, tmp_path / "s.root", columns=tmp_path / "map.yaml")
    with pytest.raises(VerificationError, match=r"were made with other --columns: found \{'pt': 'pt \+ 0'\}"):
        run.predict(path, tmp_path / "s.root", verify=True)


def test_friends_are_read_as_joined_files_in_training(run, inputs, tmp_path):
    """A second network may take the scores of the first, or its spectators."""
    labelled = make_events(seed=0)
    summary = run.predict(inputs[0], tmp_path / "s.root")
    with open_writer(tmp_path / "labels.csv", columns={"kind": object}) as writer:
        writer.write({"kind": labelled["kind"]})
    config = {
        "name": "second",
        "data": {
            "sources": [
                {
                    "path": str(inputs[0]),
                    "tree": "nominal",
                    "join": [str(summary.outputs[0]), str(tmp_path / "labels.csv")],
                }
            ],
            "target": "kind",
            "selection": "good == 1 or good == 0",
        },
        "features": ["score_signal", "eta"],
        "network": {"type": "mlp", "hidden": [4]},
        "training": {"engine": "numpy", "epochs": 1},
    }
    (tmp_path / "second.yaml").write_text(yaml.safe_dump(config))
    second = rapidity.train(tmp_path / "second.yaml", output=tmp_path / "second")
    assert list(second.model.inputs) == ["score_signal", "eta"]


@pytest.mark.parametrize(
    ("output", "options", "error", "message"),
    [
        ("out.txt", {}, DataError, r"found '\.txt', expected a name that ends in .*\.root for one file"),
        ("s.root", {}, DataError, r"it would belong to 3 files\. Name a folder"),
        ("s.csv", {"verify": True}, ConfigError, r"--verify with --output .*s\.csv: that is one table"),
        ("s.csv", {"output_format": "csv"}, ConfigError, r"--format with --output .*s\.csv"),
        ("out", {"output_format": "rot"}, ConfigError, r"--format rot: not known\. Did you mean 'root'"),
        ("out", {"inject": True, "output_format": "csv"}, ConfigError, "--format with --inject"),
        ("out", {"verify": True}, VerificationError, r"3 of 3 files have no scores: .*a\.scores\.root"),
        ("out", {"spectators": ["nothing"]}, DataError, r"spectator 'nothing' is not in tree 'nominal'"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_told(run, inputs, tmp_path, output, options, error, message):
    with pytest.raises(error, match=message):
        run.predict(inputs, tmp_path / output, **options)
    assert not list(tmp_path.rglob("*.scores.*"))


def test_friends_beside_their_files_are_not_scored(run, inputs):
    """A glob of a second call finds them."""
    pattern = str(inputs[0].parent / "*.root")
    run.predict(pattern, inputs[0].parent)
    assert run.predict(pattern, inputs[0].parent).n_kept_files == 2
    with pytest.raises(DataError, match=r"finds only files of scores \(a\.scores\.root, b\.scores\.root\)"):
        run.predict(str(inputs[0].parent / "*.scores.root"), inputs[0].parent / "out")


def test_one_file_given_twice_is_told(run, inputs, tmp_path):
    with pytest.raises(DataError, match=r"would both be scored into .*a\.scores\.root"):
        run.predict([inputs[0], inputs[0]], tmp_path / "out")


def test_copies_are_no_inputs(run, inputs, tmp_path):
    before = inputs[0].read_bytes()
    with pytest.raises(DataError, match=r"which is read here"):
        run.predict(inputs[0], inputs[0].parent, inject=True, overwrite=True)
    assert inputs[0].read_bytes() == before
    run.predict(inputs[0], tmp_path / "out", inject=True)
    with uproot.open(tmp_path / "out/a.root") as file:
        scores = np.asarray(file["nominal"]["score_signal"].array())
    np.testing.assert_allclose(scores, scores_of(run, inputs[0]), atol=1e-6)


def test_what_stands_in_the_way_of_a_copy_is_told_before_anything_is_scored(run, inputs, tmp_path):
    with uproot.recreate(inputs[2]) as file:
        events = {name: values for name, values in make_events().items() if name != "kind"}
        file.mktree("nominal", {name: values.dtype for name, values in events.items()})
        for _ in range(2):
            file["nominal"].extend(events)
    with pytest.raises(DataError, match=r"each of its branches is stored in 2 baskets"):
        run.predict(inputs, tmp_path / "out", inject=True)
    assert not (tmp_path / "out").exists()


def test_the_verb_exits_with_3_when_a_verification_fails(run, inputs, tmp_path, capsys):
    arguments = ["predict", str(run.folder), str(inputs[0]), "-o", str(tmp_path / "out"), "--quiet"]

    def call(*more):
        with pytest.raises(SystemExit) as exited:
            main([*arguments, *more])
        captured = capsys.readouterr()
        return exited.value.code, captured.out, captured.err

    code, out, _ = call("--json")
    assert code == 0
    assert json.loads(out)["n_events"] == N_EVENTS
    assert call("--verify")[0] == 0
    write_tree(inputs[0], seed=5)
    code, _, err = call("--verify")
    assert code == 3
    assert "VerificationError: entry 0 of" in err
    (tmp_path / "out/a.scores.root").unlink()
    code, _, err = call("--verify")
    assert (code, "1 of 1 files have no scores" in err) == (3, True)


INTERRUPTED = """
import sys, os, signal, time
import rapidity.delivery.friends as friends
real = friends.hash_entries
def interrupt(model, chunk):
    if chunk.first_entry > 0:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    return real(model, chunk)
friends.hash_entries = interrupt
import rapidity.delivery.scoring as scoring
scoring.CHUNK_SIZE = 25
from rapidity.cli.app import main
main(["predict", *sys.argv[1:], "--quiet"])
"""


@pytest.mark.parametrize("is_there", [False, True])
def test_an_interrupted_verb_leaves_no_half_file_and_no_folder_of_its_own(run, inputs, tmp_path, is_there):
    output = tmp_path / "out" / "scores"
    if is_there:
        output.mkdir(parents=True)
    command = [sys.executable, "-c", INTERRUPTED, str(run.folder), str(inputs[0]), "-o", str(output)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (130, "Interrupted.")
    assert [path.name for path in tmp_path.rglob("out/**/*")] == (["scores"] if is_there else [])
    assert output.parent.exists() == is_there


def test_what_ended_workers_have_half_written_goes_with_its_folder(tmp_path):
    from rapidity.workflow.predict import _without_traces

    outputs = [tmp_path / "out" / "one" / "a.scores.root", tmp_path / "out" / "b.scores.root"]

    def be_interrupted():
        for path in outputs:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f".{path.stem}-12345678.root").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), _without_traces(outputs):
        be_interrupted()
    assert not (tmp_path / "out").exists()


@pytest.mark.cluster
def test_dask_workers_give_what_one_process_gives(run, inputs, tmp_path):
    run.predict(inputs, tmp_path / "one")
    run.predict(inputs, tmp_path / "many", cluster="local:2")
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_values_outside_are_counted_where_the_selection_passes(run, tmp_path):
    good = np.arange(N_EVENTS) % 2
    path = write_tree(tmp_path / "a.root", pt=np.full(N_EVENTS, 1e6, "f4"), good=good)
    assert run.predict(path, tmp_path / "scores").n_outside["pt"] == N_EVENTS // 2
    assert run.predict(path, tmp_path / "all", with_pass=False).n_outside["pt"] == N_EVENTS


def test_an_interrupted_prediction_says_what_is_done(run, inputs, tmp_path, monkeypatch):
    import rapidity.workflow.predict as module

    done = []

    def predict(task, progress=None):
        if done:
            raise KeyboardInterrupt
        done.append(predict_file(task, progress))
        return done[-1]

    monkeypatch.setattr(module, "predict_file", predict)
    with pytest.raises(InterruptedRunError, match=r"scoring was stopped: 1 of 3 files are done\."):
        run.predict(inputs, tmp_path / "scores")
    monkeypatch.undo()
    assert run.predict(inputs, tmp_path / "scores").n_kept_files == 1
