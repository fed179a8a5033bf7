"""Benches of the engine: its work beside a plain recipe's, on one machine, with ratios."""
