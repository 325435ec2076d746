from __future__ import annotations

import json

import pytest

from rapidity.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code or 0


def test_fetch_writes_and_verifies(tmp_path, capsys):
    assert run("fetch", "digits", "-o", str(tmp_path)) == 0
    assert "written" in capsys.readouterr().out
    assert run("fetch", "digits", "-o", str(tmp_path), "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["name"] == "digits"
    assert {file["origin"] for file in shown["files"]} == {"already there"}


def test_fetch_without_name_lists_size_terms_and_source(capsys):
    assert run("fetch") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("mnist:", "digits:", "lhcb-pid:", "electron-photon:"))
    assert "11.6 MB to download" in shown
    assert "more than 247.3 MB to download" in shown
    assert "to download, how much is not known" in shown
    assert shown.count("  terms  ") == shown.count("  source  ") == shown.count("  size  ") >= 4
    assert run("fetch", "--json") == 0
    names = [entry["name"] for entry in json.loads(capsys.readouterr().out)]
    assert names[:3] == ["mnist", "digits", "cifar10"]
    assert {"lhcb-pid", "electron-photon", "quark-gluon", "qg-jets", "qg-jets-all"} <= set(names)


def test_fetch_of_an_unknown_name_is_wrong_input(capsys):
    assert run("fetch", "mnits") == 2
    assert "Did you mean 'mnist'?" in capsys.readouterr().err


def test_fetch_refuses_another_file(tmp_path, capsys):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"mine")
    assert run("fetch", "digits", "-o", str(tmp_path)) == 2
    assert "--overwrite" in capsys.readouterr().err
