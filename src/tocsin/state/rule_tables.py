"""Tables behind `state.rule_states`."""
