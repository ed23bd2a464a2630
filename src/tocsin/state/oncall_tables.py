"""Tables behind `state.oncall`."""
