"""The records that every room shares: frozen, without input or output, importable by the light SDK."""
