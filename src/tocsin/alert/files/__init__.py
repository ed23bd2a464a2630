"""Files with rules, of Prometheus and of our own kinds, read and linted."""
