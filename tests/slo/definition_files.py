"""SLO files for tests: what they say, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Definitions, Objective
from tocsin.slo.files.definitions import DefinitionMistakes, read_definitions

OWN = """\
apiVersion: tocsin/v1
kind: Objective
metadata: {name: shop}
spec:
  service: shop
"""
OWN_REST = "  target: 99.9%\n  availability: {}\n"
OPENSLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: shop}
spec:
  service: shop
"""
OPENSLO_WINDOW = "  timeWindow: [{duration: 30d, isRolling: true}]\n  budgetingMethod: Occurrences\n"
OPENSLO_RATIO = """\
  indicator:
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: prometheus, spec: {query: 'sum(shop_total{code!~"5.."})'}}}
        total: {metricSource: {type: prometheus, spec: {query: sum(shop_total)}}}
"""
OPENSLO_THRESHOLD = """\
  indicator:
    spec:
      thresholdMetric: {metricSource: {type: prometheus, spec: {query: queue_depth}}}
"""
OPENSLO_TARGET = "  objectives: [{target: 0.99}]\n"


def read(tmp_path: Path, *texts: str) -> Definitions:
    """What files with these texts say."""
    paths = []
    for place, text in enumerate(texts):
        path = tmp_path / f"{place}.yaml"
        path.write_text(dedent(text), encoding="utf-8")
        paths.append(path)
    return read_definitions(paths, PromqlOptions())


def only(tmp_path: Path, *texts: str) -> Objective:
    """The one objective of files with these texts."""
    (objective,) = read(tmp_path, *texts).objectives.values()
    return objective


def mistakes_in(tmp_path: Path, *texts: str) -> list[str]:
    """What is wrong with files of these texts, without the folder: `0.yaml:3:1: ...`."""
    with pytest.raises(DefinitionMistakes) as caught:
        read(tmp_path, *texts)
    return [str(mistake).removeprefix(f"{tmp_path}/") for mistake in caught.value.mistakes]


def remarks_in(tmp_path: Path, *texts: str) -> list[str]:
    """What is remarked about files of these texts, without the folder."""
    return [remark.removeprefix(f"{tmp_path}/") for remark in read(tmp_path, *texts).remarks]
