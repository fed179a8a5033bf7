"""How good predictions are, down to the single object: outcomes, thresholds, calibration, confusion, holes, report."""
