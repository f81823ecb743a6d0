"""Formats of a finished run: declared in YAML for Data Designer's own processors, or a module each, found by name."""
