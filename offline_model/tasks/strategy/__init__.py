"""Rehearsal of strategy: a template grammar that describes a strategy, and its inverse, with planted error rates."""

from offline_model.tasks.strategy.roles import TASKS

__all__ = ["TASKS"]
