"""Targets: from a job's addresses to what is asked, with which labels."""

from __future__ import annotations

from typing import Any

from tests.collect.builders import job_of

from tocsin.collect.options import GlobalOptions, ProbeJobOptions
from tocsin.collect.targets import Group, Listing, list_targets, static_groups
from tocsin.model.labels import Labels


def listed(*targets: str, labels: dict[str, str] | None = None, **options: Any) -> Listing:
    """The targets of a job with one group."""
    job = job_of(static_configs=[{"targets": list(targets), "labels": labels or {}}], **options)
    return list_targets(job, GlobalOptions(), static_groups(job))


def test_a_target_has_job_and_instance() -> None:
    """Without a word, `job` is the job's name and `instance` the address, and the default path is asked."""
    (target,) = listed("a:1").targets
    assert target.url == "http://a:1/metrics"
    assert target.labels == Labels({"job": "shop", "instance": "a:1"})
    assert (target.interval_s, target.timeout_s) == (15.0, 10.0)
    assert target.discovered["__address__"] == "a:1"


def test_rules_see_and_set_what_is_asked() -> None:
    """Scheme, path, parameters, interval, timeout and address can be rewritten per target."""
    rules = [
        {"source_labels": ["__address__"], "target_label": "__param_name"},
        {"source_labels": ["__param_name"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": "proxy:9"},
        {"target_label": "__scheme__", "replacement": "https"},
        {"target_label": "__metrics_path__", "replacement": "/a b"},
        {"target_label": "__scrape_interval__", "replacement": "30s"},
        {"target_label": "__scrape_timeout__", "replacement": "1s"},
        {"target_label": "__tmp_x", "replacement": "gone"},
    ]
    (target,) = listed("a:1", params={"name": ["x", "y"], "z": ["&"]}, relabel_configs=rules).targets
    assert target.url == "https://proxy:9/a%20b?name=a%3A1&name=y&z=%26"
    assert target.labels == Labels({"job": "shop", "instance": "a:1"})
    assert (target.interval_s, target.timeout_s) == (30.0, 1.0)


def test_labels_of_a_group_win_over_the_jobs() -> None:
    """A group may name another job or path; its address can't be replaced by a label."""
    (target,) = listed("a:1", labels={"job": "other", "__metrics_path__": "/m", "__address__": "b:2", "team": "web"}).targets
    assert target.job == "shop"
    assert target.url == "http://a:1/m"
    assert target.labels == Labels({"job": "other", "instance": "a:1", "team": "web"})


def test_the_same_target_is_listed_once() -> None:
    """Two ways to one address with the same labels are one target; another label makes another."""
    assert len(listed("a:1", "a:1", "b:1").targets) == 2
    assert len(listed("a:1", "b:1", relabel_configs=[{"target_label": "__address__", "replacement": "c:1"}]).targets) == 1


def test_dropped_targets_are_counted_and_kept_for_the_list() -> None:
    """What the rules drop is shown with the labels it had, up to the job's number."""
    listing = listed("a:1", "b:1", "c:1", relabel_configs=[{"source_labels": ["__address__"], "regex": "a.*", "action": "keep"}])
    assert [target.url for target in listing.targets] == ["http://a:1/metrics"]
    assert listing.dropped_count == 2
    assert [labels["__address__"] for labels in listing.dropped] == ["b:1", "c:1"]
    few = listed("a:1", "b:1", keep_dropped_targets=1, relabel_configs=[{"source_labels": ["__address__"], "action": "drop"}])
    assert (few.dropped_count, len(few.dropped)) == (2, 1)


def test_one_wrong_target_does_not_hide_the_others() -> None:
    """A target that rules made impossible is said with its reason; the others are asked."""
    for label, value, says in (
        ("__address__", "", "expected an address"),
        ("__address__", "h/x", "host:port"),
        ("__scheme__", "ftp", "http or https"),
        ("__scrape_timeout__", "1m", "found 1m > 15s"),
        ("__scrape_interval__", "soon", "expected a duration"),
    ):
        rule = {"source_labels": ["__address__"], "regex": "bad:1", "target_label": label, "replacement": value}
        listing = listed("bad:1", "good:1", relabel_configs=[rule])
        assert [target.url for target in listing.targets] == ["http://good:1/metrics"]
        (mistake,) = listing.mistakes
        assert says in mistake
        assert "bad:1" in mistake


def test_a_timeout_never_outlives_its_interval() -> None:
    """A short interval of a job cuts the global timeout."""
    (target,) = listed("a:1", scrape_interval="5s").targets
    assert (target.interval_s, target.timeout_s) == (5.0, 5.0)


def test_probes_have_what_they_probe_as_instance() -> None:
    """A probe's target is its instance, and rules find it where blackbox_exporter's users look."""
    job = ProbeJobOptions.model_validate(
        {
            "job_name": "sites",
            "prober": "http",
            "relabel_configs": [{"source_labels": ["__param_target"], "regex": "https://([^/]+).*", "target_label": "site"}],
        }
    )
    listing = list_targets(job, GlobalOptions(), [Group("", ["https://example.org/login"], {})])
    (target,) = listing.targets
    assert target.url == "https://example.org/login"
    assert target.labels == Labels({"job": "sites", "instance": "https://example.org/login", "site": "example.org"})


def test_a_password_in_an_address_drops_the_target_unseen() -> None:
    """Of files and after rules too; no list repeats it, and the others are asked."""
    found = Group("x.yml", ["joe:hunter2@h:80", "good:1"], {})
    for job in (job_of(), ProbeJobOptions.model_validate({"job_name": "shop", "prober": "http"})):
        listing = list_targets(job, GlobalOptions(), [found])
        assert [target.labels.get("instance") for target in listing.targets] == ["good:1"]
        (mistake,) = listing.mistakes
        assert "basic_auth" in mistake
        assert "x.yml" in mistake
        assert "hunter2" not in repr(listing)
    rule = {"target_label": "__address__", "replacement": "joe:hunter2@h:80"}
    (mistake,) = listed("a:1", relabel_configs=[rule]).mistakes
    assert "basic_auth" in mistake
    assert "hunter2" not in mistake


def test_secret_parameters_are_asked_for_and_not_shown() -> None:
    """The request has them, lists of targets that are asked, and of those that were dropped, have a mark."""
    params = {"token": ["hunter2"], "collect": ["cpu"]}
    (target,) = listed("a:1", params=params).targets
    assert target.url == "http://a:1/metrics?collect=cpu&token=hunter2"
    assert target.shown_url == "http://a:1/metrics?collect=cpu&token=[REDACTED]"
    assert target.shown_discovered["__param_token"] == "[REDACTED]"
    assert target.shown_discovered["__param_collect"] == "cpu"
    dropped = listed("a:1", params=params, relabel_configs=[{"source_labels": ["__address__"], "action": "drop"}]).dropped
    assert "hunter2" not in repr(dropped)
