"""Alerts become groups, groups become notifications: a pure machine that a clock drives."""
