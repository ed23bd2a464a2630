"""Collecting: scrapes of targets, probes, and metrics of the host and of this process, all on a schedule."""
