"""Alertmanager's HTTP API, version 2, under /alertmanager: what Prometheus posts to, and what amtool, Grafana and others ask."""
