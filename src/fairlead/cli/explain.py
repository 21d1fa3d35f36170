"""`fairlead explain`: why a request goes where it goes."""

import json
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.client import NotPermitted
from fairlead.cli.command import Command
from fairlead.cli.where import Where, instance_options

if TYPE_CHECKING:
    from fairlead.analysis.explain import Request

INDENT = "   "


@click.command(
    cls=Command,
    examples=(
        "fairlead explain 'GET http://shop.example.com/cart' -f manifests/",
        "fairlead explain 'POST https://shop.example.com/cart' -H 'x-version: next'",
        "fairlead explain http://backend/orders --from istio-test/client",
        "fairlead explain grpc://users:7070/shop.Users/Get --from default/client",
        "fairlead explain tls://db.example.com:5432 --gateway infra/edge -o json",
    ),
    short_help="Tell why a request goes where it goes.",
)
@click.argument("request", metavar="'[METHOD] URL'")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'",
    help="Request header; Host takes the place of the URL's. May be repeated.",
)  # fmt: skip
@click.option(
    "--from", "source", metavar="NAMESPACE/POD",
    help="Pod, or Deployment, that sends it.  [default: a client outside]",
)  # fmt: skip
@click.option(
    "--gateway", metavar="NAMESPACE/NAME",
    help="Gateway that it is sent to.  [default: the one that fits best]",
)  # fmt: skip
@click.option("--sni", metavar="NAME", help="Name that TLS is asked for.  [default: the host]")
@click.option(
    "-f", "--filename", "paths", multiple=True, metavar="PATH",
    type=click.Path(exists=True, allow_dash=True, readable=True),
    help="Explain offline from manifests, as if all that is written ran. May be repeated.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Tell every route that does not serve it.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="Format.",
)  # fmt: skip
@instance_options
def explain(
    request: str,
    *,
    headers: tuple[str, ...],
    source: str | None,
    gateway: str | None,
    sni: str | None,
    paths: tuple[str, ...],
    every: bool,
    output: str,
    where: Where,
) -> None:
    """Tell what becomes of a request, and why.

    That is: listener or Service, route, rule, filters in order, the request as backends get it,
    their shares, endpoints and policies, and for each other route why it does not serve it.

    Schemes besides http and https are grpc, grpcs, ws, wss, tls, tcp and udp. Nothing is sent. With
    -f the answer comes from manifests alone, else from the running instance.

    Exit codes: 0 it was explained, whatever becomes of it; 1 there is no instance to ask;
    2 wrong usage.
    """
    from fairlead.analysis.explain import RequestError, parse  # noqa: PLC0415 - heavy

    try:
        asked = parse(request, headers, source=source, gateway=gateway, sni=sni)
    except RequestError as error:
        raise click.UsageError(str(error)) from None
    answer = _offline(paths, asked, every) if paths else _live(where, asked, every)
    if output == "json":
        click.echo(json.dumps(answer["decision"], indent=2))
        return
    for depth, text in answer["lines"]:
        click.echo(INDENT * depth + text)


def _offline(paths: tuple[str, ...], request: "Request", every: bool) -> Any:  # noqa: ANN401, FBT001
    from fairlead.app.explanation import Manifests, Question, answer  # noqa: PLC0415 - heavy

    manifests = Manifests.read(paths)
    return answer(manifests.facts, Question(request, every), manifests.problems)


def _live(where: Where, request: "Request", every: bool) -> Any:  # noqa: ANN401, FBT001
    import msgspec  # noqa: PLC0415 - heavy

    question = {"request": request, "every": every}
    text = msgspec.json.encode(question).decode()
    try:
        return where.client.get("v1", "explain", question=text)
    except NotPermitted as refusal:
        named = (request.source, request.gateway)
        namespaces = [each.partition("/")[0] for each in named if each]
        reading = where.reading(refusal, where.namespace, *namespaces)
        return reading.explain(request, every=every)
