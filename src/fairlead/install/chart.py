"""The Helm chart, made of the same objects that `fairlead install` applies."""

import json
from typing import Any, Final

import msgspec
import yaml

from fairlead import __version__
from fairlead.install import definitions, manifests, template
from fairlead.install.part import Part
from fairlead.install.values import Json, Values

_HEADER: Final = "# Made by `make chart` from fairlead.install: edit that, not this.\n"
_NO_VALUES: Final = frozenset({"namespace"})
"""Fields of `Values` that a chart has from Helm itself."""
_HELPERS: Final = """{{- define "fairlead.scope" -}}
{{- if eq .Release.Namespace "fairlead-system" -}}
fairlead
{{- else -}}
fairlead-{{ .Release.Namespace }}
{{- end -}}
{{- end -}}
"""
_NOTES: Final = """Fairlead runs in the namespace {{ .Release.Namespace }}. How it does, says

  fairlead check --namespace {{ .Release.Namespace }}
{{- if .Values.className }}

Gateways of the class {{ .Values.className }} are served.
{{- end }}
"""


def files() -> dict[str, str]:
    """Path in the chart's directory to content, sorted."""
    templates: dict[str, list[Part]] = {}
    for part in manifests.parts(template.marks()):
        templates.setdefault(_file(part), []).append(part)
    made = {
        "Chart.yaml": _HEADER + _chart(),
        "values.yaml": _HEADER + _values(),
        "values.schema.json": _schema(),
        "templates/_helpers.tpl": _HELPERS,
        "templates/NOTES.txt": _NOTES,
    }
    for name, parts in templates.items():
        made[f"templates/{name}.yaml"] = _HEADER + "".join(map(template.template, parts))
    for name, text in definitions.texts().items():
        made[f"crds/{name}"] = text
    return dict(sorted(made.items()))


def _file(part: Part) -> str:
    """Name of the template that an object goes to."""
    kind: str = part.manifest["kind"]
    component: str = part.manifest["metadata"]["labels"]["app.kubernetes.io/component"]
    if component != "control-plane":
        return component
    return "roles" if "Role" in kind else kind.lower()


def _chart() -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v2",
            "name": "fairlead",
            "description": "Gateway API for both directions, on Envoy",
            "type": "application",
            "version": __version__,
            "appVersion": __version__,
            "kubeVersion": ">=1.30.0-0",
        },
        sort_keys=False,
    )


def _properties() -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of all values, and that of each."""
    whole: dict[str, Any] = msgspec.json.schema(Values)["$defs"]["Values"]
    return whole, {
        key: value for key, value in whole["properties"].items() if key not in _NO_VALUES
    }


def _values() -> str:
    """The defaults, each under what is told of it."""
    defaults: Json = msgspec.to_builtins(Values())
    text: list[str] = []
    for key, schema in _properties()[1].items():
        text += ["\n", *(f"# {line}\n" for line in schema["description"].splitlines())]
        text.append(manifests.document({key: defaults[key]}))
    return "".join(text)


def _schema() -> str:
    """Helm refuses values that it does not describe."""
    whole, each = _properties()
    described = {
        key: {name: said for name, said in schema.items() if name != "default"}
        for key, schema in each.items()
    }
    described["global"] = {"type": "object"}
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "properties": described,
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
