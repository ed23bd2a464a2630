"""
What would be the same failure again: the part of an alert's labels that says what fails, without where and how badly.

    {alertname="CheckoutBurns", service="checkout", slo="checkout-availability", instance="10.0.0.7", severity="page"}
        alertname=CheckoutBurns service=checkout slo=checkout-availability
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from tocsin.model.labels import Labels

# Alerts of one failure come with different severities, windows, instances and pods; these say which failure it is.
SIGNATURE_LABELS = ("alertname", "objective", "operation", "pattern", "service", "signal", "slo")
_KEPT = "/:@+,;()[]{}<>!?*'~"  # what stands as it is: everything readable but blanks, `=` and `%`


def signature_of(labels: Labels | Mapping[str, str]) -> str:
    """
    The signature of an alert: `name=value` of its labels that identify a failure, sorted by name; empty without any of them.

    Equal failures give equal texts whatever the order, severity or instance; blanks, `=` and `%` in values become %20, %3D and %25.
    """
    values = dict(labels)
    found = [(name, values[name].strip()) for name in SIGNATURE_LABELS if values.get(name, "").strip()]
    return " ".join(f"{name}={quote(value.encode('utf-8', 'backslashreplace'), safe=_KEPT)}" for name, value in found)
