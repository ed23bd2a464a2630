"""Routes: which of them take an alert, and with whom it is grouped there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.alert.routing.test_config import read

from tocsin.alert.routing.tree import Route
from tocsin.model.labels import Labels

TREE = """
receivers: [{name: default}, {name: page}, {name: shop}, {name: db}, {name: log}]
route:
  receiver: default
  group_by: [alertname]
  routes:
  - {matchers: [log=yes], receiver: log, continue: true}
  - matchers: [severity=page]
    receiver: page
    group_by: [service]
    routes:
    - {matchers: ['service=~"shop|cart"'], receiver: shop}
    - {matchers: ['service=~"db.*"'], receiver: db, group_by: ['...'], continue: true}
    - {matchers: ['service=db-main'], receiver: shop, group_by: []}
  - {matchers: [severity=page]}
  - {matchers: [severity=page]}
"""


@pytest.fixture
def route(tmp_path: Path) -> Route:
    """The root of a tree."""
    return read(tmp_path / "alertmanager.yml", TREE).route


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["default"]),
        ({"log": "yes"}, ["log"]),
        ({"log": "yes", "severity": "page"}, ["log", "page"]),
        ({"severity": "page", "service": "cart"}, ["shop"]),
        ({"severity": "page", "service": "db-1"}, ["db"]),
        ({"severity": "page", "service": "db-main"}, ["db", "shop"]),
        ({"severity": "pages"}, ["default"]),
    ],
)
def test_an_alert_goes_down_to_the_first_that_matches(route: Route, labels: dict[str, str], receivers: list[str]) -> None:
    """Depth first; past a match only where the route continues; back to the parent where no child matches."""
    assert [found.receiver for found in route.match(Labels(labels))] == receivers


def test_groups_have_their_labels(route: Route) -> None:
    """Those that group_by names and the alert has; all; or none."""
    labels = Labels({"alertname": "X", "severity": "page", "service": "db-main"})
    assert [found.group_labels(labels) for found in route.match(labels)] == [labels, Labels()]
    assert route.group_labels(labels) == Labels({"alertname": "X"})


def test_ids_are_unique_and_stay(route: Route, tmp_path: Path) -> None:
    """Every route has its own, made of matchers, so that another route before it changes nothing."""
    ids = [each.id for each in route.walk()]
    assert len(set(ids)) == len(ids)
    assert ids[-3:] == ['{}/{severity="page"}/{service="db-main"}', '{}/{severity="page"}#2', '{}/{severity="page"}#3']
    more = TREE.replace("  routes:\n", "  routes:\n  - {matchers: [new=yes]}\n", 1)
    assert set(ids) < {each.id for each in read(tmp_path / "alertmanager.yml", more).route.walk()}
