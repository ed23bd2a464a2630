"""Tables behind `state.incidents`."""
