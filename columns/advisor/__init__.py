"""An advisor that may never trade: what stands beside its columns in YAML."""
