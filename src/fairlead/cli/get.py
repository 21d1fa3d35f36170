"""`fairlead get`: objects of the running instance, as tables or whole."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from click.shell_completion import CompletionItem

from fairlead.analysis.aligned import aligned, line, widths_of
from fairlead.cli.client import Client, NotPermitted
from fairlead.cli.command import Command
from fairlead.cli.kinds import find_kind, kind_names
from fairlead.cli.where import Where, instance_options, namespace_option

if TYPE_CHECKING:
    from fairlead.cli.reading import Reading

Objects: TypeAlias = list[dict[str, Any]]

_OF_KUBECTL = frozenset({"pods", "deployments"})
"""Kinds of which a control plane in a cluster keeps no objects."""


class KindsType(click.ParamType[tuple[str, ...]]):
    """One or more kinds, separated by commas: plural, singular or short names."""

    name = "kind"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Plural names of the kinds; a usage error for a kind that we don't know."""
        plurals: list[str] = []
        for word in str(value).split(","):
            kind = find_kind(word)
            if isinstance(kind, str):
                plurals.append(kind)
            else:
                near = f" Did you mean {kind.near!r}?" if kind.near else ""
                self.fail(f"Unknown kind {word!r}.{near}", param, ctx)
        return tuple(plurals)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Plural names that begin as typed."""
        del ctx, param
        return [CompletionItem(name) for name in kind_names() if name.startswith(incomplete)]


@click.command(
    cls=Command,
    examples=(
        "fairlead get routes -A",
        "fairlead get gateway shop -o yaml",
        "fairlead get pods -n istio-test -o wide",
        "fairlead get routes --watch",
        "fairlead get problems",
    ),
    short_help="List objects with what became of them.",
)
@click.argument("kinds", metavar="KIND[,KIND...]", type=KindsType())
@click.argument("name", required=False)
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="Objects of all namespaces.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml", "name"]),
    default="table",
    show_default=True,
)
@click.option("-w", "--watch", is_flag=True, help="Go on printing what changes, until Ctrl-C.")
@instance_options
def get(
    kinds: tuple[str, ...],
    *,
    name: str | None,
    namespace: str | None,
    all_namespaces: bool,
    output: str,
    watch: bool,
    where: Where,
) -> None:
    """List objects of the running instance with what became of them.

    KIND is gateways, listenersets, httproutes (or routes), grpcroutes, tlsroutes, tcproutes,
    udproutes, services, pods, proxies, problems, backendtlspolicies, destinationrules, or any
    other kind that is served, in plural, singular or short form (gw, httproute, svc, po).

    Exit codes: 0 fine (also if there are none), 1 the named object doesn't exist or no instance
    runs, 2 wrong usage.
    """
    for kind in kinds:
        if kind in _OF_KUBECTL and where.cluster is not None:
            raise click.ClickException(f"a cluster has {kind} of its own: kubectl get {kind}")
    client = where.client
    scope = None if all_namespaces else namespace or where.namespace
    if watch:
        first, *others = kinds
        if others:
            raise click.UsageError("--watch takes one kind")
        with contextlib.suppress(KeyboardInterrupt):
            _watch(client, first, name, scope, output)
        return
    try:
        _print(client, kinds, name, scope, output)
    except NotPermitted as refusal:
        seen = where.reading(refusal, *filter(None, [scope]))
        _print(seen, kinds, name, scope, output)


def _print(
    source: "Client | Reading",
    kinds: Sequence[str],
    name: str | None,
    scope: str | None,
    output: str,
) -> None:
    """Print what there is now. Nothing is printed before the first answer has come."""
    if output in {"table", "wide"}:
        for index, kind in enumerate(kinds):
            table = source.get("v1", "table", kind, namespace=scope, name=name)
            if index:
                click.echo()
            _print_table(table, scope, wide=output == "wide")
        return
    objects: Objects = []
    for kind in kinds:
        objects += source.get("v1", "objects", kind, namespace=scope, name=name)["items"]
    _print_objects(objects, output, single=name is not None and not kinds[1:])


def _columns(table: Mapping[str, Any], scope: str | None, *, wide: bool) -> list[int]:
    """Indices of the columns to show; -1 stands for the namespace."""
    shown = [-1] if scope is None and table["namespaced"] else []
    return shown + [i for i, c in enumerate(table["columns"]) if wide or not c["wide"]]


def _cells(row: Mapping[str, Any], columns: Sequence[int]) -> list[str]:
    return [row["namespace"] if index < 0 else row["cells"][index] for index in columns]


def _header(table: Mapping[str, Any], columns: Sequence[int]) -> list[str]:
    return ["NAMESPACE" if i < 0 else table["columns"][i]["name"] for i in columns]


def _print_table(table: Mapping[str, Any], scope: str | None, *, wide: bool) -> None:
    """Print rows under their header, or on stderr that there are none."""
    columns = _columns(table, scope, wide=wide)
    rows = [_cells(row, columns) for row in table["rows"]]
    if not rows:
        where = f" in {scope} namespace" if scope is not None and table["namespaced"] else ""
        click.echo(f"No {table['noun']} found{where}.", err=True)
        return
    click.echo(aligned([_header(table, columns), *rows]), nl=False)


def _print_objects(objects: Objects, output: str, *, single: bool) -> None:
    """Print objects as one document: the object itself if a name was given, else a List."""
    if output == "name":
        for item in objects:
            group = item["apiVersion"].rpartition("/")[0]
            kind = item["kind"].lower() + (f".{group}" if group else "")
            click.echo(f"{kind}/{item['metadata']['name']}")
        return
    document = objects[0] if single else {"apiVersion": "v1", "kind": "List", "items": objects}
    click.echo(_text(document, output), nl=False)


def _text(document: object, output: str) -> str:
    """JSON or YAML, ending with a newline."""
    if output == "json":
        return json.dumps(document, indent=4, ensure_ascii=False) + "\n"
    import yaml  # noqa: PLC0415 - 20 ms that only YAML output needs

    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def _watch(client: Client, kind: str, name: str | None, scope: str | None, output: str) -> None:
    """Print the present rows or objects, then each that changes."""
    columns: list[int] = []
    widths: list[int] = []
    for event in client.stream("v1", "watch", kind, namespace=scope, name=name):
        if output in {"json", "yaml", "name"}:
            for item in event["objects"]:
                _print_objects([item], output, single=True)
                if output == "yaml":
                    click.echo("---")
            continue
        rows = event["table"]["rows"]
        if not columns:
            columns = _columns(event["table"], scope, wide=output == "wide")
            header = _header(event["table"], columns)
            widths = widths_of([header, *(_cells(row, columns) for row in rows)])
            click.echo(line(header, widths))
        for row in rows:
            click.echo(line(_cells(row, columns), widths))
