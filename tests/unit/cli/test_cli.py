from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import rapidity.samples
import rapidity.workflow
from rapidity.cli import main
from rapidity.cli.app import VERBS
from rapidity.core.errors import InterruptedRunError, MissingNameError, ParityError
from rapidity.samples import ProcessSummary, SampleSummary

CONFIGS = Path(__file__).resolve().parents[2] / "config"
HEAVY = (
    "torch",
    "onnx",
    "onnxruntime",
    "uproot",
    "h5py",
    "pyarrow",
    "awkward",
    "matplotlib",
    "sklearn",
    "scipy",
)
HELP_TARGET_S = 0.3
METRICS = {
    "split": "test",
    "classes": ["background", "signal"],
    "test_auc": {"signal": 0.95},
    "test_auc_interval": {"signal": [0.94, 0.96]},
    "accuracy": 0.9,
    "log_loss": 0.2,
}
SLACK = 5  # of a machine that does other things at the same time; the benchmark holds the target itself


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code or 0


def in_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from rapidity.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def calls(monkeypatch):
    """Replace the workflow; return what it is called with, as (name, positional, keyword)."""
    recorded = []
    finished = SimpleNamespace(
        folder=Path("runs/demo"), metrics={"accuracy": 0.9}, summary=lambda: "Run runs/demo"
    )
    checked = SimpleNamespace(summary=lambda: "2 features", to_dict=lambda: {"features": ["pt", "eta"]})
    results = {
        "train_run": finished,
        "run_demo": finished,
        "check_config": checked,
        "evaluate_run": METRICS,
        "write_run_report": Path("runs/demo/report.html"),
    }
    for name, result in results.items():

        def call(*positional, _name=name, _result=result, **keyword):
            recorded.append((_name, positional, keyword))
            return _result

        # Into the dictionary: `setattr` would first import what stands there, and torch with it.
        monkeypatch.setitem(vars(rapidity.workflow), name, call)
    return recorded


def test_help_names_every_verb(capsys):
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb, capsys):
    assert run(verb, "--help") == 0
    assert f"rapidity {verb}" in capsys.readouterr().out


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom rapidity.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {(*HEAVY, 'numpy', 'pydantic', 'rich')} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_answers_at_once():
    start = time.perf_counter()
    in_process("--help")
    assert time.perf_counter() - start < SLACK * HELP_TARGET_S


def test_version(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("rapidity ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "No such command 'trian'"),
        (["train"], "CONFIG"),
        (["train", "a.yaml", "--epoch", "3"], "No such option"),
        (["demo", "--events", "many"], "--events"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, message, capsys):
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_train_hands_over_its_options(calls, capsys):
    arguments = ["--output", "out", "--engine", "torch", "--set", "a=1", "--set", "b=2", "--resume", "-q"]
    assert run("train", "run.yaml", *arguments) == 0
    name, positional, keyword = calls[0]
    assert (name, positional) == ("train_run", (Path("run.yaml"),))
    assert keyword["output"] == Path("out")
    assert keyword["engine"] == "torch"
    assert list(keyword["overrides"]) == ["a=1", "b=2"]
    assert (keyword["resume"], keyword["overwrite"]) == (True, False)
    assert capsys.readouterr().out == "Run runs/demo\n"


def test_json_goes_to_stdout_alone(calls, capsys):
    assert run("train", "run.yaml", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"folder": "runs/demo", "metrics": {"accuracy": 0.9}}
    assert run("check", "run.yaml", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"features": ["pt", "eta"]}


def test_demo_hands_over_its_options(calls):
    assert run("demo", "--events", "500", "--seed", "7", "--output", "out") == 0
    _, _, keyword = calls[0]
    assert (keyword["n_events"], keyword["seed"], keyword["output"]) == (500, 7, Path("out"))


def test_evaluate_takes_other_data(calls, capsys):
    assert run("evaluate", "runs/demo", "--data", "a.csv", "--data", "b.csv", "--json") == 0
    assert calls[0][1] == (Path("runs/demo"), ["a.csv", "b.csv"])
    assert json.loads(capsys.readouterr().out) == METRICS


def test_evaluate_prints_the_headline(calls, capsys):
    assert run("evaluate", "runs/demo") == 0
    shown = capsys.readouterr().out
    assert "Run runs/demo" in shown
    assert "0.9500" in shown
    assert "[0.9400, 0.9600]" in shown


def test_report_prints_where_it_is(calls, capsys):
    assert run("report", "runs/demo") == 0
    assert capsys.readouterr().out == "runs/demo/report.html\n"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ParityError("scores differ by 0.1"), 3, "ParityError: scores differ by 0.1\n"),
        (MissingNameError("column 'pt' is not there"), 2, "DataError: column 'pt' is not there\n"),
        (InterruptedRunError("go on with --resume"), 130, "Interrupted: go on with --resume\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
)
def test_failures_become_messages_and_exit_codes(monkeypatch, capsys, error, code, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setitem(vars(rapidity.workflow), "train_run", fail)
    assert run("train", "run.yaml") == code
    assert capsys.readouterr() == ("", message)


def test_bugs_keep_their_traceback(monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setitem(vars(rapidity.workflow), "train_run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["train", "run.yaml"])


def test_schema_is_json(capsys):
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "RunConfig"


def test_networks_are_listed(capsys):
    assert run("networks") == 0
    assert "residual_mlp" in capsys.readouterr().out


def test_one_network_is_described(capsys):
    assert run("networks", "mlp", "--features", "10") == 0
    assert "hidden" in capsys.readouterr().out
    assert run("networks", "mlp", "--features", "10", "--json") == 0
    (described,) = json.loads(capsys.readouterr().out)
    assert described["n_parameters"] == (10 + 1) * 128 + 2 * (128 + 1) * 128 + 129


def test_networks_on_images_are_described_for_images(capsys):
    assert run("networks", "cnn", "--image", "12x8x3", "--json") == 0
    (described,) = json.loads(capsys.readouterr().out)
    assert described["inputs"] == {"image": [12, 8, 3]}
    convolutions = 3 * 9 * 32 + 64 + 32 * 9 * 64 + 128
    assert described["n_parameters"] == convolutions + (3 * 2 * 64 + 1) * 128 + 129
    assert run("networks", "two_branch_cnn", "--image", "8x8") == 0
    assert "energy 8x8x1, time 8x8x1, 4 features" in capsys.readouterr().out


@pytest.mark.parametrize("size", ["28", "28x", "28x28x1x1", "0x3", "axb"])
def test_size_of_an_image_is_explained(size, capsys):
    assert run("networks", "--image", size) == 2
    assert f"--image {size}: expected height and width" in capsys.readouterr().err


def test_unknown_network_shows_near_names(capsys):
    assert run("networks", "mpl") == 2
    assert "Did you mean 'mlp'?" in capsys.readouterr().err


def test_drawing_needs_a_name(capsys):
    assert run("networks", "--draw", "a.png") == 2
    assert "--draw needs the name of a network" in capsys.readouterr().err


@pytest.fixture
def generated(monkeypatch):
    """Replace the generator; return what it is called with."""
    calls = []

    def generate(name, path, **options):
        calls.append((name, path, options))
        processes = {
            "signal": ProcessSummary(n_generated=100, n_selected=25, cross_section_pb=0.5),
            "background": ProcessSummary(n_generated=60, n_selected=25, cross_section_pb=12.0),
        }
        return SampleSummary(name, path, processes, n_workers=1, seconds=2.0)

    monkeypatch.setattr(rapidity.samples, "generate", generate)
    return calls


def test_generate_does_not_overwrite_unasked(tmp_path, generated, capsys):
    output = tmp_path / "a.h5"
    output.touch()
    assert run("generate", "hww_ttbar", "-o", str(output)) == 2
    assert "exists already" in capsys.readouterr().err
    assert run("generate", "hww_ttbar", "-o", str(output), "--overwrite", "--events", "50") == 0
    ((name, path, options),) = generated
    assert (name, path) == ("hww_ttbar", output)
    assert (options["n_events"], options["seed"], options["underlying_event"]) == (50, 1, False)


def test_generate_tells_what_was_made(tmp_path, generated, capsys):
    assert run("generate", "hww_ttbar", "-o", str(tmp_path / "a.h5")) == 0
    shown = capsys.readouterr().out
    assert "50 events in 2.0 s" in shown
    assert "background         60        25                  12             5000" in shown
    assert run("generate", "hww_ttbar", "-o", str(tmp_path / "a.h5"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["processes"]["signal"]["expected_yield"] == 125.0


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["check", str(CONFIGS / "bad" / "misspelt_key.yaml")], ["ConfigError: 1 problem in", "line 9"]),
        (["train", "nowhere.yaml"], ["ConfigError: the configuration nowhere.yaml does not exist"]),
        (["train", str(CONFIGS / "good" / "shortest.yaml"), "--set", "x"], ["--set", "KEY=VALUE"]),
    ],
)
def test_real_program_explains_wrong_input(arguments, messages, tmp_path):
    done = in_process(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert all(message in done.stderr for message in messages)
    assert "Traceback" not in done.stderr


def test_reader_that_closes_early_causes_no_noise():
    command = f"{sys.executable} -c 'from rapidity.cli import main; main()' schema | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert done.stderr == ""
