"""Who spent an error budget: attribute values that stand out among the bad events."""
