"""Pods as real processes: started, ready, replaced, ended; what is said of them on the way."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from dataplane.helpers import alive, until
from fairlead import api
from fairlead.dataplane import container as container_module
from fairlead.dataplane import pods, process
from fairlead.dataplane import probe as probe_module
from fairlead.dataplane.addresses import PodAddresses
from fairlead.dataplane.images.catalog import ImageMappingError
from fairlead.dataplane.pods import PodRunner, PodSettings
from fairlead.dataplane.process import StartError

KEY = ("shop", "web")
CURL = "curlimages/curl:8.8.0"


def container(image="hashicorp/http-echo", *args, name="main", **fields):
    return api.Container(name=name, image=image, args=args, **fields)


def echo(text, **fields):
    return container(
        "docker.io/hashicorp/http-echo:1.0",
        f"-text={text}",
        name="echo",
        ports=(api.ContainerPort(container_port=5678, name="http"),),
        **fields,
    )


def shell(script, **fields):
    return container(CURL, command=("sh", "-c", script), **fields)


def pod(*containers, name="web", labels=None, owner=None, **spec):
    owners = ()
    if owner:
        owners = (
            api.OwnerReference(
                api_version="apps/v1", kind="Deployment", name=owner, controller=True
            ),
        )
    metadata = api.ObjectMeta(
        name=name, namespace="shop", labels=labels or {}, owner_references=owners
    )
    return api.Pod(metadata=metadata, spec=api.PodSpec(containers=containers, **spec))


def keyed(*pods):
    return {pod.key: pod for pod in pods}


@dataclass
class Scene:
    runner: PodRunner
    objects: dict = field(default_factory=dict)
    """ConfigMaps and Secrets by (kind, key)."""
    told: list = field(default_factory=list)
    """Everything that was said, in order: (key, workload or None)."""
    now: dict = field(default_factory=dict)
    """What was said last, by key."""

    def hear(self, key, workload):
        self.told.append((key, workload))
        self.now.pop(key, None)
        if workload is not None:
            self.now[key] = workload

    async def ready(self, key=KEY):
        return await until(lambda: (w := self.now.get(key)) and w.ready and w)

    async def reason(self, reason, key=KEY):
        return await until(lambda: (w := self.now.get(key)) and w.reason == reason and w)


def play(tmp_path, steps, **images):
    """Run pods while `steps(scene)` says which."""

    async def scenario():
        addresses = PodAddresses()
        addresses.claim()
        settings = PodSettings(images, tmp_path / "logs", tmp_path / "bin")
        try:
            async with asyncio.TaskGroup() as tasks:
                scene = Scene(None)
                scene.runner = PodRunner(
                    settings,
                    tasks,
                    addresses,
                    lookup=lambda kind, key: scene.objects.get((kind, key)),
                    on_workload=scene.hear,
                )
                try:
                    await steps(scene)
                finally:
                    await scene.runner.stop()
                assert not scene.runner.facts()
        finally:
            addresses.release()

    asyncio.run(scenario())


async def get(ip, port=5678):
    reader, writer = await asyncio.open_connection(ip, port)
    writer.write(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.rpartition(b"\r\n\r\n")[2].decode().strip()


def log(tmp_path, name="main", pod="web"):
    path = tmp_path / "logs" / "shop" / pod / f"{name}.log"
    return path.read_text() if path.exists() else ""


def old_log(tmp_path):
    path = tmp_path / "logs" / "shop" / "web" / "main.log.1"
    return path.read_text() if path.exists() else ""


def test_a_pod_becomes_ready_serves_on_its_own_address_and_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(pods, "LEAVE_SECONDS", 5)

    async def steps(scene):
        scene.runner.converge(keyed(pod(echo("hello"), labels={"b": "2", "a": "1"})))
        web = await scene.ready()
        assert web.labels == (("a", "1"), ("b", "2"))
        assert web.ports == (("http", 5678),)
        assert (web.phase, web.reason, web.service_account) == ("Running", "", "default")
        assert await get(web.ip) == "hello"
        facts = scene.runner.facts()[KEY]
        assert (facts.ready, facts.restarts) == (1, 0)
        scene.runner.converge({})
        ending = scene.now[KEY]
        assert ending.terminating
        assert not ending.ready
        assert await get(web.ip) == "hello"  # proxies may not have heard of it yet
        await until(lambda: KEY not in scene.now)
        assert not any(map(alive, facts.pids))
        assert [w and (w.phase, w.ready) for _, w in scene.told] == [
            ("Pending", False),
            ("Running", False),
            ("Running", True),
            ("Running", False),
            None,
        ]

    play(tmp_path, steps)


def test_new_labels_restart_nothing_and_a_new_spec_does(tmp_path):
    async def steps(scene):
        scene.runner.converge(keyed(pod(echo("a"))))
        first = await scene.ready()
        pids = scene.runner.facts()[KEY].pids
        scene.runner.converge(keyed(pod(echo("a"), labels={"x": "y"})))
        assert scene.now[KEY].labels == (("x", "y"),)
        assert scene.now[KEY].ready
        assert scene.runner.facts()[KEY].pids == pids
        scene.runner.converge(keyed(pod(echo("b"))))
        await until(lambda: not scene.now.get(KEY) or scene.now[KEY].terminating)
        second = await until(lambda: (w := scene.now.get(KEY)) and w.ready and w)
        assert second.ip == first.ip
        assert await get(second.ip) == "b"

    play(tmp_path, steps)


def test_pods_of_one_owner_are_replaced_without_a_gap(tmp_path):
    old = keyed(*(pod(echo("old"), name=f"web-a-{n}", owner="web") for n in range(2)))
    new = keyed(*(pod(echo("new"), name=f"web-b-{n}", owner="web") for n in range(2)))

    async def steps(scene):
        scene.runner.converge(old)
        await until(lambda: sum(w.ready for w in scene.now.values()) == 2)
        begin = len(scene.told)
        scene.runner.converge(new)
        assert sum(w.ready for w in scene.now.values()) == 2
        await until(lambda: scene.now.keys() == new.keys())
        ready = dict.fromkeys(old, True)
        for key, workload in scene.told[begin:]:
            ready[key] = workload is not None and workload.ready
            assert Counter(ready.values())[True] >= 2

    play(tmp_path, steps)


def test_a_replacement_that_never_gets_ready_replaces_nothing(tmp_path):
    old = pod(echo("old"), name="web-a-0", owner="web")
    bad = pod(container("unknown"), name="web-b-0", owner="web")

    async def steps(scene):
        scene.runner.converge(keyed(old))
        await scene.ready(old.key)
        scene.runner.converge(keyed(bad))
        await scene.reason("ImageNotMapped", bad.key)
        assert scene.now[old.key].ready
        scene.runner.converge(keyed(old))  # rolled back: the same pod, never stopped
        await until(lambda: scene.now.keys() == {old.key})
        assert [w for k, w in scene.told if k == old.key and w is None] == []
        scene.runner.converge(keyed(bad))
        scene.runner.converge({})  # the owner is gone: nobody has to stand in
        await until(lambda: not scene.now)

    play(tmp_path, steps)


def test_an_unmapped_image_says_how_to_map_it(tmp_path):
    async def steps(scene):
        scene.runner.converge(keyed(pod(container("nginx:1.27"), echo("x"))))
        web = await scene.reason("ImageNotMapped")
        assert web.phase == "Pending"
        assert not web.ready
        assert "--image nginx:1.27=COMMAND" in web.message
        assert scene.runner.exec_environment(KEY).environment["POD_NAME"] == "web"

    play(tmp_path, steps)


def test_a_mapped_image_runs_its_command_with_what_it_asks_for(tmp_path):
    command = "sh -c 'echo {ip} {port} {name} {namespace} $0 $1 $POD_IP; exec sleep 100' 'a b'"

    async def steps(scene):
        ports = (api.ContainerPort(container_port=9),)
        probe = api.Probe(exec=api.ExecAction(command=("true",)))
        one = container("me/app:v1", "last", ports=ports, readiness_probe=probe)
        scene.runner.converge(keyed(pod(one)))
        ip = (await scene.ready()).ip
        await until(lambda: log(tmp_path) == f"{ip} 9 web shop a b last {ip}\n")

    play(tmp_path, steps, **{"me/app": command})


def test_a_mapping_that_makes_no_sense_is_refused(tmp_path):
    async def steps(_):
        raise AssertionError

    with pytest.raises(ExceptionGroup) as caught:
        play(tmp_path, steps, app="sh -c 'open")
    assert caught.group_contains(ImageMappingError, match="No closing quotation")


def test_a_crash_loop_is_said_and_ends(tmp_path):
    marker = tmp_path / "fixed"

    async def steps(scene):
        script = f"[ -e {marker} ] || {{ echo broken; exit 3; }}; sleep 100"
        scene.runner.converge(keyed(pod(shell(script))))
        web = await scene.reason("CrashLoopBackOff")
        assert web.phase == "Running"
        assert "back-off 1s" in web.message
        assert "exit code 3" in web.message
        assert str(tmp_path / "logs" / "shop" / "web" / "main.log") in web.message
        assert "broken" in log(tmp_path)
        marker.touch()
        await scene.ready()
        assert scene.runner.facts()[KEY].restarts == 1

    play(tmp_path, steps)


@pytest.mark.parametrize(
    ("script", "policy", "phase", "reason"),
    [
        ("exit 0", "Never", "Succeeded", "Completed"),
        ("exit 4", "Never", "Failed", "Error"),
        ("exit 0", "OnFailure", "Succeeded", "Completed"),
        ("exit 4", "OnFailure", "Running", "CrashLoopBackOff"),
        ("exit 0", "Always", "Running", "CrashLoopBackOff"),
    ],
)
def test_the_restart_policy_is_kept(tmp_path, script, policy, phase, reason):
    async def steps(scene):
        scene.runner.converge(keyed(pod(shell(script), restart_policy=policy)))
        web = await scene.reason(reason)
        assert (web.phase, web.ready) == (phase, False)
        scene.runner.converge({})
        await until(lambda: not scene.now)

    play(tmp_path, steps)


def test_only_the_container_that_crashed_is_restarted(tmp_path):
    async def steps(scene):
        scene.runner.converge(keyed(pod(echo("x"), shell("sleep 1000", name="side"))))
        await scene.ready()
        first, side = scene.runner.facts()[KEY].pids
        os.kill(first, signal.SIGKILL)
        await scene.reason("CrashLoopBackOff")
        web = await scene.ready()
        assert await get(web.ip) == "x"
        again = scene.runner.facts()[KEY]
        assert again.pids[1] == side
        assert again.restarts == 1

    play(tmp_path, steps)


def test_init_containers_come_first_and_sidecars_stay(tmp_path):
    trace = tmp_path / "trace"

    async def steps(scene):
        init = (
            shell(f"echo one >> {trace}", name="one"),
            shell(f"echo side >> {trace}; sleep 1000", name="side", restart_policy="Always"),
            shell(
                f"while ! grep -q side {trace}; do sleep 0.01; done; echo two >> {trace}",
                name="two",
            ),
        )
        main = shell(f"echo main >> {trace}; sleep 1000")
        scene.runner.converge(keyed(pod(main, init_containers=init)))
        await scene.reason("PodInitializing")
        await scene.ready()
        await until(lambda: trace.read_text().split() == ["one", "side", "two", "main"])
        assert len(scene.runner.facts()[KEY].pids) == 2

    play(tmp_path, steps)


def test_a_failed_init_container_fails_the_pod_that_is_not_restarted(tmp_path):
    async def steps(scene):
        init = (shell("exit 9", name="init"),)
        scene.runner.converge(keyed(pod(echo("x"), init_containers=init, restart_policy="Never")))
        web = await scene.reason("Error")
        assert (web.phase, web.ready) == ("Failed", False)
        assert "init: exit code 9" in web.message

    play(tmp_path, steps)


def test_everything_ends_quickly_even_what_ignores_sigterm(tmp_path):
    async def steps(scene):
        deaf = shell("trap '' TERM; while :; do sleep 1000; done", name="deaf")
        scene.runner.converge(keyed(pod(echo("x"), deaf), pod(shell("sleep 3650d"), name="client")))
        await scene.ready()
        await scene.ready(("shop", "client"))
        pids = [pid for facts in scene.runner.facts().values() for pid in facts.pids]
        assert len(pids) == 3
        began = time.monotonic()
        await scene.runner.stop()
        assert time.monotonic() - began < 15  # half of their grace period
        assert not any(map(alive, pids))

    play(tmp_path, steps)


def test_a_cancelled_group_leaves_nothing(tmp_path):
    pids = []

    async def scenario():
        addresses = PodAddresses()
        addresses.claim()
        scene = Scene(None)
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as tasks:
                settings = PodSettings({}, tmp_path / "logs", tmp_path / "bin")
                scene.runner = PodRunner(
                    settings,
                    tasks,
                    addresses,
                    lookup=lambda *_: None,
                    on_workload=scene.hear,
                )
                scene.runner.converge(keyed(pod(echo("x"))))
                await scene.ready()
                pids.extend(scene.runner.facts()[KEY].pids)
                raise RuntimeError
        await scene.runner.stop()
        addresses.release()

    asyncio.run(scenario())
    assert len(pids) == 1
    assert not any(map(alive, pids))


def test_what_is_missing_is_said_until_it_is_there(tmp_path):
    async def steps(scene):
        source = api.EnvVarSource(config_map_key_ref=api.KeySelector(name="settings", key="word"))
        word = api.EnvVar(name="WORD", value_from=source)
        one = container("hashicorp/http-echo", "-text=$(WORD) $(NOPE) $$(WORD)", env=(word,))
        scene.runner.converge(keyed(pod(one)))
        web = await scene.reason("CreateContainerConfigError")
        assert web.message == 'configmap "settings" not found'
        assert web.phase == "Pending"
        with pytest.raises(StartError):
            scene.runner.exec_environment(KEY)
        metadata = api.ObjectMeta(name="settings", namespace="shop")
        scene.objects["ConfigMap", ("shop", "settings")] = api.ConfigMap(
            metadata=metadata, data={"word": "yes"}
        )
        web = await scene.ready()
        assert await until(lambda: log(tmp_path))
        assert await get(web.ip) == "yes $(NOPE) $(WORD)"

    play(tmp_path, steps)


def test_a_log_does_not_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LOG_SIZE", 1000)
    monkeypatch.setattr(pods, "LOG_CHECK_SECONDS", 0.05)

    async def steps(scene):
        go, more = tmp_path / "go", "while ! [ -e {} ]; do sleep 0.01; done"
        script = f"seq 1 500; {more.format(go)}; echo last; sleep 100"
        scene.runner.converge(keyed(pod(shell(script))))
        await until(lambda: "500" in old_log(tmp_path))
        assert log(tmp_path) == ""
        go.touch()
        await until(lambda: log(tmp_path) == "last\n")

    play(tmp_path, steps)


def test_probes_hold_back_and_restart(tmp_path):
    """A startup probe gates the others; a failing liveness probe restarts the container."""
    started, live = tmp_path / "started", tmp_path / "live"

    def exists(path, **fields):
        command = ("test", "-e", str(path))
        return api.Probe(exec=api.ExecAction(command=command), timeout_seconds=60, **fields)

    async def steps(scene):
        one = shell(
            "sleep 1000",
            startup_probe=exists(started),
            liveness_probe=exists(live, period_seconds=1, failure_threshold=1),
        )
        live.touch()
        scene.runner.converge(keyed(pod(one)))
        await scene.reason("ContainersNotReady")
        pids = await until(lambda: scene.runner.facts()[KEY].pids)
        started.touch()
        await scene.ready()
        assert scene.runner.facts()[KEY].pids == pids
        live.unlink()
        web = await scene.reason("CrashLoopBackOff")
        assert "SIGTERM" in web.message
        live.touch()
        await scene.ready()
        assert scene.runner.facts()[KEY].restarts == 1

    play(tmp_path, steps)


def test_a_port_that_never_opens_holds_back_for_a_while_only(tmp_path, monkeypatch):
    monkeypatch.setattr(probe_module, "PATIENCE", 1)
    silent = shell("exec sleep 100", ports=(api.ContainerPort(container_port=9),))

    async def steps(scene):
        started = time.monotonic()
        scene.runner.converge(keyed(pod(silent)))
        await scene.ready()
        assert time.monotonic() - started >= 1

    play(tmp_path, steps)


def test_exec_has_the_environment_of_the_container_that_is_named(tmp_path):
    async def steps(scene):
        entry = api.EnvVar(name="A", value="1")
        scene.runner.converge(keyed(pod(echo("x"), shell("sleep 9", name="b", env=(entry,)))))
        web = await scene.ready()
        first = scene.runner.exec_environment(KEY)
        assert first.environment["http_proxy"] == f"http://{web.ip}:15001"
        assert first.environment["no_proxy"] == "localhost,127.0.0.0/8"
        assert first.environment["PORT"] == "5678"
        assert "PATH" not in first.environment
        assert scene.runner.exec_environment(KEY, "b").environment["A"] == "1"
        with pytest.raises(LookupError, match='container "c" is not in pod web; it has echo, b'):
            scene.runner.exec_environment(KEY, "c")
        with pytest.raises(LookupError, match='pod "x" not found in namespace "shop"'):
            scene.runner.exec_environment(("shop", "x"))

    play(tmp_path, steps)


def test_curl_is_stood_in_for_only_where_it_is_missing(tmp_path, monkeypatch):
    async def steps(scene):
        scene.runner.converge(keyed(pod(echo("found me")), pod(shell("sleep 99"), name="client")))
        web = await scene.ready()
        await scene.ready(("shop", "client"))
        extra = scene.runner.exec_environment(("shop", "client")).path
        assert extra == (str(tmp_path / "bin"),)
        done = await asyncio.create_subprocess_exec(
            f"{extra[0]}/curl",
            "-s",
            f"http://{web.ip}:5678",
            stdout=asyncio.subprocess.PIPE,
            env={},
        )
        assert (await done.communicate())[0] == b"found me\n"
        script = container(CURL, f"http://{web.ip}:5678", name="once")
        scene.runner.converge(keyed(pod(echo("found me")), pod(script, name="direct")))
        await until(lambda: "found me" in log(tmp_path, "once", "direct"))

    which = container_module.shutil.which
    monkeypatch.setattr(
        container_module.shutil,
        "which",
        lambda name, **how: None if name == "curl" and not how else which(name, **how),
    )
    play(tmp_path, steps)
