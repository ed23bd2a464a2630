"""Options of collecting: what a prometheus.yml says is read, every mistake is said clearly, no secret is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from tocsin.collect.options import CollectOptions, JobOptions, ProbeJobOptions

WHOLE = """
scrape:
  global: {scrape_interval: 30s, scrape_timeout: 5s, external_labels: {site: fra}}
  jobs:
    - job_name: shop
      scrape_interval: 1m30s
      honor_labels: true
      metrics_path: /internal/metrics
      scheme: https
      params: {collect: [cpu, disk]}
      basic_auth: {username: reader, password: hunter2}
      tls_config: {insecure_skip_verify: true, server_name: shop.example.org}
      http_headers: {X-Tenant: {values: [7], secrets: [hunter3]}}
      body_size_limit: 50MB
      sample_limit: 10000
      scrape_protocols: [OpenMetricsText1.0.0, PrometheusText0.0.4]
      fallback_scrape_protocol: PrometheusText0.0.4
      static_configs:
        - {targets: ['10.0.0.7:8000', shop], labels: {team: web, tier: 1}}
      file_sd_configs: [{files: ['targets/*.json'], refresh_interval: 1m}]
      relabel_configs: [{source_labels: [team], regex: db, action: drop}]
      metric_relabel_configs: [{regex: pod_.*, action: labeldrop}]
    - job_name: bearer
      authorization: {credentials: hunter4}
probes:
  interval: 1m
  jobs:
    - job_name: sites
      prober: http
      http: {valid_status_codes: [200, 401], fail_if_not_ssl: true, basic_auth: {username: a, password: hunter5}}
      static_configs: [{targets: ['https://example.org/login']}]
    - {job_name: mail, prober: tcp, tcp: {query_response: [{expect: '^220'}, {send: QUIT}]}, static_configs: [{targets: ['mx:25']}]}
    - {job_name: names, prober: dns, dns: {query_name: example.org, query_type: A}, static_configs: [{targets: [127.0.0.53]}]}
host: {interval: 30s}
own: {enabled: false}
"""


def read(text: str) -> CollectOptions:
    """Options from YAML."""
    return CollectOptions.model_validate(yaml.safe_load(text))


def test_a_file_in_prometheus_words_is_read() -> None:
    """Every option that a usual prometheus.yml has is understood, with its units."""
    options = read(WHOLE)
    shop, bearer = options.scrape.jobs
    assert (shop.scrape_interval, shop.body_size_limit, shop.params["collect"]) == (90.0, 50 << 20, ("cpu", "disk"))
    assert shop.static_configs[0].labels == {"team": "web", "tier": "1"}
    assert shop.http_headers["X-Tenant"].values == ("7",)
    assert bearer.authorization is not None
    assert bearer.authorization.type == "Bearer"
    assert options.scrape.defaults.scrape_interval == 30.0
    assert [job.prober for job in options.probes.jobs] == ["http", "tcp", "dns"]
    assert (options.host.enabled, options.host.interval, options.own.enabled) == (True, 30.0, False)


def test_secrets_are_never_printed() -> None:
    """Neither the text of the options nor their JSON holds a password."""
    options = read(WHOLE)
    for text in (repr(options), str(options), options.model_dump_json(), json.dumps(options.model_dump(mode="json"))):
        assert "hunter" not in text


def test_secret_parameters_are_never_printed() -> None:
    """A parameter with a secret's name is asked for as it is, and shown as a mark."""
    job = JobOptions.model_validate({"job_name": "a", "params": {"token": ["hunter2"], "collect": ["cpu"]}})
    assert job.params == {"token": ("hunter2",), "collect": ("cpu",)}
    assert job.model_dump(mode="json")["params"] == {"token": ["[REDACTED]"], "collect": ["cpu"]}
    assert "hunter2" not in repr(job)


@pytest.mark.parametrize("prober", ["http", "tcp"])
def test_a_probe_has_no_password_in_its_address(prober: str) -> None:
    """It would be a label of every series; the message says where it belongs, and does not repeat it."""
    with pytest.raises(ValidationError, match="basic_auth") as caught:
        ProbeJobOptions.model_validate({"job_name": "a", "prober": prober, "static_configs": [{"targets": ["http://joe:hunter2@h/"]}]})
    assert all("hunter2" not in details["msg"] for details in caught.value.errors(include_url=False))


def test_everything_has_a_default() -> None:
    """Without a word, the machine and Tocsin itself are measured, and nothing is asked."""
    options = CollectOptions()
    assert not options.scrape.jobs
    assert options.host.enabled
    assert options.host.job_name == "node"


JOB_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"scrape_interval": "10s", "scrape_timeout": "15s"}, "found 15s > 10s"),
    ({"scrape_timeout": "20s"}, "found 20s > 15s"),
    ({"scrape_interval": "0s"}, "above 0"),
    ({"scrape_interval": 15}, "with its unit"),
    ({"relabel_configs": [{"regex": "(", "target_label": "a"}]}, "regular expression"),
    ({"relabel_configs": [{"action": "rename"}]}, "expected an action"),
    ({"convert_classic_histograms_to_nhcb": True}, "convert_classic_histograms_to_nhcb is not supported"),
    ({"proxy_url": "http://proxy"}, "proxy_url of Prometheus is not supported"),
    ({"oauth2": {}}, "oauth2 of Prometheus is not supported"),
    ({"consul_sd_configs": []}, "consul_sd_configs of Prometheus is not supported"),
    ({"scrape_protocols": []}, "at least one protocol"),
    ({"scrape_protocols": ["PrometheusText0.0.4", "PrometheusText0.0.4"]}, "none twice"),
    ({"scrape_protocols": ["Carbon"]}, "PrometheusProto"),
    ({"metrics_path": "metrics"}, "begins with '/'"),
    ({"static_configs": [{"targets": ["http://a:1"]}]}, "targets as host:port"),
    ({"static_configs": [{"targets": ["a:1"], "labels": {"": "c"}}]}, "expected a label's name"),
    ({"file_sd_configs": [{"files": ["a.txt"]}]}, "ends in .json"),
    ({"file_sd_configs": [{"files": ["a*b*.json"]}]}, "at most one"),
    ({"file_sd_configs": [{"files": ["*/a.json"]}]}, "last part"),
    ({"basic_auth": {"username": "a"}, "authorization": {}}, "basic_auth or authorization"),
    ({"basic_auth": {"password": "a", "password_file": "b"}}, "password or password_file"),
    ({"authorization": {"type": "basic"}}, "belongs to basic_auth"),
    ({"tls_config": {"cert_file": "a"}}, "cert_file and key_file together"),
    ({"http_headers": {"Accept": {"values": ["x"]}}}, "set by Tocsin itself"),
    ({"sample_limit": -1}, "greater than or equal to 0"),
    ({"body_size_limit": "ten"}, "expected a size"),
    ({"job_name": ""}, "at least 1 character"),
    ({"honor_label": True}, "Extra inputs"),
]


@pytest.mark.parametrize(("options", "says"), JOB_MISTAKES, ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_mistakes_of_a_job_are_said(options: dict[str, Any], says: str) -> None:
    """Each mistake names what was expected, before anything is scraped."""
    with pytest.raises(ValidationError, match=says):
        CollectOptions.model_validate({"scrape": {"jobs": [{"job_name": "a", **options}]}})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scrape": {"jobs": [{"job_name": "a"}, {"job_name": "a"}]}}, "two jobs called 'a'"),
        ({"scrape": {"global": {"scrape_interval": "5s", "scrape_timeout": "6s"}}}, "found 6s > 5s"),
        ({"scrape": {"global": {"convert_classic_histograms_to_nhcb": True}}}, "not supported"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "icmp"}]}}, "'http', 'tcp' or 'dns'"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "dns"}]}}, "needs dns.query_name"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "tcp", "http": {}}]}}, "has settings of http"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "http", "static_configs": [{"targets": ["ftp://a"]}]}]}}, "http:// or https://"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "http", "http": {"valid_status_codes": [99]}}]}}, "100 to 599"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "http", "http": {"fail_if_body_matches_regexp": ["("]}}]}}, "regular expression"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "dns", "dns": {"query_name": "a", "query_type": "Z"}}]}}, "a type of record"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "dns", "dns": {"query_name": "a", "valid_rcodes": ["OK"]}}]}}, "response codes"),
        ({"probes": {"jobs": [{"job_name": "a", "prober": "dns", "dns": {"query_name": "a" * 64}}]}}, "at most 63"),
    ],
)
def test_other_mistakes_are_said(options: dict[str, Any], says: str) -> None:
    """What only the whole shows, and what probes need, is said too."""
    with pytest.raises(ValidationError, match=says):
        CollectOptions.model_validate(options)


@pytest.mark.parametrize(
    "options",
    [
        {"job_name": "a", "basic_auth": "reader:hunter2"},
        {"job_name": "a", "authorization": ["hunter2"]},
        {"job_name": "a", "basic_auth": {"password": ["hunter2"]}},
        {"job_name": "a", "http_headers": {"X-A": {"secrets": "hunter2"}}},
        {"job_name": "a", "http_headers": {"X-A": "hunter2"}},
        {"job_name": "a", "http_headers": "hunter2"},
        {"basic_auth": {"password": "hunter2"}},
        {"job_name": "a", "static_configs": [{"targets": ["b:1", "joe:hunter2@h:80"]}]},
        {"job_name": "a", "static_configs": [{"targets": ["http://joe:hunter2@h"]}]},
    ],
)
def test_a_misplaced_secret_is_not_repeated(options: dict[str, Any]) -> None:
    """Whoever writes a password where something else belongs does not find it in the message."""
    with pytest.raises(ValidationError) as caught:
        JobOptions.model_validate(options)
    for details in caught.value.errors(include_url=False):
        assert details["type"] == "value_error"  # the kind whose input `tocsin check` does not show
        assert "hunter2" not in details["msg"]
