"""A model of the trader's exits, trained on synthetic trades and asked about held-out gold."""
