"""The minute bars of a synthetic trade, rebuilt from a grounding seed's own."""
