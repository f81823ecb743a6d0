"""The commands, a module each, found by name: `offline_model.py` is `tradelogs offline-model`; each has a `command`."""
