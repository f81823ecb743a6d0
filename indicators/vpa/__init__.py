"""Volume price analysis: what volume and price say at every bar, from that bar and earlier ones only."""
