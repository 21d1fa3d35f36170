"""Children: started apart, ended with all they started, gone when we are."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataplane.helpers import alive, environment, until
from fairlead.dataplane import process
from fairlead.dataplane.clock import SystemClock
from fairlead.dataplane.process import Child, Command, Exit, Guard, StartError


def shell(script, log, **variables):
    return Command(("sh", "-c", script), environment(**variables), log)


def test_what_it_prints_and_how_it_ends_are_kept(tmp_path):
    async def scenario():
        log = tmp_path / "logs" / "a.log"
        first = Child.start(shell("echo out $WHO; echo err >&2; exit 3", log, WHO="me"))
        assert await first.wait() == Exit(3)
        second = Child.start(shell("kill -9 $$", log))
        assert str(await second.wait()) == "ended by SIGKILL"
        assert log.read_text().splitlines() == ["out me", "err"]
        assert log.stat().st_mode & 0o777 == 0o600

    asyncio.run(scenario())


def test_a_child_sees_only_its_environment_and_default_signals(tmp_path):
    async def scenario():
        log = tmp_path / "a.log"
        script = "set | grep -c FAIRLEAD_SECRET; trap; grep SigIgn /proc/self/status"
        os.environ["FAIRLEAD_SECRET"] = "x"
        try:
            await Child.start(shell(script, log)).wait()
        finally:
            del os.environ["FAIRLEAD_SECRET"]
        leaked, _, ignored = log.read_text().split()
        assert leaked == "0"
        # Signals without a name (32 and 33) belong to libc and are as our own parent left them.
        by_python = {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM}
        assert not [each for each in by_python if int(ignored, 16) >> (each - 1) & 1]

    asyncio.run(scenario())


def test_stop_asks_first_and_kills_after_the_grace(tmp_path):
    async def scenario():
        log = tmp_path / "a.log"
        polite = Child.start(shell("trap 'echo bye; exit 7' TERM; echo up; sleep 100 & wait", log))
        await until(lambda: log.exists() and "up" in log.read_text())
        assert await polite.stop(10, SystemClock()) == Exit(7)
        assert "bye" in log.read_text()
        log.unlink()
        deaf = Child.start(shell("trap '' TERM; echo up; while :; do sleep 100; done", log))
        await until(lambda: log.exists() and "up" in log.read_text())
        assert (await deaf.stop(0.05, SystemClock())).signal == "SIGKILL"

    asyncio.run(scenario())


@pytest.mark.parametrize("inner", ["sleep 1000 &", "timeout 1000 sleep 1000 &"])
def test_nothing_that_a_child_started_outlives_it(tmp_path, inner):
    async def scenario():
        log, go = tmp_path / "a.log", tmp_path / "go"
        wait = f"while ! [ -e {go} ]; do sleep 0.01; done"
        child = Child.start(shell(f"{inner} echo $!; {wait}", log))
        grandchild = int(await until(lambda: log.exists() and log.read_text().strip()))
        assert alive(grandchild)
        go.touch()
        assert await child.wait() == Exit(0)
        await until(lambda: not alive(grandchild))

    asyncio.run(scenario())


def test_kill_returns_when_it_is_dead(tmp_path):
    async def scenario():
        child = Child.start(shell("sleep 1000", tmp_path / "a.log"))
        child.kill()
        assert not alive(child.pid)
        assert (await child.wait()).signal == "SIGKILL"
        child.kill()
        child.signal(signal.SIGTERM)  # nobody is left to get it

    asyncio.run(scenario())


def test_a_program_that_is_not_there_is_said_before_anything_starts(tmp_path):
    async def scenario():
        command = Command(("/no/such", "x"), environment(), tmp_path / "a.log")
        with pytest.raises(StartError, match='"/no/such": executable file not found'):
            Child.start(command)
        assert not command.log.exists()
        script = tmp_path / "script"
        script.write_text("#!/no/such/interpreter\n")
        script.chmod(0o755)
        child = Child.start(Command((str(script),), environment(), tmp_path / "a.log"))
        assert await child.wait() == Exit(127)
        assert "command not found" in (tmp_path / "a.log").read_text()

    asyncio.run(scenario())


def test_an_overlong_log_is_put_aside_once(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LOG_SIZE", 10)
    log = tmp_path / "a.log"
    for text in ("first line, long", "second line, long", "3"):
        descriptor = process.open_log(log)
        os.write(descriptor, text.encode())
        os.close(descriptor)
    assert log.read_text() == "3"
    assert log.with_name("a.log.1").read_text() == "second line, long"


PARENT = """
import asyncio, sys
from pathlib import Path
from fairlead.dataplane.process import Child, Command, Guard

async def main():
    guard = Guard()
    script = "sleep 1000 & echo $!; timeout 1000 sleep 1000 & echo $!; sleep 1000"
    log = Path(sys.argv[1])
    child = Child.start(Command(("sh", "-c", script), {"PATH": sys.argv[2]}, log), guard)
    plain = Child.start(Command(("sleep", "1000"), {"PATH": sys.argv[2]}, log))
    print(child.pid, plain.pid, guard._process.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""


def test_nothing_survives_even_if_we_are_killed(tmp_path):
    log = tmp_path / "a.log"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(log), os.environ.get("PATH", os.defpath)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(process.__file__).parents[2])},
    )

    async def scenario():
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        await until(lambda: log.exists() and len(log.read_text().split()) == 2)
        pids += [int(word) for word in log.read_text().split()]
        assert all(map(alive, pids))
        parent.send_signal(signal.SIGKILL)
        await until(lambda: not any(map(alive, pids)))

    with parent:
        asyncio.run(scenario())


def test_a_guard_that_was_killed_is_replaced(tmp_path):
    async def scenario():
        guard = Guard()
        first = Child.start(shell("sleep 1000", tmp_path / "a.log"), guard)
        helper = guard._process  # noqa: SLF001
        helper.kill()
        helper.wait()
        second = Child.start(shell("sleep 1000", tmp_path / "a.log"), guard)
        guard.stop()  # what is listed dies with the guard's input
        assert (await first.wait()).signal == "SIGKILL"
        assert (await second.wait()).signal == "SIGKILL"

    asyncio.run(scenario())
