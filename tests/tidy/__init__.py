"""The style guide as tests. CONTRIBUTING.md says the same in sentences; where the two differ, change both."""
