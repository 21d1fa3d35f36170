"""Which listener of a TLS port serves a connection and its requests, against a second reading.

In: random HTTPS and TLS listeners of a Gateway and of ListenerSets on one port. The oracle takes
the name of a connection (SNI) and the host of a request: the one chooses a listener, and the other
has to be that listener's too (ListenerSpec.hostname).
"""

import json
from random import Random

import pytest

from fairlead.ir.listener import HttpChain
from support.certificates import CA, tls_secret
from translate.hosts import covers, width
from translate.world import World

HOSTS = (None, "*.com", "*.a.com", "*.b.a.com", "x.a.com", "x.b.a.com", "a.com")
ASKED = ("x.a.com", "x.b.a.com", "c.b.a.com", "a.com", "q.com", "z.org")
SECRET = tls_secret("cert", CA("root").issue(dns=["*.com"]))
CLOSED, PASSED = "closed", "passed"


def listeners(random):
    for index, host in enumerate(random.sample(HOSTS, random.randint(1, 3))):
        protocol = random.choice(["HTTPS", "HTTPS", "TLS"])
        secret = random.choice(["cert", "cert", "cert", "missing"])
        ends = {"certificateRefs": [{"name": secret}]}
        yield {
            "name": f"l{index}",
            "port": 443,
            "protocol": protocol,
            "tls": {"mode": "Passthrough"} if protocol == "TLS" else ends,
            **({"hostname": host} if host else {}),
        }


def parents(random):
    up = {"name": "gate", "namespace": "default"}
    more = {"allowedListeners": {"namespaces": {"from": "All"}}}
    for index in range(random.randint(1, 3)):
        kind, name = ("ListenerSet", f"s{index}") if index else ("Gateway", "gate")
        spec = {"parentRef": up} if index else {"gatewayClassName": "fairlead", **more}
        yield {
            "kind": kind,
            "metadata": {"name": name, "namespace": "default"},
            "spec": {**spec, "listeners": list(listeners(random))},
        }


def route(parent, listener):
    """An HTTPRoute or TLSRoute for one listener, named after it."""
    kind = "HTTPRoute" if listener["protocol"] == "HTTPS" else "TLSRoute"
    section = {"kind": parent["kind"], "name": parent["metadata"]["name"]}
    hosts = {} if kind == "HTTPRoute" else {"hostnames": [listener.get("hostname", "*.com")]}
    return {
        "kind": kind,
        "metadata": {"name": named(parent, listener), "namespace": "default"},
        "spec": {
            "parentRefs": [{**section, "sectionName": listener["name"]}],
            **hosts,
            "rules": [{"backendRefs": [{"name": "b", "port": 80}]}],
        },
    }


def named(parent, listener):
    return f"{parent['metadata']['name']}-{listener['name']}"


def owner_of(found, host):
    """The most specific listener for a host, None if there is none."""
    mine = [each for each in found if covers(each[1].get("hostname"), host)]
    return min(mine, key=lambda each: width(each[1].get("hostname")), default=None)


def expected(found, server_name, host):
    own = owner_of(found, server_name)
    if own is None or own[1]["tls"].get("certificateRefs") == [{"name": "missing"}]:
        return CLOSED
    if own[1]["protocol"] == "TLS":
        return PASSED if covers(own[1].get("hostname", "*.com"), server_name) else CLOSED
    other = owner_of(found, host)
    if other is None:
        return 404
    return f"default/{named(*own)}/0/0" if other is own else 421


def closest(names, host):
    labels = host.split(".")
    wider = ["*." + ".".join(labels[index:]) for index in range(1, len(labels))]
    return next((each for each in (host, *wider, "*") if each in names), None)


def served(world, server_name, host):
    """What proxies do: a chain by server name, then a virtual host, then its rules."""
    chains = {name: each for (_, _, name), each in world.outputs.chains.items()}
    name = closest(chains, server_name)
    if name is None:
        return CLOSED
    chain = chains[name]
    if not isinstance(chain, HttpChain):
        return PASSED if chain.origin.kind == "TLSRoute" else CLOSED
    hosts = {name: each for (_, name), each in world.outputs.virtual_hosts.items()}
    found = closest(hosts, host)
    if found is None:
        return 404
    if hosts[found].owner != chain.owner:
        return 421
    return hosts[found].rules[0].name if hosts[found].rules else 404


@pytest.mark.parametrize("seed", range(100))
def test_any_port_is_served_as_the_specification_says(seed):
    random = Random(seed)
    made = list(parents(random))
    every = [(parent, each) for parent in made for each in parent["spec"]["listeners"]]
    taken = {}
    for parent, each in every:
        taken.setdefault(each.get("hostname"), (parent, each))
    found = list(taken.values())
    objects = (*made, *(route(*each) for each in every))
    world = World(SECRET, "\n---\n".join(map(json.dumps, objects)))
    for name in ASKED:
        for host in ASKED:
            assert (name, host, served(world, name, host)) == (
                name,
                host,
                expected(found, name, host),
            )
