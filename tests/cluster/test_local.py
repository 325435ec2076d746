from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cluster import tasks as work

from rapidity.core.errors import ClusterError, MissingNameError
from rapidity.workflow.execution import open_executor
from rapidity.workflow.execution.dask_executor import SMALLEST_WINDOW, our_version, perform_remotely
from rapidity.workflow.execution.serial import SerialExecutor
from rapidity.workflow.execution.worker import Failure

pytestmark = pytest.mark.cluster
TESTS = Path(__file__).resolve().parents[1]


def test_results_are_those_of_the_serial_executor(local):
    numbers = list(range(50))
    assert sorted(local.run(work.square, numbers)) == list(SerialExecutor().run(work.square, numbers))


def test_work_is_shared_by_other_processes(local):
    numbers = {number for _, number in local.run(work.process_number, range(8))}
    assert len(numbers) == 2
    assert os.getpid() not in numbers


def test_a_worker_has_one_thread(local):
    names = ["OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS"]
    assert [value for _, value in local.run(work.environment, names)] == ["1", "1"]


def test_a_worker_keeps_its_memory_for_the_next_array(local):
    """Else every large one is made of new pages, which took a third of a conversion."""
    [(_, threshold)] = local.run(work.environment, ["MALLOC_TRIM_THRESHOLD_"])
    assert int(threshold) >= 2**27


def test_results_are_the_same_when_a_worker_is_killed_in_the_middle(local, tmp_path, wait_until):
    """The test kills it, as a batch system or the kernel would."""
    tasks = [work.Once(tmp_path / "mark", 0)]
    for value in range(1, 20):
        mark = tmp_path / f"ready{value}"
        mark.touch()
        tasks.append(work.Once(mark, value))

    def kill() -> None:
        wait_until((tmp_path / "mark").exists)
        os.kill(int((tmp_path / "mark").read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = sorted(local.run(work.die_when_told, tasks))
    killer.join()
    # With the mark there, the serial executor is not kept waiting.
    assert found == list(SerialExecutor().run(work.die_when_told, tasks))


def test_a_task_that_kills_every_worker_is_named(local):
    with pytest.raises(
        ClusterError, match=r"task 1 of 1 \('a.root'\) could not be done: its worker died 4 times"
    ):
        list(local.run(work.die, ["a.root"]))
    assert list(local.run(work.square, [3])) == [(0, 9)]


def test_errors_keep_class_and_message(local):
    with pytest.raises(MissingNameError) as caught:
        list(local.run(work.raise_error, [2]))
    assert type(caught.value) is MissingNameError
    assert str(caught.value) == "branch 'pt' is not in tree 'events' of b.root"


def test_bugs_bring_the_traceback_of_the_worker(local):
    with pytest.raises(ZeroDivisionError) as caught:
        list(local.run(work.divide, [0]))
    assert "return 1 / value" in "".join(caught.value.__notes__)


def test_results_that_cannot_be_pickled_are_told(local):
    with pytest.raises(ClusterError, match=r"task 1 of 1 \(2\) could not be done on the Dask cluster"):
        list(local.run(work.return_lock, [2]))


def test_what_tasks_print_goes_to_stderr(local, capsys, wait_until):
    assert list(local.run(work.speak, [5])) == [(0, 5)]
    seen = []

    def has_come():
        captured = capsys.readouterr()
        assert captured.out == ""
        seen.append(captured.err)
        return "on stdout 5\n" in "".join(seen) and "on stderr 5\n" in "".join(seen)

    wait_until(has_come)


def test_the_scheduler_gets_tasks_in_windows(local, monkeypatch):
    """However many there are, it holds some for each worker."""
    handed_over = []
    submit = local._client.submit

    def count(*arguments, **settings):
        handed_over.append(settings["key"])
        return submit(*arguments, **settings)

    monkeypatch.setattr(local._client, "submit", count)
    results = local.run(work.square, range(1000))
    next(results)
    assert SMALLEST_WINDOW <= len(handed_over) <= 2 * SMALLEST_WINDOW
    results.close()


def test_giving_up_a_loop_takes_tasks_back(local, tmp_path):
    results = local.run(work.wait_and_square, range(200))
    next(results)
    results.close()
    assert list(local.run(work.square, [3])) == [(0, 9)]


def test_versions_are_compared_where_the_task_runs():
    answer = perform_remotely("0.0.1", work.square, 2)
    assert isinstance(answer, Failure)
    assert f"has rapidity {our_version()}, but the caller has 0.0.1" in str(answer.error)


def test_workers_that_cannot_start_are_told(monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", "no_such_module_of_workers")
    with (
        pytest.raises(ClusterError, match=r"Dask workers of this machine ended with .*"),
        open_executor("local:1") as executor,
    ):
        list(executor.run(work.square, [1]))


def test_dask_says_nothing_of_its_own(tmp_path):
    """Also not of workers that end in the middle of a task."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom cluster.tasks import stay_or_return\n"
        "from rapidity.workflow.execution import open_executor\n"
        "with open_executor('local:2') as executor:\n"
        "    next(executor.run(stay_or_return, [Path(sys.argv[1]), *[None] * 20]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", code, str(tmp_path / "mark")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_the_program_is_stopped(tmp_path, number, wait_until):
    mark = tmp_path / "mark"
    script = tmp_path / "script.py"
    # A script without `if __name__ == "__main__"`, as in a notebook.
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom cluster.tasks import sleep_with_child\n"
        "from rapidity.workflow.execution import open_executor\n"
        "with open_executor('local:2') as executor:\n"
        "    list(executor.run(sleep_with_child, [Path(sys.argv[1])]))\n"
    )
    # What is killed cannot remove its files.
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, str(script), str(mark)], env=environment, stderr=subprocess.PIPE, text=True
    ) as program:
        wait_until(mark.exists)
        numbers = [int(text) for text in mark.read_text().split()]
        program.send_signal(number)
        _, errors = program.communicate(timeout=60)
    assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)
    wait_until(lambda: not any(work.is_alive(number) for number in numbers))
