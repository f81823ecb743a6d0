"""The tasks that the offline model knows, a module or a folder each."""
