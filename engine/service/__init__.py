"""One long-lived engine process for the window: detection on request, answers as JSON lines."""
