"""Questions and their answers: the only readers of the store."""
