"""The sample project: pictures of washers, nuts and gaskets that the project renders itself, with exact masks."""
