"""Importing TensorFlow: when, how quietly, and with which backend of Keras."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_importing_the_package_imports_no_library() -> None:
    found = run(
        "import rapidity.engines.tensorflow, sys\n"
        "raise SystemExit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert found.returncode == 0, found.stderr


def test_the_import_is_quiet_and_what_others_write_comes_through() -> None:
    code = (
        "import os\n"
        "from rapidity.engines.tensorflow.loading import load_keras\n"
        "import rapidity.engines.tensorflow.loading as loading\n"
        "plain = loading.importlib.import_module\n"
        "def speak(*names):\n"
        "    os.write(2, b'a warning of another library\\n')\n"
        "    return plain(*names)\n"
        "loading.importlib.import_module = speak\n"
        "load_keras()\n"
        "import tensorflow as tf\n"
        "tf.config.list_physical_devices('GPU')\n"
        "print(float(tf.reduce_sum(tf.ones(3))))\n"
    )
    found = run(code)
    assert found.stdout == "3.0\n"
    assert set(found.stderr.splitlines()) == {"a warning of another library"}


@pytest.mark.parametrize("loaded", [False, True])
def test_another_backend_of_keras_is_refused(loaded: bool) -> None:
    # torch may not be installed: a stand-in for Keras says what the real one would.
    stand_in = (
        "import sys, types\n"
        "keras = types.ModuleType('keras')\n"
        "keras.backend = types.SimpleNamespace(backend=lambda: 'torch')\n"
        "sys.modules.update(keras=keras, tensorflow=types.ModuleType('tensorflow'))\n"
    )
    code = (
        f"{stand_in if loaded else ''}"
        "from rapidity.core.errors import EngineError\n"
        "from rapidity.engines import get_engine\n"
        "import importlib.util\n"
        "importlib.util.find_spec = lambda name: True\n"
        "try:\n"
        "    get_engine('tensorflow')\n"
        "except EngineError as error:\n"
        "    print(error)\n"
    )
    found = run(code, KERAS_BACKEND="tensorflow" if loaded else "torch")
    assert "needs Keras on TensorFlow, but its backend is 'torch'" in found.stdout, found.stderr
    assert "Set KERAS_BACKEND=tensorflow before Python starts" in found.stdout


def test_a_log_level_of_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    from rapidity.engines.tensorflow.loading import load_keras

    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    load_keras()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "1"
