"""Edits change the text where they can, so that comments and order stay."""

from __future__ import annotations

import pytest
import yaml
from release_worlds import released, with_canary

from millrace.release import promote
from millrace.release.edits import append_item, remove_item, set_values
from millrace.release.routing import with_backend, with_weights, without_backend

BLOCK = b"""\
# on top
kind: X
items:
  # about one
  - name: one
    weight: 100   # all of it
  # about two
  - name: two
    weight: 0
# the end
other: 1
"""


def test_a_value_is_set_and_nothing_else_changes() -> None:
    made = set_values(BLOCK, {(0, ("items", 0, "weight")): 95, (0, ("items", 1, "weight")): 5})
    assert made == BLOCK.replace(b"100 ", b"95 ").replace(b"weight: 0", b"weight: 5")


def test_an_item_is_appended_behind_the_last() -> None:
    made = append_item(BLOCK, 0, ("items",), {"name": "three", "weight": 0})
    assert made == BLOCK.replace(b"# the end", b"  - name: three\n    weight: 0\n# the end")


def test_an_item_is_removed_and_the_comment_on_the_next_stays() -> None:
    made = remove_item(BLOCK, 0, ("items",), 0)
    assert b"# about two\n  - name: two" in made
    assert b"name: one" not in made
    assert remove_item(BLOCK, 0, ("items",), 1).endswith(b"# about two\n# the end\nother: 1\n")


@pytest.mark.parametrize(
    "content",
    [
        b"items: [{name: one, weight: 1}]\n",
        b"items:\n- name: one\n  weight: 1",
        b"items:\n-\n  name: one\n  weight: 1\n",
        b"one: &w 1\nitems:\n  - name: one\n    weight: *w\n",
        b"items:\n  - {name: one, weight: 1}\n---\nkind: Other\n",
        b'items:\n  - name: "one"\n    weight: "1"\n    text: |\n      a\n      # b\n',
    ],
    ids=["flow", "no end of line", "dash alone", "anchor", "flow items", "block text"],
)
def test_any_style_of_yaml_is_edited_rightly(content: bytes) -> None:
    before = next(yaml.safe_load_all(content))
    item = {"name": "two", "weight": 0}
    made = append_item(content, 0, ("items",), item)
    assert next(yaml.safe_load_all(made))["items"] == [*before["items"], item]
    assert next(yaml.safe_load_all(remove_item(made, 0, ("items",), 1)))["items"] == before["items"]
    weighed = next(yaml.safe_load_all(set_values(content, {(0, ("items", 0, "weight")): 7})))
    assert weighed["items"][0]["weight"] == 7
    assert weighed.get("one") == before.get("one")
    assert len(list(yaml.safe_load_all(made))) == len(list(yaml.safe_load_all(content)))


def test_the_last_item_can_go() -> None:
    made = remove_item(b"# top\nitems:\n  - one\nother: 1\n", 0, ("items",), 0)
    assert yaml.safe_load(made) == {"items": [], "other": 1}
    assert made.startswith(b"# top\n")


def test_a_backend_that_comes_and_goes_leaves_the_routes_as_they_were() -> None:
    files, _ = released()
    route = files["churn/route.yaml"]
    both = with_backend(route, "churn-v8")
    assert len(both.splitlines()) == len(route.splitlines()) + 18
    assert without_backend(both, "churn-v8") == route


def test_a_change_of_weights_is_a_change_of_two_lines_in_each_route() -> None:
    files, release = with_canary(*released())
    before = files["churn/route.yaml"].splitlines()
    changes = promote(files, release, now=1.0)
    assert set(changes) == {"churn/route.yaml", "churn/rollout.yaml"}
    after = changes["churn/route.yaml"].splitlines()
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 4


def test_weights_are_given_by_name_whatever_the_order() -> None:
    files, _ = with_canary(*released())
    made = with_weights(files["churn/route.yaml"], {"churn-v8": 30, "churn-v7": 70})
    backends = next(yaml.safe_load_all(made))["spec"]["rules"][0]["backendRefs"]
    assert [(one["name"], one["weight"]) for one in backends] == [
        ("churn-v7-predictor", 70),
        ("churn-v8-predictor", 30),
    ]
