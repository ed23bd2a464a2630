"""Channels: how a receiver is told, one module per kind of receiver."""
