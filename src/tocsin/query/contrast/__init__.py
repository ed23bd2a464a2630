"""What sets some events apart from the others: the attribute values that are commoner among them than chance would have it."""
