"""Qt models over engine values: what the views look at."""
