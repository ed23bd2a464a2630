"""The journal: what is acknowledged stands here first, checksummed and synced; the loader takes closed segments from it."""
