"""Which program stands for an image, and with which arguments."""

import sys

import pytest

from fairlead import api
from fairlead.dataplane.images import http_echo
from fairlead.dataplane.images.catalog import Catalog, ImageMappingError, arguments, repository_of

ECHO = [sys.executable, "-I", "-S", http_echo.__file__]


def run(image, *args, command=(), **mapping):
    """The argument vector of a container, None if its image is unknown."""
    found = Catalog(mapping).find(image)
    spec = api.Container(name="c", image=image, command=command, args=args)
    return found and arguments(found, spec, lambda text: text.replace("$(A)", "1"))


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.27", "docker.io/library/nginx"),
        ("hashicorp/http-echo:1.0", "docker.io/hashicorp/http-echo"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b"),
        ("ghcr.io/a/b@sha256:abc", "ghcr.io/a/b"),
        ("ghcr.io/a/b:v1@sha256:abc", "ghcr.io/a/b"),
        ("localhost/a", "localhost/a"),
    ],
)
def test_a_repository_is_the_name_without_tag_and_digest(image, repository):
    assert repository_of(image) == repository


@pytest.mark.parametrize(
    "image",
    [
        "hashicorp/http-echo",
        "docker.io/hashicorp/http-echo:1.0",
        "mirror.example/cache/hashicorp/http-echo:0.2.3@sha256:abc",
    ],
)
def test_http_echo_is_built_in_from_every_registry(image):
    assert run(image, "-text=$(A)") == [*ECHO, "-text=1"]
    assert run(image, "-text=x", command=("/http-echo", "-listen=:1")) == [
        *ECHO,
        "-listen=:1",
        "-text=x",
    ]
    assert run(image, command=("sh", "-c", "x")) == ["sh", "-c", "x"]


@pytest.mark.parametrize(
    ("args", "argv"),
    [
        ((), ["curl"]),
        (("-s", "http://a"), ["curl", "-s", "http://a"]),
        (("http://a",), ["curl", "http://a"]),
        (("sleep", "5"), ["sleep", "5"]),
    ],
)
def test_the_curl_image_runs_curl_or_what_it_is_told(args, argv):
    assert run("curlimages/curl:8.8.0", *args) == argv


def test_a_mapping_comes_first_and_the_closest_name_wins():
    mapping = {
        "hashicorp/http-echo": "mine 'a b'",
        "docker.io/library/app:v2": "two",
        "app": "any",
    }
    assert run("docker.io/hashicorp/http-echo:1", "x", **mapping) == ["mine", "a b", "x"]
    assert run("app:v2", **mapping) == ["two"]
    assert run("app:v3", **mapping) == ["any"]
    assert run("other/app", **mapping) is None


def test_a_command_of_the_manifest_is_run_if_this_machine_has_it():
    assert run("app", "x", command=("sh", "-c"), app="mine") == ["sh", "-c", "x"]
    assert run("app", "x", command=("/only/in/the/image", "-v"), app="mine") == ["mine", "-v", "x"]
    assert run("app", "x", command=("sleep",), app="") == ["sleep", "x"]


@pytest.mark.parametrize("mapping", [{"": "x"}, {"app": "'x"}])
def test_what_can_not_be_understood_is_refused(mapping):
    with pytest.raises(ImageMappingError, match="--image"):
        Catalog(mapping)
