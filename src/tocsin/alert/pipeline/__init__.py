"""The way from a rule to a person in a running server: what is kept at each step, so that a kill between any two loses nothing."""
