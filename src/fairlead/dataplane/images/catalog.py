"""Which program stands for an image on this machine.

What comes in is a container's image, command and args; what goes out is an argument vector. As in
a cluster, a container's `command` replaces the image's entrypoint and its `args` the image's own
arguments. The user's mapping comes before the built-in images.
"""

import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from fairlead import api
from fairlead.dataplane.images import http_echo

_PYTHON = (sys.executable, "-I", "-S")
_DEFAULT_REGISTRY = "docker.io"


class ImageMappingError(ValueError):
    """A `--image NAME=COMMAND` that can't be understood; the message says why."""


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is here."""

    entrypoint: tuple[str, ...]
    """Empty: the container's own words are run."""
    default: tuple[str, ...] = ()
    """Run if neither image nor container say what."""
    programs: frozenset[str] = frozenset()
    """Names of the image's programs that `entrypoint` stands for."""
    mapped: bool = False
    """Whether the user has mapped it."""


_BUILT_IN: Mapping[str, Image] = {
    "hashicorp/http-echo": Image((*_PYTHON, http_echo.__file__), programs=frozenset({"http-echo"})),
    "curlimages/curl": Image((), default=("curl",)),
}


class Catalog:
    """The images that can be run.

    Args:
        mapping: image names to command lines, as `--image` gives them. A name with a tag or digest
            stands for just that; one without for all of them. An empty command line means that
            the container's own command is run as it is.

    Raises:
        ImageMappingError: a name is empty, or a command line has an open quote.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapped: dict[str, Image] = {}
        for name, command in mapping.items():
            if not name:
                raise ImageMappingError(f"--image ={command}: the name of the image is missing")
            try:
                words = tuple(shlex.split(command))
            except ValueError as error:
                raise ImageMappingError(f"--image {name}={command}: {error}") from error
            self._mapped[_whole_name(name)] = Image(words, mapped=True)

    def find(self, reference: str) -> Image | None:
        """What stands for an image, None if nothing does.

        Args:
            reference: such as ``docker.io/hashicorp/http-echo:1.0`` or ``curlimages/curl``.
        """
        repository = repository_of(reference)
        for name in (_whole_name(reference), repository):
            if name in self._mapped:
                return self._mapped[name]
        return _BUILT_IN.get("/".join(repository.split("/")[-2:]))


def repository_of(reference: str) -> str:
    """An image's name without tag and digest, its registry written out."""
    name = _whole_name(reference).partition("@")[0]
    path, slash, last = name.rpartition("/")
    return path + slash + last.partition(":")[0]


def arguments(image: Image, container: api.Container, expand: Callable[[str], str]) -> list[str]:
    """The argument vector that runs a container.

    Args:
        image: what stands for its image.
        container: its `command` and `args`.
        expand: replaces ``$(VARIABLE)`` in what the manifest says, as Kubernetes does.
    """
    args = [expand(word) for word in container.args]
    command = [expand(word) for word in container.command]
    if command:
        if _is_the_images_own(command[0], image):
            return [*image.entrypoint, *command[1:], *args]
        return command + args
    if image.entrypoint:
        return [*image.entrypoint, *args]
    if not args or shutil.which(args[0]) is None:  # as the entrypoint of the curl image does
        return [*image.default, *args]
    return args


def _is_the_images_own(program: str, image: Image) -> bool:
    """Whether a container's `command` names a program that exists only in the image."""
    if PurePosixPath(program).name in image.programs:
        return True
    return image.mapped and bool(image.entrypoint) and shutil.which(program) is None


def _whole_name(reference: str) -> str:
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return reference
    name = reference if slash else f"library/{reference}"
    return f"{_DEFAULT_REGISTRY}/{name}"
