"""Texts for people, written in Go's template language: what rule files and Alertmanager's configuration bring with them."""
