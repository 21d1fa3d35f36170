"""As much of Helm as the chart's templates use: values, `if`, `with`, `range`, `quote`, `toJson`.

It shows in every test run that templates and objects agree; that Helm itself agrees with it is
shown where there is a cluster.
"""

import json
import re

import yaml

_TAG = re.compile(r"(\s*)\{\{(-?) (.*?) (-?)\}\}", re.DOTALL)


def render(chart, values, namespace):
    """The objects that the chart (path to content) makes of values (over its own)."""
    root = {
        "Values": {**yaml.safe_load(chart["values.yaml"]), **values},
        "Release": {"Namespace": namespace},
    }
    made = []
    for name, text in sorted(chart.items()):
        if name.startswith("crds/"):
            made += yaml.safe_load_all(text)
        elif name.startswith("templates/") and name.endswith(".yaml"):
            made += [each for each in yaml.safe_load_all(_Template(text, root).rendered) if each]
    return made


class _Template:
    def __init__(self, text, root):
        self._root = root
        self._tokens = _tokens(text)
        self.rendered = "".join(self._block({".": root}))
        assert not self._tokens, f"{self._tokens[0]} is one too many"

    def _block(self, scope):
        """Output until the `end` of the block, which is left to the caller."""
        while self._tokens:
            kind, text = self._tokens[0]
            if kind == "tag" and text == "end":
                return
            self._tokens.pop(0)
            if kind == "text":
                yield text
            elif text.split()[0] in {"if", "with", "range"}:
                yield from self._controlled(text, scope)
            else:
                yield self._value(text, scope)

    def _controlled(self, text, scope):
        word, _, rest = text.partition(" ")
        start = list(self._tokens)
        scopes = list(self._scopes(word, rest, scope))
        for each in scopes:
            self._tokens = list(start)
            yield from self._block(each)
        if not scopes:
            for _ in self._block(_Anything(scope)):
                pass
        assert self._tokens.pop(0) == ("tag", "end")

    def _scopes(self, word, rest, scope):
        """What `.` and variables are, once for each time that the block is output."""
        if word == "if":
            wanted = not rest.startswith("not ")
            if bool(self._path(rest.removeprefix("not "), scope)) == wanted:
                yield scope
        elif word == "with":
            if found := self._path(rest, scope):
                yield {**scope, ".": found}
        elif ":=" in rest:
            names, _, path = rest.partition(" := ")
            key, value = names.split(", ")
            for each, content in sorted(self._path(path, scope).items()):
                yield {**scope, key: each, value: content}
        else:
            for each in self._path(rest, scope):
                yield {**scope, ".": each}

    def _value(self, text, scope):
        if text == 'include "fairlead.scope" $':
            namespace = self._root["Release"]["Namespace"]
            return "fairlead" if namespace == "fairlead-system" else f"fairlead-{namespace}"
        if text.startswith("toJson "):
            return json.dumps(self._path(text.removeprefix("toJson "), scope))
        path, _, function = text.partition(" | ")
        found = self._path(path, scope)
        if isinstance(found, bool):
            found = str(found).lower()
        assert function in {"", "quote"}, text
        return json.dumps(str(found)) if function else str(found)

    def _path(self, path, scope):
        if path in scope:
            return scope[path]
        assert path.startswith("$."), path
        found = self._root
        for part in path.removeprefix("$.").split("."):
            found = found[part]
        return found


class _Anything(dict):
    """A scope for a block that is not output."""

    def __contains__(self, path):
        return path == "." or (path.startswith("$") and not path.startswith("$."))

    def __missing__(self, path):
        return {}


def _tokens(text):
    made, at = [], 0
    for tag in _TAG.finditer(text):
        before = tag[1] if not tag[2] else ""
        made += [("text", text[at : tag.start()] + before), ("tag", tag[3])]
        at = tag.end()
        assert not tag[4], "no template eats what follows"
    return [*made, ("text", text[at:])]
