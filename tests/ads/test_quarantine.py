"""What Envoy refuses is found, replaced and reported; everything else applies."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ads.link import Link, cluster, endpoints, listener, part, resource, routes, scope, text
from fairlead.ads import type_url
from fairlead.ads.bisection import Group, Suspect, cut, mentions
from fairlead.ads.quarantine import FIRST_RETRY
from fairlead.ir.origin import Origin

C, E, R, L, S = (
    type_url.CLUSTER,
    type_url.ENDPOINTS,
    type_url.ROUTES,
    type_url.LISTENER,
    type_url.SCOPE,
)


def serving(hosts):
    link = Link()
    link.update(cluster("a"), endpoints("a"), routes("t", hosts), listener("l", "t"))
    link.start()
    link.settle()
    link.envoy.seen.clear()
    return link


def rejected(link):
    return [(r.type_url, r.name, r.part) for r in link.machine.state(link.now).rejections]


def test_bad_virtual_host_answers_500_and_the_rest_serves():
    link = serving({"one": "a"})
    link.update(routes("t", {"one": "a", "two": "BAD", "three": "a"}))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a|three>a|two=500"
    assert rejected(link) == [(R, "t", "two")]


def test_refused_change_keeps_the_last_good_version():
    link = serving({"one": "a", "two": "a"})
    link.update(routes("t", {"one": "a", "two": "BAD"}))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a|two>a"
    link.update(routes("t", {"one": "a", "two": "BAD again"}))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a|two>a"


def test_trial_that_passes_does_not_let_a_route_go_before_its_new_cluster():
    link = serving({"one": "a"})
    good = {"five": "a", "four": "a"}
    link.update(routes("t", {"one": "a", **good, "three": "a", "two": "BAD"}))
    link.poll()
    link.deliver_response()
    link.deliver_request()
    link.poll()
    link.update(cluster("b"), endpoints("b"), routes("t", {"one": "b", **good, "three": "a"}))
    link.deliver_response()
    link.deliver_request()
    link.update(routes("t", {"one": "b", **good}))
    link.poll()
    while link.down:
        link.deliver_response()
    assert not link.envoy.dead_routes()
    link.settle()
    assert link.envoy.active[R]["t"] == "t|five>a|four>a|one>b"


def test_removal_that_is_refused_does_not_bring_a_scope_back_before_its_clusters():
    link = serving({"one": "a"})
    link.update(scope("s", "t"))
    link.settle()
    link.envoy.seen.clear()
    link.update(scope("r", "BAD"), gone=[(S, "s")])
    link.poll()
    link.update(cluster("b"), endpoints("b"), scope("s", "v"), routes("v", {"two": "b"}))
    link.deliver_response()
    link.deliver_request()
    link.poll()
    while link.down:
        link.deliver_response()
    assert [url for url, _, _ in link.envoy.seen] == [S, C]
    link.settle()
    assert link.envoy.active[S] == {"s": "v"}


def test_what_was_accepted_after_it_left_does_not_stand_in_for_what_comes_under_its_name():
    link = serving({"one": "a"})
    link.update(cluster("x"), endpoints("x"))
    link.poll()
    link.update(gone=[(C, "x"), (E, "x")])
    link.settle()
    assert "x" not in link.envoy.active[C]
    link.update(cluster("x", "eds BAD"), endpoints("x"))
    link.settle()
    assert "x" not in link.envoy.active[C]
    assert rejected(link) == [(C, "x", "")]


def test_what_came_in_the_first_response_leaves_after_the_stream_broke():
    """Envoy has refused it, and reports nothing of what it took."""
    link = Link()
    link.start()
    link.update(cluster("n", "other"), cluster("z", "eds BAD"))
    link.deliver_request()
    link.poll()
    link.deliver_response()
    assert sorted(link.envoy.active[C]) == ["n"]
    link.update(gone=[(C, "n"), (C, "z")])
    link.reconnect()
    link.settle()
    assert not link.envoy.active[C]


def test_new_process_does_not_wait_for_what_the_one_before_left_open():
    """It asks for listeners once its clusters are warm, and this one warms until it is removed."""
    link = Link()
    link.start()
    link.update(cluster("x"), cluster("y", "eds BAD"))
    link.deliver_request()
    link.poll()
    link.deliver_response()
    link.deliver_request()
    link.restart()
    link.update(gone=[(C, "y")])
    link.deliver_request()
    link.poll()
    link.update(listener("l", "t"), gone=[(C, "x")])
    link.settle()
    assert link.envoy.active[L] == {"l": "t"}


def test_what_envoy_passes_over_is_no_last_good_version():
    """It acknowledges a table that it no longer asks for without having looked at it."""
    link = serving({"one": "a"})
    link.update(gone=[(L, "l")])
    link.poll()
    link.deliver_response()
    link.update(routes("t", {"one": "BAD"}))
    link.poll()
    link.deliver_response()
    link.settle()
    assert "t" not in link.envoy.watched[R]
    link.update(routes("t", {"one": "BAD", "two": "a", "three": "BAD 3"}), listener("l", "t"))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a|three=500|two>a"
    assert rejected(link) == [(R, "t", "one"), (R, "t", "three")]


def test_trial_that_envoy_passes_over_condemns_nobody():
    link = serving({})
    link.update(routes("t", {"bad": "BAD", "good": "a"}), gone=[(L, "l")])
    link.poll()
    link.deliver_response()
    link.deliver_request()
    link.poll()
    while link.down:
        link.deliver_response()
    link.update(listener("m", "t"))
    link.poll()
    link.deliver_response()
    while link.envoy.out:
        link.deliver_request()
    link.settle()
    assert link.envoy.active[R]["t"] == "t|bad=500|good>a"
    assert rejected(link) == [(R, "t", "bad")]


def test_search_ends_with_the_process_that_asked_for_its_table():
    link = serving({})
    link.update(routes("t", {"bad": "BAD", "good": "a"}), gone=[(L, "l")])
    link.poll()
    link.deliver_response()
    link.deliver_request()
    link.restart()
    link.settle()
    assert R not in link.machine.session.stream.channels
    assert link.machine.synced


def test_last_good_version_of_a_table_that_nobody_asks_for_keeps_no_cluster():
    link = serving({"one": "a"})
    link.update(cluster("b", "other"), routes("t", {"two": "b"}))
    link.settle()
    link.update(routes("t", {"two": "BAD"}), gone=[(C, "b"), (L, "l")])
    link.settle()
    assert sorted(link.envoy.active[C]) == ["a"]


def test_what_came_in_a_refused_response_is_sent_again_after_the_stream_broke():
    """Envoy runs what was good of the response, and reports the version before."""
    link = serving({"one": "a"})
    link.update(cluster("a", "eds 2"), cluster("z", "eds BAD"), endpoints("z"))
    link.poll()
    link.deliver_response()
    link.machine.disconnect()
    link.update(cluster("a"), gone=[(C, "z"), (E, "z")])
    link.reconnect()
    link.settle()
    assert link.envoy.active[C] == {"a": "eds 1"}


def test_what_came_in_a_refused_response_leaves_after_the_stream_broke():
    """Envoy runs what was good of the response, and does not report it."""
    link = serving({"one": "a"})
    link.update(listener("m", "t"), listener("l2", "BAD"))
    link.poll()
    link.update(cluster("n", "other"), cluster("z", "eds BAD"))
    link.poll()
    while link.down:
        link.deliver_response()
    assert sorted(link.envoy.active[C]) == ["a", "n"]
    assert sorted(link.envoy.active[L]) == ["l", "m"]
    link.machine.disconnect()
    link.update(gone=[(C, "n"), (C, "z"), (L, "m"), (L, "l2")])
    link.reconnect()
    link.settle()
    assert sorted(link.envoy.active[C]) == ["a"]
    assert sorted(link.envoy.active[L]) == ["l"]


def test_what_is_unclear_stays_so_if_the_next_stream_breaks_at_once():
    link = serving({"one": "a"})
    link.update(listener("m", "t"), listener("l2", "BAD"))
    link.poll()
    link.deliver_response()
    link.reconnect()
    link.update(gone=[(L, "m"), (L, "l2")])
    link.reconnect()
    link.settle()
    assert sorted(link.envoy.active[L]) == ["l"]


def test_cluster_that_a_last_good_version_names_leaves_after_it():
    link = serving({"one": "a"})
    link.update(
        cluster("b"), endpoints("b"), routes("t", {"one": "BAD"}), gone=[(C, "a"), (E, "a")]
    )
    link.settle()
    assert link.envoy.active[R] == {"t": "t|one>a"}
    assert sorted(link.envoy.active[C]) == ["a", "b"]
    assert link.machine.synced
    link.update(endpoints("b", "e2"))
    link.settle()
    assert sorted(link.envoy.active[C]) == ["a", "b"]
    link.update(routes("t", {"one": "b"}))
    link.settle()
    assert link.envoy.active[R] == {"t": "t|one>b"}
    assert sorted(link.envoy.active[C]) == ["b"]


def test_only_suspect_is_condemned_without_further_trials():
    link = serving({f"h{n}": "a" for n in range(50)})
    link.update(routes("t", {f"h{n}": "a" for n in range(50)} | {"h7": "BAD"}))
    link.settle()
    assert len(link.sent(R)) == 2


def test_culprit_is_tried_again_as_soon_as_its_source_changes():
    link = serving({"one": "a"})
    link.update(routes("t", {"one": "BAD"}))
    link.settle()
    told = link.machine.new_status()
    assert told.rejections[0].message == "no argument for repetition operator: *"
    assert [str(origin) for origin in told.rejections[0].origins] == ["HTTPRoute ns/one"]
    link.update(routes("t", {"one": "a", "two": "a"}))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a|two>a"
    assert link.machine.new_status().rejections == ()


def test_culprit_is_not_tried_again_while_others_change():
    link = serving({"one": "a"})
    link.update(routes("t", {"one": "a", "two": "BAD"}))
    link.settle()
    link.envoy.seen.clear()
    link.update(routes("t", {"one": "a", "two": "BAD", "three": "a"}))
    link.settle()
    assert len(link.sent(R)) == 1
    assert rejected(link) == [(R, "t", "two")]


def test_bad_cluster_is_left_out_and_routes_do_not_wait_for_it():
    link = serving({"one": "a"})
    names = [f"c{n}" for n in range(9)]
    made = [cluster(name, "eds BAD" if name == "c4" else "eds 1") for name in names]
    link.update(*made, *map(endpoints, names), routes("t", dict.fromkeys(names, "a")))
    before = link.now
    link.exchange()
    assert link.now == before
    assert link.envoy.active[C].keys() == {"a", *names} - {"c4"}
    assert rejected(link) == [(C, "c4", "")]
    assert "c8>a" in link.envoy.active[R]["t"]


def test_refused_change_of_a_cluster_keeps_the_old_one():
    link = serving({"one": "a"})
    link.update(cluster("a", "eds BAD"))
    link.settle()
    assert link.envoy.active[C]["a"] == "eds 1"
    assert rejected(link) == [(C, "a", "")]


def test_bad_endpoints_are_replaced_so_that_the_cluster_comes_up():
    link = serving({"one": "a"})
    link.update(cluster("b"), endpoints("b", "BAD"), routes("t", {"one": "b"}))
    link.exchange()
    assert link.envoy.active[E]["b"] == "none"
    assert link.envoy.active[R]["t"] == "t|one>b"


def test_bad_listener_leaves_the_others_and_is_tried_again_with_growing_pauses():
    """A port in use becomes free without any change of ours."""
    link = serving({"one": "a"})
    link.update(listener("m", "BAD"), listener("n", "t"))
    link.exchange()
    assert link.envoy.active[L] == {"l": "t", "n": "t"}
    assert rejected(link) == [(L, "m", "")]
    tried = len(link.sent(L))
    for pause in (FIRST_RETRY, FIRST_RETRY * 2, FIRST_RETRY * 4):
        assert link.machine.next_deadline() == link.now + pause
        link.now += pause
        link.exchange()
        tried += 1
        assert len(link.sent(L)) == tried
        assert rejected(link) == [(L, "m", "")]


def test_refused_listener_that_passes_later_is_no_longer_reported():
    link = serving({"one": "a"})
    link.update(listener("m", "BAD"))
    link.exchange()
    link.machine.new_status()
    link.envoy.take = lenient(link.envoy.take)
    link.now += FIRST_RETRY
    link.exchange()
    status = link.machine.new_status()
    assert (status.rejections, status.listeners) == ((), ("l", "m"))


def port(head, **chains):
    """A listener of chains: a head whose text is its table, and parts that can be left out."""
    parts = [part(name, f"|{name}:{text}") for name, text in sorted(chains.items())]
    made = resource(L, "p", *parts, head=head)
    return msgspec.structs.replace(made, origins=(Origin("Gateway", "ns", "edge"),))


def test_bad_chain_is_left_out_and_the_others_serve():
    link = serving({"one": "a"})
    chains = {f"c{n}": "good" for n in range(40)}
    link.update(port("t", **chains))
    link.settle()
    link.update(port("t", **chains | {"c7": "BAD", "new": "good"}))
    link.settle()
    active = link.envoy.active[L]["p"]
    assert "|new:good" in active
    assert "|c7:good" in active, "the last good version stays"
    link.update(port("t", **chains | {"c8": "BAD", "newer": "BAD"}))
    link.settle()
    assert "newer" not in link.envoy.active[L]["p"]
    assert rejected(link) == [(L, "p", "c8"), (L, "p", "newer")]


def test_port_that_cannot_be_bound_is_found_at_once_however_many_chains_it_has():
    link = serving({"one": "a"})
    before = len(link.sent(L))
    link.update(port("BAD", **{f"c{n}": "good" for n in range(500)}))
    link.exchange()
    assert "p" not in link.envoy.active[L]
    assert len(link.sent(L)) - before == 2
    (found,) = link.machine.state(link.now).rejections
    assert (found.part, found.origins) == ("", (Origin("Gateway", "ns", "edge"),))
    for pause in (FIRST_RETRY, FIRST_RETRY * 2, FIRST_RETRY * 4):
        assert link.machine.next_deadline() == link.now + pause
        link.now += pause
        link.exchange()
        assert rejected(link) == [(L, "p", "")]
    link.envoy.take = lenient(link.envoy.take)
    link.now += FIRST_RETRY * 8
    link.exchange()
    assert link.envoy.active[L]["p"].count("good") == 500
    assert rejected(link) == []


def lenient(take):
    """Envoy no longer minds what it minded."""
    return lambda data: take(data.replace(b"BAD", b"bad"))


def test_refused_fallback_leaves_the_part_out():
    link = serving({"one": "a"})
    bad = part("two", "|two>BAD", "|two=BAD")
    link.update(resource(R, "t", *routes("t", {"one": "a"}).parts, bad, head="t"))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a"
    assert rejected(link) == [(R, "t", "two")]


def test_refused_head_keeps_the_last_good_one():
    link = serving({"one": "a"})
    link.update(resource(R, "t", *routes("t", {"one": "a"}).parts, head="BAD"))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a"
    assert rejected(link) == [(R, "t", "")]


def test_removed_clusters_wait_while_the_culprit_is_searched():
    link = serving({"one": "a"})
    link.update(
        *(cluster("b"), endpoints("b")),
        *(routes("t", {"one": "b", "two": "BAD", "three": "b"}),),
        gone=[(C, "a"), (E, "a")],
    )
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>b|three>b|two=500"
    assert "a" not in link.envoy.active[C]


def test_proxy_that_comes_back_is_not_sent_what_it_refused():
    link = serving({"one": "a"})
    link.update(routes("t", {"one": "a", "two": "BAD"}))
    link.settle()
    link.restart()
    link.settle()
    assert all("BAD" not in table for table in link.envoy.active[R].values())
    assert len(link.sent(R)) == 1


def test_stream_that_breaks_during_a_trial_is_no_verdict():
    link = serving({"one": "a"})
    link.update(routes("t", {"one": "BAD", "two": "a", "three": "a"}))
    link.poll()
    link.deliver_response()
    link.deliver_request()
    link.poll()
    link.reconnect()
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a|three>a|two>a"
    assert rejected(link) == [(R, "t", "one")]


def test_change_during_the_search_takes_part():
    link = serving({"one": "a"})
    link.update(routes("t", {f"h{n}": "a" for n in range(8)} | {"h3": "BAD"}))
    link.poll()
    link.deliver_response()
    link.deliver_request()
    link.update(routes("t", {f"h{n}": "a" for n in range(9)} | {"h5": "BAD"}))
    link.settle()
    assert rejected(link) == [(R, "t", "h5")]
    assert link.envoy.active[R]["t"].count(">a") == 8


def test_culprit_that_has_left_before_its_refusal_condemns_nobody():
    link = serving({"one": "a"})
    link.update(routes("t", {"one": "a", "two": "a", "bad": "BAD"}))
    link.poll()
    link.update(routes("t", {"one": "a", "two": "a"}))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|one>a|two>a"
    assert rejected(link) == []


def test_of_a_refusal_that_comes_late_the_culprits_that_are_left_are_found():
    link = serving({"one": "a"})
    link.update(routes("t", {"one": "a", "two": "a", "bad": "BAD", "worse": "BAD"}))
    link.poll()
    link.update(routes("t", {"one": "a", "two": "a", "bad": "BAD"}))
    link.settle()
    assert link.envoy.active[R]["t"] == "t|bad=500|one>a|two>a"
    assert rejected(link) == [(R, "t", "bad")]


def test_message_that_names_the_culprit_shortens_the_search():
    """The last of 64 new clusters: found by its name, not in six halvings."""
    link = serving({"one": "a"})
    names = [f"c{n}" for n in range(64)]
    link.update(
        *(cluster(n, "BAD" if n == "c63" else "eds") for n in names), *map(endpoints, names)
    )
    link.settle()
    assert len(link.sent(C)) == 2
    assert rejected(link) == [(C, "c63", "")]


def test_message_names_whole_words_only():
    assert mentions("cluster(s) ns/a/80: bad", "ns/a/80")
    assert not mentions("cluster(s) ns/a/8080: bad", "ns/a/80")
    assert not mentions("cluster(s) ns/a/80@x: bad", "ns/a/80")
    assert not mentions("anything", "")


@given(st.integers(2, 40), st.text("ab /", max_size=8))
def test_a_cut_loses_and_doubles_nothing(count, message):
    group = Group(tuple(Suspect("a", f"a{n % 7}", bytes([n])) for n in range(count)), message)
    first, second = cut(group)
    assert first.suspects
    assert second.suspects
    assert sorted(first.suspects + second.suspects) == sorted(group.suspects)


hosts = st.dictionaries(
    st.sampled_from([f"h{n}" for n in range(24)]), st.sampled_from(["a", "a", "a", "BAD"])
)


@settings(deadline=None, max_examples=150)
@given(st.lists(hosts, min_size=1, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_random_culprits_are_all_found_and_nobody_else(states, waits):
    link = serving({"one": "a"})
    good = {"one": "a"}
    for state, wait in zip(states, waits, strict=False):
        link.update(routes("t", state))
        if wait:
            link.settle()
            good = {
                host: to if to != "BAD" else good.get(host, "=500") for host, to in state.items()
            }
    link.settle()
    table = link.envoy.active[R]["t"]
    assert "BAD" not in table
    wanted = {host for host, to in states[-1].items() if to == "BAD"}
    assert {name for _, _, name in rejected(link)} == wanted
    for host, to in states[-1].items():
        if to != "BAD":
            assert f"|{host}>{to}" in table
        else:
            assert f"|{host}=500" in table or f"|{host}>a" in table


@settings(deadline=None, max_examples=100)
@given(st.sets(st.integers(0, 60), max_size=8), st.booleans())
def test_random_bad_clusters_are_all_found(bad, named):
    link = serving({"one": "a"})
    if not named:
        link.envoy.take = silent(link.envoy, link.envoy.take)
    names = [f"c{n}" for n in range(60)]
    link.update(
        *(cluster(name, "eds BAD" if n in bad else "eds") for n, name in enumerate(names)),
        *map(endpoints, names),
    )
    link.settle()
    culprits = {f"c{n}" for n in bad if n < 60}
    assert {name for _, name, _ in rejected(link)} == culprits
    assert link.envoy.active[C].keys() == {"a", *names} - culprits


def silent(envoy, take):
    """Envoy's words name nobody."""

    def silenced(data):
        take(data)
        for number, request in enumerate(envoy.out):
            if request.error:
                envoy.out[number] = type(request)(
                    type_url=request.type_url, nonce=request.nonce, error="Proto constraint"
                )

    return silenced


def test_substitutes_have_versions_of_their_own():
    link = serving({"one": "a"})
    wanted = routes("t", {"one": "a", "two": "BAD"})
    link.update(wanted)
    link.settle()
    version = link.envoy.versions[R]["t"]
    assert version != wanted.version
    assert version.startswith("held-")
    assert text(wanted) != link.envoy.active[R]["t"]
