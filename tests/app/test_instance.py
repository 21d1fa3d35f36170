"""One instance on a state directory, found by commands, leaving nothing behind."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fairlead.app.instance import Claim, InstanceError, default_state_dir, read_instance


def test_a_claim_makes_a_private_directory_for_sockets_and_removes_it(tmp_path):
    claim = Claim(tmp_path / "state")
    with claim:
        instance = claim.instance
        assert stat.S_IMODE(Path(instance.runtime_dir).stat().st_mode) == 0o700
        assert len(str(instance.api_socket).encode()) < 108
        assert read_instance(tmp_path / "state") is None
        claim.publish()
        assert read_instance(tmp_path / "state") == instance
        assert instance.pid == os.getpid()
    assert not Path(instance.runtime_dir).exists()
    assert read_instance(tmp_path / "state") is None
    claim.release()


def test_a_second_instance_is_refused_and_told_the_pid_of_the_first(tmp_path):
    with Claim(tmp_path) as first:
        first.publish()
        with pytest.raises(InstanceError, match=rf"already runs .*pid {os.getpid()}"):
            Claim(tmp_path).acquire()
    with Claim(tmp_path) as second:
        assert second.instance.pid == os.getpid()


def test_what_a_killed_instance_left_behind_is_removed(tmp_path):
    code = (
        "import os, sys, pathlib; from fairlead.app.instance import Claim\n"
        "c = Claim(pathlib.Path(sys.argv[1])); print(c.acquire().runtime_dir); c.publish()\n"
        "sys.stdout.flush(); os._exit(9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    left = Path(done.stdout.strip())
    assert left.is_dir()
    with Claim(tmp_path):
        assert not left.exists()


def test_a_record_cannot_make_us_remove_what_is_not_ours(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    state = tmp_path / "state"
    state.mkdir()
    (state / "instance.json").write_text(json.dumps({"pid": 1, "runtime_dir": str(precious)}))
    with Claim(state):
        assert precious.is_dir()


def test_a_long_runtime_dir_is_not_used(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with Claim(tmp_path / "state") as claim:
        assert not claim.instance.runtime_dir.startswith(str(long))


def test_a_state_dir_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InstanceError, match="cannot use state directory"):
        Claim(tmp_path / "file" / "state").acquire()


def test_the_default_state_dir_follows_the_environment(monkeypatch):
    monkeypatch.setenv("FAIRLEAD_STATE_DIR", "/a/b")
    assert str(default_state_dir()) == "/a/b"
    monkeypatch.delenv("FAIRLEAD_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert str(default_state_dir()) == "/x/fairlead/default"
