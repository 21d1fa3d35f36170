"""Objects to Helm templates.

An object is built from values that stand for themselves (`«image»`). Each such mark in its YAML
becomes the expression for that value; maps and lists, which may be empty, become blocks; what an
object is made on becomes an `if` or a `range` around it.
"""

import re
from typing import Any, Final

import msgspec

from fairlead.install.manifests import document
from fairlead.install.part import Part
from fairlead.install.values import Values, encoded

_REPLICAS: Final = 77001
"""Stands for the number of replicas, which can be no text."""
_MARK: Final = re.compile(r"«(\w+)»")
_OF_MAP: Final = re.compile(r"( *)(?:- )?«(\w+)»: ''")
_OF_NAMES: Final = re.compile(r"( *)- name: «(imagePullSecrets)»")
_OF_TEXT: Final = re.compile(r"( *)(priorityClassName): «(priorityClassName)»")
_ELSEWHERE: Final = {
    "namespace": "{{ $.Release.Namespace }}",
    "scope": '{{ include "fairlead.scope" $ }}',
}
"""Marks that are no value of a chart."""


class _Marks(Values, frozen=True, kw_only=True):
    """Values whose derived texts are marks as well."""

    def word(self, field: str) -> str:
        return f"«{encoded(field)}»"

    @property
    def scope(self) -> str:
        return "«scope»"


def marks() -> Values:
    """Values that stand for themselves, each under the name that a chart has for it."""
    made: dict[str, Any] = {}
    for field in msgspec.structs.fields(Values):
        mark = f"«{field.encode_name}»"
        match getattr(Values(), field.name):
            case bool():
                made[field.name] = True
            case int():
                made[field.name] = _REPLICAS
            case str():
                made[field.name] = mark
            case tuple():
                made[field.name] = (mark,)
            case _:
                made[field.name] = {mark: ""}
    made["tolerations"] = ({"«tolerations»": ""},)
    return _Marks(**made)


def template(part: Part) -> str:
    """The template of one object built from `marks`."""
    text = "---\n" + _with_expressions(document(part.manifest), part)
    if part.each:
        text = f"{{{{- range $.Values.{encoded(part.each)} }}}}\n{text}{{{{- end }}}}\n"
    for field, word in ((part.unless, "not "), (part.when, "")):
        if field:
            condition = f"{word}$.Values.{encoded(field)}"
            text = f"{{{{- if {condition} }}}}\n{text}{{{{- end }}}}\n"
    return text


def _with_expressions(text: str, part: Part) -> str:
    lines: list[str] = []
    for line in text.splitlines():
        if found := _OF_NAMES.fullmatch(line):
            _names(lines, found[1], found[2])
        elif found := _OF_MAP.fullmatch(line):
            _map(lines, found[1], found[2])
        elif found := _OF_TEXT.fullmatch(line):
            value = f"$.Values.{found[3]}"
            block = f"{{{{- with {value} }}}}", f"{found[1]}{found[2]}: {{{{ . | quote }}}}"
            lines += [*block, "{{- end }}"]
        else:
            lines.append(_scalar(line, part))
    return "\n".join(lines) + "\n"


def _map(lines: list[str], indent: str, name: str) -> None:
    """A map, or a list of maps: all that its field holds, or further entries of it."""
    field = lines[-1]
    if field.endswith(":"):
        holder = f"{field} {{{{ toJson . }}}}"
        lines[-1:] = [f"{{{{- with $.Values.{name} }}}}", holder, "{{- end }}"]
        return
    lines += [
        f"{{{{- range $key, $value := $.Values.{name} }}}}",
        f"{indent}{{{{ $key }}}}: {{{{ $value | quote }}}}",
        "{{- end }}",
    ]


def _names(lines: list[str], indent: str, name: str) -> None:
    """A list of objects by name."""
    lines[-1:] = [
        f"{{{{- with $.Values.{name} }}}}",
        lines[-1],
        "{{- range . }}",
        f"{indent}- name: {{{{ . | quote }}}}",
        "{{- end }}",
        "{{- end }}",
    ]


def _scalar(line: str, part: Part) -> str:
    """A line with expressions instead of marks; a value that has some is quoted."""
    line = re.sub(rf"\b{_REPLICAS}\b", "{{ $.Values.replicas }}", line)
    found = re.fullmatch(r"( *(?:- )?(?:[\w./-]+: )?)'?(.*«.*?)'?", line)
    if found is None:
        return line
    head, value = found.groups()
    if part.each and value == f"«{encoded(part.each)}»":
        return f"{head}{{{{ . | quote }}}}"
    if (alone := _MARK.fullmatch(value)) and alone[1] not in _ELSEWHERE:
        return f"{head}{{{{ $.Values.{alone[1]} | quote }}}}"
    return head + _MARK.sub(
        lambda mark: _ELSEWHERE.get(mark[1], f"{{{{ $.Values.{mark[1]} }}}}"), value
    )
