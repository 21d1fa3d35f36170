"""Files that change, break and go: what is told with file and line, and what goes on serving."""

import pytest

from feature.scene import (
    Caller,
    client,
    deployment,
    find,
    generation,
    problems,
    rewrite,
    route,
    running,
    service,
    to,
)

WEB_ROUTE = route("web", "web", f"[{to('one', prefix='/one')}]")
TWO = service("one") + service("two")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    files = {
        "pods.yaml": client() + deployment("one") + deployment("two"),
        "services.yaml": TWO + service("web", app="two"),
        "route.yaml": WEB_ROUTE,
    }
    with running(tmp_path_factory, files) as run:
        yield run


@pytest.fixture(scope="module")
def caller(run):
    return Caller(run)


@pytest.fixture
def original(run):
    """The route is as it was afterwards, and nothing is wrong."""
    yield
    run.write("route.yaml", WEB_ROUTE)

    def restored():
        (rule,) = run.one("httproutes", "web")["spec"]["rules"]
        return rule["matches"][0]["path"]["value"] == "/one" and not problems(run)

    run.until("as it was", restored)
    run.until_ready()


def line_of(text, part):
    return text[: text.index(part)].count("\n") + 1


def problem(run, **fields):
    """Wait for the problem that has these fields."""

    def present():
        return [p for p in problems(run) if fields.items() <= p.items()]

    return run.until(f"a problem with {fields}", present)[0]


BROKEN = {
    "a misspelt field": ("matches:", "machtes:", "GW010"),
    "a value of another type": ("port: 80}]}", "port: eighty}]}", "GW011"),
    "a value out of range": ("port: 80}]}", "port: 80000}]}", "GW013"),
    "YAML that does not end": ("backendRefs: [", "backendRefs: [[", "GW100"),
    "a required field without": ("name: one, ", "", "GW012"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.usefixtures("original")
def test_a_broken_document_is_told_and_the_last_good_version_serves(run, caller, case):
    old, new, code = BROKEN[case]
    assert old in WEB_ROUTE
    text = WEB_ROUTE.replace(old, new)
    before = generation(run, "httproutes", "web")
    run.write("route.yaml", text)
    found = problem(run, code=code, severity="error")
    assert found["file"].endswith("route.yaml")
    assert line_of(text, "rules:") <= found["line"] <= text.count("\n") + 1
    assert generation(run, "httproutes", "web") == before
    assert [caller.body(f"http://web/{path}") for path in ("one", "x")] == ["one", 404]
    assert f"route.yaml:{found['line']}" in run.fairlead("get", "problems").stdout
    assert f"route.yaml:{found['line']}" in run.output()


@pytest.mark.usefixtures("original")
def test_a_fix_is_applied_and_told(run, caller):
    run.write("route.yaml", WEB_ROUTE.replace("matches:", "machtes:"))
    problem(run, code="GW010")
    fixed = WEB_ROUTE.replace("value: /one", "value: /fixed")
    rewrite(run, "route.yaml", fixed, "httproutes", "web")
    assert [caller.body(f"http://web/{path}") for path in ("one", "fixed")] == [404, "one"]
    assert problems(run) == []
    run.until("told", lambda: "fixed: GW010" in run.output())


@pytest.mark.usefixtures("original")
def test_a_bad_document_disturbs_no_other_of_its_file(run, caller):
    late = service("late", app="two")
    mixed = WEB_ROUTE.replace("matches:", "machtes:") + late
    run.write("route.yaml", mixed)
    problem(run, code="GW010")
    run.until("the other is served", lambda: caller.body("http://late/") == "two")
    assert caller.body("http://web/one") == "one"


def test_an_unknown_kind_is_told_and_no_more(run, caller):
    run.write("odd.yaml", "apiVersion: example.com/v1\nkind: Odd\nmetadata: {name: odd}\n")
    found = run.until("told", lambda: [p for p in problems(run) if p["file"].endswith("odd.yaml")])
    assert (found[0]["line"], found[0]["kind"]) == (1, "Odd") or found[0]["line"] == 2
    assert caller.body("http://web/one") == "one"
    run.remove("odd.yaml")
    run.until("forgotten", lambda: not problems(run))


def test_the_same_object_twice_counts_once(run, caller):
    other = WEB_ROUTE.replace("name: one,", "name: two,")
    run.write("z-again.yaml", other)
    found = problem(run, code="GW007")
    assert found["file"].endswith("z-again.yaml")
    assert caller.body("http://web/one") == "one"
    run.remove("z-again.yaml")
    run.until("forgotten", lambda: not problems(run))


def test_the_group_that_a_service_parent_lacks_is_told_with_the_fix(run):
    ungrouped = route("ungrouped", "web", f"[{to('two')}]").replace('group: "", ', "")
    run.write("ungrouped.yaml", ungrouped)
    found = problem(run, code="GW101")
    assert 'group: ""' in found["remedy"]
    assert found["line"] == line_of(ungrouped, "parentRefs")
    run.write("ungrouped.yaml", ungrouped.replace("kind: Service", "group: core, kind: Service"))
    run.until("told again", lambda: any("core" in p["message"] for p in problems(run)))
    run.remove("ungrouped.yaml")
    run.until("forgotten", lambda: not problems(run))


def test_objects_go_with_their_file_and_come_with_a_new_directory(run, caller):
    run.write("more/deep/late.yaml", service("deep", app="two"))
    run.until("served", lambda: caller.body("http://deep/") == "two")
    run.write("more/deep/late.yaml", service("deeper", app="two"))
    run.until("renamed", lambda: caller.body("http://deeper/") == "two")
    run.until("the old one is gone", lambda: find(run, "services", "deep") is None)
    run.remove("more/deep/late.yaml")
    run.until("gone", lambda: find(run, "services", "deeper") is None)


def test_a_list_and_json_are_read_too(run, caller):
    item = (
        '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "%s"},'
        ' "spec": {"selector": {"app": "two"}, "ports": [{"port": 80, "targetPort": 5678}]}}'
    )
    items = ", ".join(item % name for name in ("l1", "l2"))
    run.write("list.json", f'{{"apiVersion": "v1", "kind": "List", "items": [{items}]}}')
    run.until("served", lambda: caller.body("http://l1/") == caller.body("http://l2/") == "two")
    run.remove("list.json")
    run.until("gone", lambda: find(run, "services", "l1") is None)


def test_what_is_no_manifest_is_not_read(run):
    run.write("notes.txt", "kind: [")
    run.write(".hidden.yaml", "kind: [")
    rewrite(run, "route.yaml", WEB_ROUTE.replace("/one", "/1"), "httproutes", "web")
    assert problems(run) == []
    rewrite(run, "route.yaml", WEB_ROUTE, "httproutes", "web")
