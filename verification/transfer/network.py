"""The network: an LSTM over the context and a linear head, trained first as a parent, then as a child.

It is reference 001's shape: a parent that has seen much, whose layers a child keeps (`freeze`) or goes on training
(`fine_tune`) on the little that it has of its own. Everything is seeded, on one thread.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from verification.answers import Matrix
from verification.transfer.windows import TARGETS, Windows

Strategy = Literal["freeze", "fine_tune"]
BATCH = 64  # windows a step
RATE, GENTLE = 1e-2, 3e-3  # of Adam at its highest; gentle where a parent's layers are trained on
WARM_UP = 0.1  # of the steps; the rate falls to nothing over the rest
STEPS_A_LOOK = 15  # between two looks at the validation windows
PATIENCE = 6  # looks without a better one


@dataclass(frozen=True)
class Shape:
    """Layers, units of each, and steps at most of a parent and of a child."""

    layers: int
    units: int
    parent_steps: int = 300
    child_steps: int = 150


SHAPES = {"1x32": Shape(1, 32), "3x128": Shape(3, 128)}


@dataclass(frozen=True)
class Scaler:
    """Centres and deviations of contexts and targets, of the gold's train part alone."""

    context: tuple[Matrix, Matrix]
    targets: tuple[Matrix, Matrix]

    @classmethod
    def fit(cls, gold: Windows) -> "Scaler":
        """Take them from gold windows; what does not vary has a deviation of 1."""
        seen = gold.context.reshape(-1, gold.context.shape[-1])
        told = gold.targets
        return cls(_measure(seen), _measure(told))

    def place(self, windows: Windows) -> tuple[Tensor, Tensor]:
        """Return contexts and targets in deviations, NaN where a target is unknown."""
        parts = ((windows.context, self.context), (windows.targets, self.targets))
        seen, told = (
            torch.tensor((values - centre) / spread, dtype=torch.float32) for values, (centre, spread) in parts
        )
        return seen, told


def _measure(values: Matrix) -> tuple[Matrix, Matrix]:
    spread = np.nanstd(values, axis=0)
    return np.nanmean(values, axis=0), np.where(spread > 0.0, spread, 1.0)


class Network(nn.Module):  # type: ignore[misc]  # torch is an extra, and not there where types are checked
    """Contexts (windows, 60, 3) to TARGETS, all in deviations."""

    def __init__(self, shape: Shape, features: int) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(features, shape.units, shape.layers, batch_first=True)
        self.head = nn.Linear(shape.units, len(TARGETS))

    def forward(self, context: Tensor) -> Tensor:
        """Tell the targets from the last state."""
        told: Tensor = self.head(self.read(context))
        return told

    def read(self, context: Tensor) -> Tensor:
        """Return the last state."""
        states: Tensor = self.recurrent(context)[0][:, -1]
        return states


def train_parent(windows: Windows, scaler: Scaler, shape: Shape, seed: int) -> Network:
    """Train a network from nothing on what is read first.

    A fifth of the windows, those of the last sessions, is not trained on: the network is kept as it was when it told
    them best.
    """
    torch.manual_seed(seed)
    network = Network(shape, len(scaler.context[0]))
    _train(network, _split(windows, scaler), shape.parent_steps, RATE)
    return network


def train_child(parent: Network, windows: Windows, scaler: Scaler, shape: Shape, strategy: Strategy) -> Network:
    """Go on with what is read then; the parent stays as it is."""
    child = copy.deepcopy(parent)
    parts = _split(windows, scaler)
    if strategy == "fine_tune":
        _train(child, parts, shape.child_steps, GENTLE)
        return child
    with torch.no_grad():  # frozen layers give the same states at every step: they are read once
        states = [(child.read(context), targets) for context, targets in parts]
    _train(child.head, states, shape.child_steps, RATE)
    return child


def _split(windows: Windows, scaler: Scaler) -> list[tuple[Tensor, Tensor]]:
    """Return what is trained on, and what is looked at: contexts and targets of either."""
    order = np.argsort(windows.sessions, kind="stable")
    cut = round(0.8 * len(order))
    return [scaler.place(windows.take(places)) for places in (order[:cut], order[cut:])]


def _train(network: nn.Module, parts: Sequence[tuple[Tensor, Tensor]], steps: int, rate: float) -> None:
    (context, targets), (look_context, look_targets) = parts
    trained = list(network.parameters())
    optimiser = torch.optim.Adam(trained, lr=rate)
    pace = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=WARM_UP, cycle_momentum=False
    )
    best, kept, waited = _look(network, look_context, look_targets), copy.deepcopy(network.state_dict()), 0
    for step in range(1, steps + 1):
        drawn = torch.randint(len(context), (min(BATCH, len(context)),))
        optimiser.zero_grad()
        measure_loss(network(context[drawn]), targets[drawn]).backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        pace.step()
        if step % STEPS_A_LOOK:
            continue
        loss = _look(network, look_context, look_targets)
        if loss < best:
            best, kept, waited = loss, copy.deepcopy(network.state_dict()), 0
        elif (waited := waited + 1) >= PATIENCE:
            break
    network.load_state_dict(kept)


def _look(network: nn.Module, context: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        return float(measure_loss(network(context), targets))


def measure_loss(told: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared error over the targets that are known."""
    known = torch.isfinite(targets)
    return ((told - targets)[known] ** 2).mean()


def tell_targets(network: Network, windows: Windows, scaler: Scaler) -> Matrix:
    """Return what a network tells of windows, in deviations: shape (windows, 4)."""
    with torch.no_grad():
        told: Matrix = network(scaler.place(windows)[0]).double().numpy()
    return told
