"""Tables behind `state.alerting`."""
