"""The project on disk: store, journal, images, splits, runs (no Qt, no torch)."""
