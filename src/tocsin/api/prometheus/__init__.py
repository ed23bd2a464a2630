"""The Prometheus HTTP API, under /prometheus: what Grafana's Prometheus source, promtool and every other client of it ask."""
