"""What a person should know about the data before a training starts."""
