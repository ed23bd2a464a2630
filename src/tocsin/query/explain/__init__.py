"""Why requests of a service are bad: what sets them apart, ranked, each finding with its numbers."""
