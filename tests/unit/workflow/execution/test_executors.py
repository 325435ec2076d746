from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster import tasks as work

from rapidity.core.errors import ClusterError, ConfigError, DataError, MissingNameError
from rapidity.workflow.execution import open_executor
from rapidity.workflow.execution.executor import require_importable, task_name
from rapidity.workflow.execution.processes import ProcessExecutor
from rapidity.workflow.execution.serial import SerialExecutor

TESTS = Path(__file__).resolve().parents[3]
LONGEST_WAIT_S = 20.0


@pytest.fixture(scope="module")
def pool():
    with ProcessExecutor(2) as executor:
        yield executor


def wait_until(condition):
    end = time.monotonic() + LONGEST_WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def numbers_in(mark):
    """The processes that a task has written down: the worker and a child of it."""
    return [int(text) for text in mark.read_text().split()]


def test_one_worker_is_this_process():
    with open_executor(n_workers=1) as executor:
        assert isinstance(executor, SerialExecutor)
        assert list(executor.run(work.process_number, [0])) == [(0, os.getpid())]


def test_processors_are_counted(monkeypatch):
    monkeypatch.setattr("rapidity.workflow.execution.default_workers", lambda: 3)
    with open_executor() as executor:
        assert isinstance(executor, ProcessExecutor)
        assert executor.n_workers == 3


def test_results_are_those_of_the_serial_executor(pool):
    numbers = list(range(9))
    assert sorted(pool.run(work.wait_and_square, numbers)) == list(SerialExecutor().run(work.square, numbers))


def test_results_come_as_they_complete(pool):
    indices = [index for index, _ in pool.run(work.wait_and_square, [0, 3])]
    assert indices == [1, 0]


def test_no_tasks_start_no_process():
    with ProcessExecutor(2) as executor:
        assert list(executor.run(work.square, [])) == []
        assert executor._idle == []


def test_processes_are_used_again(pool):
    first = {number for _, number in pool.run(work.process_number, range(4))}
    second = {number for _, number in pool.run(work.process_number, range(4))}
    assert len(first) == 2
    assert second <= first
    assert os.getpid() not in first


@pytest.mark.parametrize("executor", [SerialExecutor(), None], ids=["serial", "processes"])
def test_errors_keep_class_and_message(executor, pool):
    with pytest.raises(MissingNameError) as caught:
        list((executor or pool).run(work.raise_error, [2]))
    assert type(caught.value) is MissingNameError
    assert str(caught.value) == "branch 'pt' is not in tree 'events' of b.root"


def test_results_before_an_error_are_seen(pool):
    seen = []
    with pytest.raises(MissingNameError):
        seen.extend(index for index, _ in pool.run(work.raise_error, [0, 1, 2]))
    assert set(seen) <= {0, 1}
    assert seen


def test_the_pool_works_on_after_an_error(pool):
    with pytest.raises(DataError, match="file 0 is truncated"):
        list(pool.run(work.raise_data_error, [0]))
    assert list(pool.run(work.square, [3])) == [(0, 9)]


def test_bugs_bring_the_traceback_of_the_worker(pool):
    with pytest.raises(ZeroDivisionError) as caught:
        list(pool.run(work.divide, [0]))
    assert "return 1 / value" in "".join(caught.value.__notes__)


def test_exceptions_that_cannot_be_pickled_are_told(pool):
    with pytest.raises(ClusterError, match="NeedsTwoError: one and 2") as caught:
        list(pool.run(work.raise_unpicklable, [2]))
    assert str(caught.value) == "NeedsTwoError: one and 2"


def test_results_that_cannot_be_pickled_are_told(pool):
    with pytest.raises((AttributeError, TypeError), match="lambda"):
        list(pool.run(work.return_unpicklable, [2]))


def test_a_task_is_tried_again_when_its_worker_dies(tmp_path, pool):
    tasks = [work.Once(tmp_path / str(value), value) for value in range(3)]
    assert sorted(pool.run(work.die_once, tasks)) == [(0, 0), (1, 1), (2, 2)]


def test_a_task_that_kills_its_worker_is_named(pool, capsys):
    with pytest.raises(
        ClusterError, match=r"task 1 of 1 \('a.root'\) could not be done.*2 times.*SIGKILL"
    ) as caught:
        list(pool.run(work.die, ["a.root"]))
    assert "the last thing it says" in str(caught.value)
    assert "use fewer workers" in str(caught.value)


def test_the_exit_code_of_a_worker_is_told(pool):
    with pytest.raises(ClusterError, match="with exit code 7; it said nothing"):
        list(pool.run(work.exit_early, ["a.root"]))


def test_what_workers_print_goes_to_stderr(capsys):
    with ProcessExecutor(1) as executor:
        assert list(executor.run(work.speak, [5])) == [(0, 5)]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "on stdout 5\n" in captured.err
    assert "on stderr 5\n" in captured.err


def test_a_worker_has_one_thread(pool):
    assert dict(pool.run(work.environment, ["OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS"])) == {0: "1", 1: "1"}


def test_leaving_the_block_ends_all_processes(tmp_path):
    mark = tmp_path / "mark"
    with ProcessExecutor(2) as executor:
        results = executor.run(work.stay_or_return, [mark, None])
        assert next(results) == (1, None)
        wait_until(mark.exists)
    wait_until(lambda: not any(map(work.is_alive, numbers_in(mark))))


def test_giving_up_a_loop_ends_its_tasks(tmp_path, pool):
    mark = tmp_path / "mark"
    results = pool.run(work.stay_or_return, [mark, None])
    assert next(results) == (1, None)
    wait_until(mark.exists)
    results.close()
    wait_until(lambda: not any(map(work.is_alive, numbers_in(mark))))
    assert list(pool.run(work.square, [3])) == [(0, 9)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_program_is_stopped(tmp_path, number):
    mark = tmp_path / "mark"
    script = tmp_path / "script.py"
    # A script without `if __name__ == "__main__"`, as in a notebook.
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom cluster.tasks import sleep_with_child\n"
        "from rapidity.workflow.execution import open_executor\n"
        "with open_executor(n_workers=2) as executor:\n"
        "    list(executor.run(sleep_with_child, [Path(sys.argv[1])]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        [sys.executable, str(script), str(mark)], env=environment, stderr=subprocess.PIPE, text=True
    ) as program:
        wait_until(mark.exists)
        numbers = numbers_in(mark)
        assert all(map(work.is_alive, numbers))
        program.send_signal(number)
        _, errors = program.communicate(timeout=LONGEST_WAIT_S)
    assert program.returncode != 0
    assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)
    wait_until(lambda: not any(map(work.is_alive, numbers)))


# This process as one of the workers


@pytest.fixture(scope="module")
def pair():
    with ProcessExecutor(2, works_too=True) as executor:
        yield executor


def test_this_process_and_another_share_the_tasks(pair):
    numbers = list(range(9))
    assert sorted(pair.run(work.wait_and_square, numbers)) == list(SerialExecutor().run(work.square, numbers))
    done_by = {number for _, number in pair.run(work.process_number, range(9))}
    assert os.getpid() in done_by
    assert len(done_by) == 2


def test_a_single_task_starts_no_process():
    with ProcessExecutor(2, works_too=True) as executor:
        assert list(executor.run(work.process_number, [0])) == [(0, os.getpid())]
        assert executor._idle == []


def test_processes_are_started_before_there_are_tasks():
    with ProcessExecutor(3, works_too=True) as executor:
        executor.prepare(work.square, 3)
        assert len(executor._busy) == 2
        assert list(executor.run(work.square, [4])) == [(0, 16)]
        assert dict(executor.run(work.wait_and_square, range(6))) == {i: i * i for i in range(6)}


def test_tasks_of_a_worker_that_dies_are_done_by_others(tmp_path, pair):
    tasks = [(work.Once(tmp_path / str(value), value), os.getpid()) for value in range(6)]
    assert sorted(pair.run(work.die_once_elsewhere, tasks)) == [(value, value) for value in range(6)]


def test_errors_of_this_process_end_the_tasks_of_others(pair):
    with pytest.raises(DataError, match="file 0 is truncated"):
        list(pair.run(work.raise_data_error, [0] * 4))
    assert sorted(pair.run(work.square, [3, 4])) == [(0, 9), (1, 16)]


def test_functions_must_be_importable(pool):
    with pytest.raises(ClusterError, match=r"cannot run in other processes.*top level of a module"):
        list(pool.run(lambda value: value, [1]))
    require_importable(work.square)


def test_long_names_of_tasks_are_cut():
    assert task_name(0, ["x" * 500]).endswith("...)")
    assert task_name(0, [type("Part", (), {"name": "a.root, entries 0 to 10"})()]) == (
        "task 1 of 1 (a.root, entries 0 to 10)"
    )


def test_a_cluster_without_dask_says_what_to_install(monkeypatch):
    monkeypatch.setattr("rapidity.workflow.execution.dask_cluster.find_spec", lambda _: None)
    with (
        pytest.raises(
            ClusterError, match=r"needs Dask, which is not installed .* pip install 'rapidity\[cluster\]'"
        ),
        open_executor("local:2"),
    ):
        pass


def test_other_words_than_a_cluster_are_refused():
    with pytest.raises(ConfigError, match="--cluster 'slurm' is not understood"), open_executor("slurm"):
        pass


def test_there_is_at_least_one_worker():
    with (
        pytest.raises(ConfigError, match="number of workers is 0"),
        open_executor(n_workers=0),
    ):
        pass


def test_dask_is_imported_when_it_is_used():
    """Its import takes a second, and is not needed for work on one machine."""
    code = (
        "import sys; from rapidity.workflow.execution import open_executor\n"
        "with open_executor(n_workers=2): pass\n"
        "sys.exit(bool({'dask', 'distributed'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
