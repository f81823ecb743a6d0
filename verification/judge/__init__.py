"""How far a profile's judge can be trusted: faults planted in gold, and what checks and judge catch."""
