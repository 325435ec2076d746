from __future__ import annotations

import pytest

from rapidity.config.cluster import (
    HTCondorCluster,
    LocalCluster,
    SchedulerCluster,
    SlurmCluster,
    parse_cluster,
)
from rapidity.core.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "cluster.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_local_workers():
    assert parse_cluster("local:4") == LocalCluster(type="local", workers=4)


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tls://head.example.org:8786"])
def test_the_address_of_a_scheduler(address):
    assert parse_cluster(address) == SchedulerCluster(type="scheduler", address=address)


@pytest.mark.parametrize(
    "text", ["local", "local:0", "local:-1", "local:two", "4", "http://a:1", "tcp://", "slurm"]
)
def test_other_texts_are_not_understood(text):
    with pytest.raises(
        ConfigError, match=rf"--cluster '{text}' is not understood. Write local:N .* tcp://HOST:PORT"
    ):
        parse_cluster(text)


def test_a_file(tmp_path):
    text = "cluster:\n  {type: slurm, jobs: 3, cores: 2, memory: 4 GB, walltime: 1-00:00:00, queue: long}\n"
    block = parse_cluster(write(tmp_path, text))
    assert isinstance(block, SlurmCluster)
    assert (block.jobs, block.cores, block.walltime, block.queue) == (3, 2, "1-00:00:00", "long")


def test_the_block_alone_is_read(tmp_path):
    """The configuration of a run may hold it."""
    block = parse_cluster(write(tmp_path, "name: a run\ncluster: {type: local, workers: 2}\n"))
    assert block == LocalCluster(type="local", workers=2)


def test_a_file_without_the_block(tmp_path):
    with pytest.raises(
        ConfigError, match=r"has no block `cluster:` \(found: type, jobs\)\. Write one, such as"
    ):
        parse_cluster(write(tmp_path, "type: slurm\njobs: 3\n"))


def test_a_file_that_is_not_there():
    with pytest.raises(ConfigError, match="no_such"):
        parse_cluster("no_such.yaml")


def test_mistakes_are_told_with_their_lines(tmp_path):
    text = "name: a\ncluster:\n  type: slurm\n  jobs: 0\n  memory: 4\n  partition: long\n"
    with pytest.raises(ConfigError) as caught:
        parse_cluster(write(tmp_path, text))
    message = str(caught.value)
    assert "3 problems in" in message
    assert "line 4  cluster.jobs:" in message
    assert "line 5  cluster.memory:" in message
    assert "line 6  cluster.partition: unknown key" in message


def test_an_unknown_batch_system_lists_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match="slurm") as caught:
        parse_cluster(write(tmp_path, "cluster: {type: slrum, jobs: 1, memory: 1 GB}\n"))
    assert all(name in str(caught.value) for name in ("local", "scheduler", "htcondor", "pbs", "lsf", "sge"))


def test_directives_of_htcondor_are_assignments():
    with pytest.raises(ValueError, match="'--constraint' is not of the form NAME = VALUE"):
        HTCondorCluster(type="htcondor", jobs=1, memory="1 GB", directives=("--constraint",))
