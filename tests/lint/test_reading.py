"""Where manifests come from, and what lint takes of their words."""

import pytest

from fairlead.analysis.lint.slips import distance, slip_of
from fairlead.analysis.lint.words import Said, path, said
from fairlead.api.finding import field
from fairlead.providers.files.markdown import manifests
from fairlead.providers.files.texts import read
from lint import cases

ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: a, port: 80, weight: 0}]}]
"""
PAGE = f"""# Title

```yaml
rules: [a fragment: not: yaml
```

1. Indented:

   ```yaml
{"".join(f"   {line}" for line in ROUTE.splitlines(keepends=True))}   ```

~~~~yml
{ROUTE.replace("port: 80", "prot: 80")}~~~~

```sh
kind: of shell
```
"""


def test_yaml_of_markdown_stays_on_its_lines():
    text = manifests(PAGE).split("\n")
    assert len(text) == len(PAGE.split("\n"))
    assert text.count("---") == 3
    assert "kind: of shell" not in text
    assert "a fragment" not in "".join(text)
    kept = [line for line in text if line not in ("", "---")]
    assert len(kept) == 2 * ROUTE.count("\n")
    for number, line in enumerate(PAGE.split("\n")):
        assert text[number] in ("", "---") or line in (text[number], f"   {text[number]}")


def test_problems_of_markdown_have_their_lines(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(PAGE)
    lines = PAGE.split("\n")
    found = [(each.code, lines[each.line - 1]) for each in cases.found_in(page)]
    assert [code for code, _ in found] == ["GW133", "GW010"]
    assert "weight: 0" in found[0][1]
    assert "prot: 80" in found[1][1]


def test_directories_files_and_what_is_missing(tmp_path):
    (tmp_path / "b.yaml").write_text(ROUTE)
    (tmp_path / "a.md").write_text(PAGE)
    (tmp_path / "latin.md").write_bytes(b"\xe4")
    texts = read([str(tmp_path), str(tmp_path / "latin.md"), str(tmp_path / "gone.yaml")])
    assert [(each.file.rpartition("/")[2], bool(each.fault)) for each in texts] == [
        ("b.yaml", False),
        ("gone.yaml", True),
        ("latin.md", True),
    ]
    codes = {each.code for each in cases.found_in(tmp_path, tmp_path / "gone.yaml")}
    assert codes == {"GW001", "GW133"}


def test_items_of_a_list_have_their_places(tmp_path):
    items = "".join(
        f"- apiVersion: gateway.networking.k8s.io/v1\n  kind: HTTPRoute\n"
        f"  metadata: {{name: {name}}}\n  spec:\n    parentRefs: [{{name: edge}}]\n"
        f"    rules: [{{backendRefs: [{{name: a, port: 80, weight: {weight}}}]}}]\n"
        for name, weight in (("one", 1), ("two", 0))
    )
    file = tmp_path / "list.yaml"
    file.write_text(f"# first\n---\napiVersion: v1\nkind: List\nitems:\n{items}")
    (problem,) = cases.found_in(file)
    assert (problem.name, problem.line) == ("two", 17)


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("spec.a[0].b: is bad; do this", [("spec.a[0].b", "is bad", "do this")]),
        (
            "tls.certificateRefs[0].name: Secret a/b does not exist; create it; spec.x: y",
            [
                ("tls.certificateRefs[0].name", "Secret a/b does not exist", "create it"),
                ("spec.x", "y", ""),
            ],
        ),
        ("Gateway a/b does not exist", [("", "Gateway a/b does not exist", "")]),
        ("port 80: no; port 81: no", [("", "port 80: no", "port 81: no")]),
        ("Dropped Rule 1, x: spec.rules[1]: bad", [("spec.rules[1]", "bad", "")]),
        ('spec.data["a.b"]: odd', [('spec.data["a.b"]', "odd", "")]),
    ],
)
def test_messages_are_taken_apart(message, parts):
    found = [(field(each.path), each.message, each.remedy) for each in said(message)]
    assert found == parts


def test_paths_are_read_as_they_are_written():
    for each in (("spec", "rules", 0, "matches", 12), ("data", "tls.crt"), ("spec",)):
        assert path(field(each)) == each
    assert said("") == (Said((), ""),)


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("egde", {"edge"}, "edge"),
        ("my-gatway", {"my-gateway", "my-other"}, "my-gateway"),
        ("mygateway", {"my-gateway"}, "my-gateway"),
        ("backend-v1", {"backend-v2", "backend-v10"}, ""),
        ("web-a", {"web-b"}, ""),
        ("same-namespace-https", {"same-namespace-http"}, ""),
        ("foo-svc", {"bar-svc"}, ""),
        ("blue", {"green"}, ""),
        ("cart", {"chart-museum"}, ""),
    ],
)
def test_slips_are_told_from_names_that_are_alike_on_purpose(name, known, meant):
    assert slip_of(name, known) == meant


def test_distance_counts_neighbours_that_are_swapped_once():
    assert distance("egde", "edge") == 1
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == distance("abc", "") == 3
