"""Guards: what an incident taught, as plain files that a pipeline runs."""
