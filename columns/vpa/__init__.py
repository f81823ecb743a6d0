"""Volume price analysis explained: what stands beside the columns in YAML."""
