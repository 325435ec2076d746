"""Wrong input, as a user meets it: exit code 2, one clear message, and nothing that exists is touched."""

from __future__ import annotations

import os

import numpy as np
import pytest

from rapidity.cli import main
from rapidity.core.files import hash_file

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder that holds events.csv."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def events(folder, tiny_events, save_csv):
    made = tiny_events(300)
    save_csv(folder / "events.csv", made)
    return made


def snapshot(folder):
    return {
        str(path.relative_to(folder)): hash_file(path) if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


@pytest.fixture
def call(capsys):
    """Return a function that runs the command and returns exit code, stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return caught.value.code or 0, shown.out, shown.err

    return run


@pytest.fixture
def refuse(folder, call):
    """Return a function that runs the command, expects it to refuse, and returns the message."""

    def run(*arguments, error="DataError"):
        before = snapshot(folder)
        code, out, err = call(*arguments, *(["--quiet"] if arguments[0] in {"train", "check"} else []))
        assert code == 2
        assert out == ""
        assert err.startswith(f"{error}: ")
        assert err.count("Error: ") == 1
        assert "Traceback" not in err
        assert snapshot(folder) == before
        return err

    return run


def data(path="events.csv", **keys):
    return {"sources": [{"path": path}], "target": "kind", **keys}


# The configuration


def test_all_wrong_keys_are_reported_at_once_with_their_lines(folder, refuse):
    text = """\
name: tiny
data:
  sources: [{path: events.csv}]
  taget: kind
features: [pt, eta]
training:
  epochs: -1
  optimizer: {type: adm}
  lerning_rate: 0.1
network: {type: mlp, hiden: [8]}
"""
    (folder / "bad.yaml").write_text(text)
    message = refuse("train", "bad.yaml", error="ConfigError")
    assert "problems in bad.yaml" in message
    for line, name, near in (
        (4, "data.taget", "target"), (8, "training.optimizer", "adam"), (10, "network.hiden", "hidden"),
    ):  # fmt: skip
        (found,) = [shown for shown in message.splitlines() if name in shown]
        assert f"line {line} " in found
        assert f"Did you mean '{near}'?" in message
    assert "line 7 " in message
    assert "line 9 " in message


def test_fractions_that_do_not_add_up(events, write_config, refuse):
    config = write_config(preparation={"split": {"train": 0.8, "validation": 0.3, "test": 0.1}})
    message = refuse("train", config, error="ConfigError")
    assert "add up to 1.2, not 1 (train 0.8, validation 0.3, test 0.1)" in message


def test_missing_configuration(folder, refuse):
    (folder / "config.yaml").touch()
    message = refuse("train", "confg.yaml", error="ConfigError")
    assert "confg.yaml does not exist" in message
    assert "config.yaml" in message.replace("confg.yaml", "")


# Files


def test_missing_file_shows_near_names(events, write_config, refuse):
    message = refuse("train", write_config(data=data("evens.csv")))
    assert "evens.csv does not exist" in message
    assert "Closest: events.csv" in message


def test_glob_that_matches_nothing(events, write_config, refuse):
    assert "no file matches" in refuse("train", write_config(data=data("*.root")))


@pytest.mark.parametrize(
    ("name", "content", "found", "expected"),
    [
        ("events.root", b"pt,eta,kind\n1,2,signal\n", "text", "ROOT"),
        ("events.h5", b"pt,eta,kind\n1,2,signal\n", "text", "HDF5"),
        ("events.parquet", b"root" + bytes(200), "a ROOT file", "Parquet"),
        ("events.csv", b"\x89HDF\r\n\x1a\n" + bytes(200), "an HDF5 file", "CSV"),
        ("events.csv", b"\x89PNG\r\n\x1a\n" + bytes(200), "a PNG picture", "CSV"),
        ("events.npy", b"<!DOCTYPE html><html>Sign in</html>", "a web page", "NumPy"),
    ],
)
def test_file_that_is_not_what_its_name_says(folder, write_config, refuse, name, content, found, expected):
    (folder / name).write_bytes(content)
    message = refuse("train", write_config(data=data(name)))
    assert f"{name} is not what its name says: found {found}, expected {expected}" in message


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.98])
def test_truncated_gz(folder, write_config, refuse, tiny_events, save_csv, kept):
    whole = save_csv(folder / "events.csv.gz", tiny_events()).read_bytes()
    (folder / "events.csv.gz").write_bytes(whole[: int(len(whole) * kept)])
    message = refuse("train", write_config(data=data("events.csv.gz")))
    assert "events.csv.gz is truncated" in message
    assert "again" in message


@pytest.mark.parametrize("suffix", ["root", "h5", "parquet", "npz", "npy"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.98])
def test_other_truncated_files(folder, write_config, refuse, tiny_events, suffix, kept):
    columns = {name: values for name, values in tiny_events().items() if name != "kind"}
    path = folder / f"events.{suffix}"
    save_as(path, columns)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    message = refuse("train", write_config(data=data(path.name, target="code", classes={"b": 0, "s": 1})))
    assert f"events.{suffix}" in message
    assert "truncated" in message


def save_as(path, columns):
    if path.suffix == ".root":
        import uproot

        with uproot.recreate(path) as file:
            file.mktree("events", {name: values.dtype for name, values in columns.items()}).extend(columns)
    elif path.suffix in {".h5", ".parquet"}:
        from rapidity.data.writers import open_writer

        with open_writer(path, columns={name: values.dtype for name, values in columns.items()}) as writer:
            writer.write(columns)
    elif path.suffix == ".npz":
        np.savez(path, **columns)
    else:
        np.save(path, np.rec.fromarrays(list(columns.values()), names=list(columns)))


@pytest.mark.parametrize("content", ["", "pt,eta,met,n_jets,kind\n"])
def test_empty_file(folder, write_config, refuse, content):
    (folder / "events.csv").write_text(content)
    message = refuse("train", write_config())
    assert "events.csv" in message
    assert "empty" in message or "holds no entries" in message


# Columns


def test_missing_column_shows_the_nearest_names(events, write_config, refuse):
    message = refuse("train", write_config(features=["pt", "n_jts"]))
    assert "column 'n_jts'" in message
    assert "'n_jets'" in message
    assert "rapidity inspect" in message


@pytest.mark.parametrize(
    ("key", "value"), [("target", "knid"), ("event_weight", "weigt"), ("event_key", ["evnt"]),
                       ("spectators", ["evnt"]), ("selection", "ptt > 2")]
)  # fmt: skip
def test_missing_column_says_who_needs_it(events, write_config, refuse, key, value):
    message = refuse("train", write_config(data={**data(), key: value}))
    assert f"data.{key}" in message
    assert "Closest: " in message


@pytest.mark.parametrize("features", [["pt", "eta"], "all"])
@pytest.mark.parametrize("line", [2, 251, 8_500])
def test_text_in_a_numeric_column(folder, write_config, refuse, tiny_events, save_csv, features, line):
    """Near the beginning, where the kinds of the columns are found, and far from it."""
    path = save_csv(folder / "events.csv", tiny_events(9_000))
    lines = path.read_text().splitlines()
    cells = lines[line - 1].split(",")
    lines[line - 1] = ",".join([cells[0], "n/a?", *cells[2:]])
    path.write_text("\n".join(lines))
    message = refuse("train", write_config(features=features))
    assert "column 'eta' of" in message
    assert f"line {line}: found 'n/a?'" in message


def test_text_column_as_a_feature(events, write_config, refuse):
    message = refuse("train", write_config(data=data(target="code"), features=["pt", "kind"]))
    assert "column 'kind'" in message
    assert "needs a number per event" in message


def test_nan_in_a_feature(events, folder, write_config, refuse, save_csv):
    events["eta"][7] = np.nan
    save_csv(folder / "events.csv", events)
    message = refuse("train", write_config())
    assert "'eta'" in message
    assert "entry 7 of" in message


# Events


def test_selection_that_keeps_nothing(events, write_config, refuse):
    message = refuse("train", write_config(data=data(selection="pt > 1e6")))
    assert "'pt > 1e6' keeps none of the events (300 entries" in message


def test_one_class_only(events, write_config, refuse):
    message = refuse("train", write_config(data=data(selection="code == 1")))
    assert "one class only: signal (150)" in message


def test_class_absent_in_a_split(events, write_config, refuse):
    split = {"by": "where(code == 1, event % 4, 0)", "validation": [1], "test": [2]}
    message = refuse("train", write_config(preparation={"split": split}))
    assert "background" in message
    assert "validation" in message


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("0 * pt", "sums to 0"),
        ("where(event % 4 < 2, 1, -1)", "sums to 0"),
        ("log(eta)", "nan at entry"),
        ("1 / (event - event)", "inf at entry"),
    ],
)
def test_weights_without_a_sum_or_nan(events, write_config, refuse, weight, said):
    message = refuse("train", write_config(data=data(event_weight=weight)))
    assert "data.event_weight" in message
    assert said in message


# Folders and models


@pytest.fixture
def run_folder(events, folder, train):
    """Return the folder of a finished run; its configuration is run.yaml."""
    return train(options={"overwrite": False}).folder


def test_folder_that_holds_another_run(run_folder, folder, refuse):
    message = refuse("train", "run.yaml", "--output", run_folder, error="ConfigError")
    assert "already holds a run" in message
    assert "--resume" in message
    assert "--overwrite" in message


def test_folder_that_holds_something_else(events, folder, write_config, refuse):
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.tex").write_text("precious")
    for flag in ((), ("--overwrite",), ("--resume",)):
        message = refuse("train", write_config(), "--output", folder / "thesis", *flag, error="ConfigError")
        assert "is not the folder of a run" in message


def test_folder_that_cannot_be_made(events, write_config, refuse):
    config = write_config()
    message = refuse("train", config, "--output", "events.csv/run", error="ConfigError")
    assert "cannot make the folder events.csv/run: events.csv is a file" in message
    message = refuse("train", config, "--output", "a" * 300, error="ConfigError")
    assert "too long" in message


def test_folder_without_permission(events, folder, write_config, refuse, monkeypatch):
    # The tests may run as root, who may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    message = refuse("train", write_config(), "--output", "there/run", error="ConfigError")
    assert "cannot write to there/run: no permission for ." in message


def test_resume_with_a_changed_configuration(run_folder, refuse):
    changed = ("--set", "training.batch_size=50", "--set", "network.hidden=[9]")
    message = refuse("train", "run.yaml", "--output", run_folder, "--resume", *changed, error="ConfigError")
    assert "training.batch_size" in message
    assert "network.hidden" in message


def test_resume_with_changed_events(run_folder, folder, refuse, tiny_events, save_csv):
    save_csv(folder / "events.csv", tiny_events(300, seed=2))
    message = refuse("train", "run.yaml", "--output", run_folder, "--resume", error="ConfigError")
    assert "prepared_events" in message


def test_resume_without_a_run(events, write_config, refuse):
    message = refuse("train", write_config(), "--resume", error="ConfigError")
    assert "nothing to resume" in message


def test_failed_replacement_leaves_the_old_run(run_folder, folder, refuse):
    (folder / "events.csv").write_text("pt,eta\n")
    refuse("train", "run.yaml", "--output", run_folder, "--overwrite")


def test_onnx_file_that_is_not_ours(events, folder, refuse):
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "other",
        [value("x", TensorProto.FLOAT, [1])], [value("y", TensorProto.FLOAT, [1])],
    )  # fmt: skip
    onnx.save(helper.make_model(graph), folder / "other.onnx")
    message = refuse("predict", "other.onnx", "events.csv", "-o", "scores.csv", error="ExportError")
    assert "other.onnx" in message
    assert "rapidity" in message.lower()
    (folder / "text.onnx").write_text("no model")
    message = refuse("predict", "text.onnx", "events.csv", "-o", "scores.csv", error="ExportError")
    assert "text.onnx" in message
    message = refuse("predict", "nowhere.onnx", "events.csv", "-o", "scores.csv", error="ExportError")
    assert "nowhere.onnx" in message


def test_data_that_lack_a_column_of_the_model(run_folder, events, folder, refuse, save_csv):
    save_csv(folder / "new.csv", {"n_jet": events["n_jets"], "pt": events["pt"], "eta": events["eta"]})
    message = refuse("predict", run_folder, "new.csv", "-o", "scores.csv")
    assert "'met'" in message
    assert "'n_jets'  closest: n_jet" in message
    message = refuse("evaluate", run_folder, "--data", "new.csv")
    assert "column 'met'" in message
    save_csv(folder / "new.csv", {name: events[name] for name in ("pt", "eta", "met", "n_jets")})
    message = refuse("evaluate", run_folder, "--data", "new.csv")
    assert "column 'kind' (data.target)" in message


def test_class_of_other_events(run_folder, events, folder, refuse, train, save_csv, of_class):
    message = refuse("evaluate", run_folder, "--data", "signal=events.csv", error="ConfigError")
    assert "Leave the class out: --data events.csv" in message
    sources = []
    for code, name in enumerate(("background", "signal")):
        save_csv(folder / f"{name}.csv", of_class(events, code))
        sources.append({"path": f"{name}.csv", "class": name})
    by_source = train("by_source", data={"sources": sources}).folder
    for given in ("signal.csv", "sginal=signal.csv"):
        message = refuse("evaluate", by_source, "--data", given, error="ConfigError")
        assert "Write CLASS=FILE with one of: background, signal" in message


def test_output_of_a_prediction_that_exists(run_folder, folder, refuse):
    (folder / "scores.csv").write_text("precious")
    assert "--overwrite" in refuse("predict", run_folder, "events.csv", "-o", "scores.csv")
    assert "which is read here" in refuse(
        "predict", run_folder, "events.csv", "-o", "events.csv", "--overwrite"
    )


@pytest.mark.parametrize("verb", ["evaluate", "report"])
def test_folder_without_a_run(events, folder, refuse, verb):
    assert "is not the folder of a run" in refuse(verb, folder)
    assert "is not the folder of a run" in refuse(verb, folder / "nowhere")
