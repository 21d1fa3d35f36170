"""Archives of images: what engines read in them, and that the same input gives the same bytes."""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from image import archive, packages  # noqa: E402 - a directory beside src
from image.tree import Directory, File, Link, layer  # noqa: E402

TREE = {
    "usr/bin/tool": File(b"#!/bin/sh\n", 0o755),
    "usr/bin/alias": Link("tool"),
    "tmp": Directory(0o1777),
    "etc/passwd": File(b"root:x:0:0::/:\n"),
}


def test_a_layer_has_every_directory_before_what_is_in_it_and_no_times():
    with tarfile.open(fileobj=io.BytesIO(layer(TREE))) as tar:
        members = {member.name: member for member in tar}
    names = list(members)
    assert names == ["etc", "etc/passwd", "tmp", "usr", "usr/bin", "usr/bin/alias", "usr/bin/tool"]
    assert {(each.mtime, each.uid, each.gid, each.uname) for each in members.values()} == {
        (0, 0, 0, "")
    }
    assert members["usr/bin/tool"].mode == 0o755
    assert members["tmp"].mode == 0o1777
    assert members["usr/bin/alias"].linkname == "tool"


def test_the_order_of_entries_does_not_matter():
    assert layer(dict(reversed(TREE.items()))) == layer(TREE)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("fairlead", "docker.io/library/fairlead:latest"),
        ("fairlead:dev", "docker.io/library/fairlead:dev"),
        ("team/fairlead:1", "docker.io/team/fairlead:1"),
        ("registry.example/fairlead:1", "registry.example/fairlead:1"),
        ("localhost:5000/fairlead", "localhost:5000/fairlead:latest"),
    ],
)
def test_names_are_completed_as_engines_do(name, full):
    assert archive.full_name(name) == full


def test_an_archive_holds_what_its_manifest_says(tmp_path):
    output = tmp_path / "image.tar"
    layers = [layer(TREE), layer({"opt": Directory()})]
    archive.write(output, ["fairlead:dev", "fairlead:1"], layers, {"User": "65532"})
    with tarfile.open(output) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}
    index = json.loads(files["index.json"])
    names = [each["annotations"]["io.containerd.image.name"] for each in index["manifests"]]
    assert names == ["docker.io/library/fairlead:dev", "docker.io/library/fairlead:1"]

    def blob(descriptor):
        content = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(content) == descriptor["size"]
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == descriptor["digest"]
        return content

    manifest = json.loads(blob(index["manifests"][0]))
    config = json.loads(blob(manifest["config"]))
    assert config["config"] == {"User": "65532"}
    assert [blob(each) for each in manifest["layers"]] == layers
    digests = [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]
    assert config["rootfs"]["diff_ids"] == digests
    (table,) = json.loads(files["manifest.json"])
    assert [files[path] for path in table["Layers"]] == layers
    assert files[table["Config"]] == blob(manifest["config"])


def test_the_same_input_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        archive.write(tmp_path / name, ["fairlead:dev"], [layer(TREE)], {"User": "1"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_our_own_layer_is_compiled_and_has_no_path_of_this_machine(tmp_path):
    source = packages.source(ROOT)
    compiled = packages.compiled(source, tmp_path)
    modules = [path for path in source if path.endswith(".py")]
    assert len(compiled) == len(modules) > 300
    for entry in compiled.values():
        content = entry.read()
        assert content[4:8] == b"\x01\0\0\0", "unchecked, by the source's hash"
        assert str(ROOT).encode() not in content


def test_what_is_not_as_locked_is_named(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("click==0.1 \\\n    --hash=sha256:0\n")
    with pytest.raises(packages.LockError, match=r"click .* is installed, .* says 0\.1"):
        packages.locked(lock)
    lock.write_text("not-there==1.0 \\\n    --hash=sha256:0\n")
    with pytest.raises(packages.LockError, match="not-there"):
        packages.locked(lock)
