"""Benches of the window."""
