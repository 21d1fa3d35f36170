"""Objects that are nested as deep as an API server takes them."""

import json
import subprocess
import sys

import msgspec
import pytest

from fairlead import api
from fairlead.providers.kube.decoding import UnreadableError, decode, live
from fairlead.providers.kube.errors import UnreachableError
from fairlead.providers.kube.nesting import shallow
from fairlead.providers.kube.pods import workload
from fairlead.providers.kube.watch_event import decoded, identity

LEVELS = 9990


class Page(msgspec.Struct):
    items: list[msgspec.Raw]


def nested(levels: int) -> bytes:
    """A ConfigMap, which is a Pod as well, with this much in its managedFields."""
    fields = b'{"f:a":' * levels + b'"]}"' + b"}" * levels
    return (
        b'{"metadata": {"managedFields": [{"fieldsV1": %s}], "name": "n", "namespace": "a",'
        b' "uid": "u", "resourceVersion": "7"}, "spec": {}, "data": {"k": "\\"}]"}}' % fields
    )


def read(levels: int) -> tuple:
    """All that is done with a ConfigMap of a list."""
    page = decoded(b'{"items": [{"metadata": {}}, %s]}' % nested(levels), Page, "/p")
    data = bytes(page.items[1])
    config = decode(api.KIND_OF["ConfigMap"], data)
    return identity(page.items[1], "/p"), config.data, live(data).uid, workload(data).name


def main() -> None:
    """Read on the main thread and on another, as a process that `allow` was called in."""
    import threading  # noqa: PLC0415 - for the process that runs this module only

    from fairlead.providers.kube import nesting  # noqa: PLC0415

    nesting.allow()
    found = [read(LEVELS)]
    thread = threading.Thread(target=lambda: found.append(read(LEVELS)))
    thread.start()
    thread.join()
    sys.stdout.write(json.dumps(found))


def test_a_process_that_allows_it_reads_what_an_api_server_takes():
    done = subprocess.run(
        [sys.executable, __file__], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == [[[["a", "n"], ["u", "7"]], {"k": '"}]'}, "u", "n"]] * 2


@pytest.mark.parametrize("levels", [10, LEVELS, 200_000])
def test_one_that_is_too_deep_is_read_without_what_is_too_deep(levels):
    assert read(levels) == ((("a", "n"), ("u", "7")), {"k": '"}]'}, "u", "n")


def test_an_answer_that_is_too_deep_and_cut_short_is_none():
    whole = b'{"items": [%s]}' % nested(LEVELS)
    for end in (len(whole) // 3, len(whole) // 2, len(whole) - 1):
        with pytest.raises(UnreachableError):
            decoded(whole[:end], Page, "/p")


def test_an_object_that_is_too_deep_for_its_decoders_is_unreadable():
    data = nested(200_000)
    for attempt in (lambda: decode(api.KIND_OF["ConfigMap"], data), lambda: live(data)):
        with pytest.raises(UnreadableError):
            attempt()
    with pytest.raises(UnreadableError):
        workload(data)


def test_only_what_is_too_deep_is_replaced():
    text = b'{"a": ["[[{\\"", {"b": [[]]}], "c": %s1%s, "d": 2}' % (b"[" * 300, b"]" * 300)
    found = json.loads(shallow(text))
    assert (found["a"], found["d"]) == (['[[{"', {"b": [[]]}], 2)
    assert json.dumps(found["c"]) == "[" * 99 + "null" + "]" * 99


if __name__ == "__main__":
    main()
