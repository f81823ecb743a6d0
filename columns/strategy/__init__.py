"""Strategies from natural language: a description, the strategy it says, and what that trades."""
