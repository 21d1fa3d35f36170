"""Which instance commands ask, by options, variables and what runs."""

import json
import socket
import tempfile
from pathlib import Path

import click
import pytest

from fairlead.cli.where import ClusterPlace, Where
from support.kubeconfig import write


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A user's home without an instance and without a kubeconfig; short, for sockets are in it."""
    for name in ("KUBECONFIG", "FAIRLEAD_STATE_DIR", "FAIRLEAD_CLUSTER", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with tempfile.TemporaryDirectory() as home:
        monkeypatch.setenv("HOME", home)
        yield Path(home)


@pytest.fixture
def kubeconfig(machine):
    """A kubeconfig where kubectl looks for it."""
    return write(machine / ".kube" / "config")


@pytest.fixture
def instance(machine):
    """A standalone instance on the default state directory."""
    state = machine / ".local" / "state" / "fairlead" / "default"
    state.mkdir(parents=True)
    (state / "instance.json").write_text(json.dumps({"pid": 42, "runtime_dir": str(state)}))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(state / "api.sock"))
        yield state


def cluster_of(where):
    with click.Context(click.Command("get")):
        found = where.cluster
        return None if found is None else found.title


def test_without_anything_it_is_an_instance_of_this_machine():
    assert cluster_of(Where()) is None


@pytest.mark.usefixtures("instance")
def test_an_instance_without_a_cluster_is_asked_without_a_word(capsys):
    assert cluster_of(Where()) is None
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("kubeconfig")
def test_a_cluster_without_an_instance_is_asked_without_a_word(capsys):
    assert cluster_of(Where()) == "context one"
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("kubeconfig", "instance")
def test_of_both_the_instance_is_asked_and_one_line_says_so(capsys):
    assert cluster_of(Where()) is None
    told = capsys.readouterr().err
    assert told == "asking the instance on this machine (pid 42); --cluster asks the cluster\n"


@pytest.mark.usefixtures("kubeconfig", "instance")
@pytest.mark.parametrize(
    ("options", "title"),
    [
        ({"cluster": True}, "context one"),
        ({"place": ClusterPlace(context="two")}, "context two"),
        ({"plugin": True}, "context one"),
    ],
)
def test_options_decide(options, title, capsys):
    assert cluster_of(Where(**options)) == title
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("kubeconfig")
def test_a_state_directory_means_this_machine(machine, monkeypatch):
    monkeypatch.setenv("FAIRLEAD_CLUSTER", "1")
    assert cluster_of(Where(state_dir=machine)) is None


@pytest.mark.usefixtures("kubeconfig", "instance")
def test_variables_decide_before_what_runs(monkeypatch, machine):
    monkeypatch.setenv("FAIRLEAD_STATE_DIR", str(machine))
    assert cluster_of(Where()) is None
    monkeypatch.setenv("FAIRLEAD_CLUSTER", "1")
    assert cluster_of(Where()) == "context one"


@pytest.mark.usefixtures("kubeconfig")
def test_an_instance_that_has_died_counts_as_none(instance):
    (instance / "api.sock").unlink()
    assert cluster_of(Where()) == "context one"


@pytest.mark.parametrize("options", [{"cluster": True}, {"plugin": True}])
def test_a_state_directory_and_a_cluster_contradict_each_other(options, machine):
    with pytest.raises(click.UsageError, match="--state-dir"):
        Where(state_dir=machine, **options)


@pytest.mark.usefixtures("kubeconfig")
def test_objects_are_in_the_namespace_of_the_context():
    with click.Context(click.Command("get")):
        assert Where(place=ClusterPlace(context="two")).namespace == "default"
        assert Where().namespace == "team"


def test_a_cluster_that_is_nowhere_is_told_of():
    with click.Context(click.Command("get")), pytest.raises(click.ClickException, match="cluster"):
        _ = Where(cluster=True).cluster
