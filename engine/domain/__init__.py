"""Values without a view: masks, geometry, annotations and the pure edits on them (no Qt, no torch, no files)."""
