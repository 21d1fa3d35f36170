"""Real files, really watched."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import pytest

from fairlead.providers import Batch
from fairlead.providers.files import FilesProvider

PATIENCE = 30
"""Seconds after which a change that does not come counts as missed."""


def config(name, value="v1"):
    metadata = f"metadata: {{name: {name}}}"
    return f"{{apiVersion: v1, kind: ConfigMap, {metadata}, data: {{k: {value}}}}}\n"


def names(batch):
    return [("" if change.obj else "-") + change.key[1] for change in batch.changes]


class Watched:
    """A provider that has been loaded, and what it tells from then on."""

    def __init__(self, *paths):
        self.provider = FilesProvider([str(path) for path in paths])
        self.loaded = self.provider.load()
        self.changes = self.provider.changes()
        self.held = {change.key[1]: change.obj.data["k"] for change in self.loaded.changes}

    async def next(self):
        """The next batch; also kept in `held`."""
        batch = await asyncio.wait_for(anext(self.changes), PATIENCE)
        for change in batch.changes:
            self.held[change.key[1]] = change.obj.data["k"] if change.obj else None
        return batch

    async def until(self, **wanted):
        """Batches until each object has the value (None: is gone); all batches that came."""
        batches = []
        while any(self.held.get(name) != value for name, value in wanted.items()):
            batches.append(await self.next())
        return batches

    async def problems(self, *codes):
        """Batches until these are the codes of all problems."""
        while [problem.code for problem in self.provider.problems()] != list(codes):
            await self.next()


def run(scenario, *paths):
    async def whole():
        watched = Watched(*paths)
        async with contextlib.aclosing(watched.changes):
            await scenario(watched)

    asyncio.run(whole())


def test_what_is_loaded(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "b.yaml").write_text(config("bob"))
    (tmp_path / "deep" / "a.yml").write_text(config("ada"))
    (tmp_path / "deep" / "c.json").write_text(
        '{"apiVersion": "v1", "kind": "ConfigMap",\n\t"metadata": {"name": "cyd"}}'
    )
    (tmp_path / "notes.txt").write_text("not: a manifest")
    (tmp_path / ".hidden.yaml").write_text(config("hidden"))
    (tmp_path / ".git" / "x.yaml").write_text(config("hidden"))
    provider = FilesProvider([str(tmp_path)])
    assert names(provider.load()) == ["ada", "bob", "cyd"]
    assert provider.problems() == ()


def test_problems_name_files_as_the_user_did(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "a.yaml").write_text("a: [\n")
    provider = FilesProvider(["dir", "missing.yaml"])
    provider.load()
    assert [problem.file for problem in provider.problems()] == ["dir/a.yaml", "missing.yaml"]
    assert str(provider.problems()[1]) == (
        "missing.yaml: error GW001: there is no such file or directory"
    )


def test_standard_input_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "in").write_text(config("ada"))
    with (tmp_path / "in").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        provider = FilesProvider(["-"])
        assert names(provider.load()) == ["ada"]
        assert not stdin.closed


def test_standard_input_that_is_closed_is_told(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    provider = FilesProvider(["-"])
    assert not provider.load().changes
    assert [str(problem) for problem in provider.problems()] == [
        "<stdin>: error GW001: it cannot be read: it is closed"
    ]


def test_edits_additions_and_removals(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(config("ada"))

    async def scenario(watched):
        assert names(watched.loaded) == ["ada"]
        file.write_text(config("ada", "v2"))
        await watched.until(ada="v2")
        (tmp_path / "b.yaml").write_text(config("bob"))
        await watched.until(bob="v1")
        file.unlink()
        await watched.until(ada=None)
        assert watched.held == {"ada": None, "bob": "v1"}

    run(scenario, tmp_path)


def test_what_changes_between_load_and_watching_is_seen(tmp_path):
    (tmp_path / "a.yaml").write_text(config("ada"))
    (tmp_path / "b.yaml").write_text(config("bob"))

    async def scenario(watched):
        (tmp_path / "a.yaml").write_text(config("ada", "v2"))
        (tmp_path / "b.yaml").unlink()
        (tmp_path / "c.yaml").write_text(config("cyd"))
        await watched.until(ada="v2", bob=None, cyd="v1")

    run(scenario, tmp_path)


def test_what_changes_while_a_batch_is_handled_is_seen(tmp_path):
    async def scenario(watched):
        (tmp_path / "a.yaml").write_text(config("ada"))
        await watched.until(ada="v1")
        for number in range(20):
            (tmp_path / f"{number}.yaml").write_text(config(f"n{number}"))
        await watched.until(**{f"n{number}": "v1" for number in range(20)})

    run(scenario, tmp_path)


def test_an_editor_that_replaces_the_file_removes_nothing(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(config("ada") + "---\n" + config("bob"))

    async def scenario(watched):
        for value in ("v2", "v3", "v4"):
            new = tmp_path / ".a.yaml.swp"
            new.write_text(config("ada", value) + "---\n" + config("bob"))
            file.rename(tmp_path / "a.yaml~")
            new.rename(file)
            batches = await watched.until(ada=value)
            assert "-ada" not in [name for batch in batches for name in names(batch)]
        for value in ("v5", "v6"):
            file.write_text("")  # as if caught between truncation and write
            file.write_text(config("ada", value) + "---\n" + config("bob"))
            batches = await watched.until(ada=value)
            assert "-ada" not in [name for batch in batches for name in names(batch)]
        assert watched.held["bob"] == "v1"

    run(scenario, tmp_path)


@pytest.mark.parametrize("new", ["a.yaml", "c.yaml", "deep/b.yaml"])
def test_a_file_with_a_new_name_is_no_second_one(tmp_path, new):
    old, other = tmp_path / "b.yaml", tmp_path / "other.yaml"
    (tmp_path / "deep").mkdir()
    old.write_text(config("ada"))
    os.utime(old, (1, 1))  # not written just now

    async def scenario(watched):
        await start(watched, other)
        old.rename(tmp_path / new)
        batches = await edit(watched, other, "v3")
        assert not any(batch.problems for batch in batches)
        assert {name for batch in batches for name in names(batch)} == {"other"}
        assert watched.provider.problems() == ()
        (tmp_path / new).write_text(config("ada", "v2"))
        await watched.until(ada="v2")

    run(scenario, tmp_path)


def test_a_directory_with_a_new_name_is_no_second_one(tmp_path):
    old, other = tmp_path / "one", tmp_path / "other.yaml"
    old.mkdir()
    (old / "a.yaml").write_text(config("ada"))
    os.utime(old / "a.yaml", (1, 1))

    async def scenario(watched):
        await start(watched, other)
        old.rename(tmp_path / "two")
        (tmp_path / "two" / "a.yaml").write_text(config("ada", "v2"))
        batches = await watched.until(ada="v2")
        batches += await edit(watched, other, "v3")
        assert not any(name == "-ada" for batch in batches for name in names(batch))
        assert watched.provider.problems() == ()

    run(scenario, tmp_path)


async def start(watched, file):
    """See a first change, so that what comes next is seen as it happens."""
    await edit(watched, file, "v2")


async def edit(watched, file, value):
    file.write_text(config("other", value))
    return await watched.until(other=value)


def test_a_file_that_stays_empty_loses_its_objects(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(config("ada"))

    async def scenario(watched):
        file.write_text("")
        await watched.until(ada=None)

    run(scenario, tmp_path)


def test_a_bad_document_keeps_what_was_good_and_tells_where(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(config("ada") + "---\n" + config("bob"))

    async def scenario(watched):
        file.write_text(config("ada", "[]") + "---\n" + config("bob", "v2"))
        await watched.until(bob="v2")
        await watched.problems("GW011")
        (problem,) = watched.provider.problems()
        assert (problem.file, problem.line, problem.field) == (str(file), 1, "data.k")
        assert watched.held["ada"] == "v1"
        file.write_text(config("ada", "v3") + "---\n" + config("bob", "v2"))
        await watched.until(ada="v3")
        await watched.problems()

    run(scenario, tmp_path)


def test_directories_come_and_go(tmp_path):
    async def scenario(watched):
        deep = tmp_path / "one" / "two"
        deep.mkdir(parents=True)
        (deep / "a.yaml").write_text(config("ada"))
        await watched.until(ada="v1")
        (deep / "b.yaml").write_text(config("bob"))
        await watched.until(bob="v1")
        (tmp_path / "one").rename(tmp_path / "moved")
        (tmp_path / "moved" / "two" / "a.yaml").write_text(config("ada", "v2"))
        batches = await watched.until(ada="v2")
        assert "-ada" not in [name for batch in batches for name in names(batch)]
        (tmp_path / "moved" / "two" / "a.yaml").unlink()
        (tmp_path / "moved" / "two" / "b.yaml").unlink()
        (tmp_path / "moved" / "two").rmdir()
        await watched.until(ada=None, bob=None)

    run(scenario, tmp_path)


def test_a_directory_may_be_made_later(tmp_path):
    root = tmp_path / "not" / "yet"

    async def scenario(watched):
        assert [problem.code for problem in watched.provider.problems()] == ["GW001"]
        root.mkdir(parents=True)
        (root / "a.yaml").write_text(config("ada"))
        await watched.until(ada="v1")
        await watched.problems()

    run(scenario, root)


def test_a_file_may_be_made_later_and_go(tmp_path):
    file = tmp_path / "manifest"

    async def scenario(watched):
        assert [problem.code for problem in watched.provider.problems()] == ["GW001"]
        (tmp_path / "other.yaml").write_text(config("other"))
        file.write_text(config("ada"))
        await watched.until(ada="v1")
        await watched.problems()
        file.unlink()
        await watched.until(ada=None)
        await watched.problems("GW001")
        file.write_text(config("ada", "v2"))
        await watched.until(ada="v2")
        await watched.problems()
        assert "other" not in watched.held

    run(scenario, file)


def test_a_mounted_config_map_is_followed(tmp_path):
    """Kubernetes swaps a symbolic link; the files are links through it."""
    for version in ("v1", "v2"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "a.yaml").write_text(config("ada", version))
    (tmp_path / "..data").symlink_to("..v1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")

    async def scenario(watched):
        assert watched.held == {"ada": "v1"}
        (tmp_path / "..tmp").symlink_to("..v2")
        (tmp_path / "..tmp").rename(tmp_path / "..data")
        await watched.until(ada="v2")

    run(scenario, tmp_path)


def test_a_file_without_permission_is_told(tmp_path):
    file = tmp_path / "a.yaml"
    (tmp_path / "a.yaml").mkdir()  # a directory cannot be read as a file, not even by root
    provider = FilesProvider([str(file / "b.yaml"), str(tmp_path)])
    assert provider.load().changes == ()
    assert [problem.code for problem in provider.problems()] == ["GW001"]


def test_one_change_reads_one_file(tmp_path, monkeypatch):
    """The cost of a change must not grow with the directory."""
    for number in range(300):
        (tmp_path / f"{number}.yaml").write_text(config(f"n{number}"))
    read_bytes = Path.read_bytes
    read = set()

    def counting(path):
        read.add(path.name)
        return read_bytes(path)

    async def scenario(watched):
        (tmp_path / "0.yaml").write_text(config("n0", "v2"))
        await watched.until(n0="v2")
        monkeypatch.setattr(Path, "read_bytes", counting)
        (tmp_path / "7.yaml").write_text(config("n7", "v2"))
        (tmp_path / "new.yaml").write_text(config("new"))
        await watched.until(n7="v2", new="v1")
        assert read - {"0.yaml"} == {"7.yaml", "new.yaml"}

    run(scenario, tmp_path)


@pytest.mark.parametrize("after", [0, 0.001, 0.02])
def test_it_can_be_cancelled_at_any_time(tmp_path, after):
    async def scenario():
        watched = Watched(tmp_path)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watched.next(), after)
        await watched.changes.aclose()

    asyncio.run(asyncio.wait_for(scenario(), PATIENCE))


def test_nothing_is_told_when_nothing_changes(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(config("ada"))

    async def scenario(watched):
        file.write_text(config("ada"))
        file.touch()
        (tmp_path / "z.yaml").write_text(config("zoe"))
        for batch in await watched.until(zoe="v1"):
            assert batch == Batch() or names(batch) == ["zoe"]

    run(scenario, tmp_path)
