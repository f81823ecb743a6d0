"""With PyTorch, which is an extra: `pip install 'synthetic-trade-logs[transfer]'`."""

import numpy as np
import pytest

from tests.verification.transfer.laws import draw_windows

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'synthetic-trade-logs[transfer]'")


@pytest.mark.parametrize("layers", [1, 3])
def test_a_frozen_child_keeps_the_layers_of_its_parent_and_a_tuned_one_trains_them(layers: int) -> None:
    from verification.transfer.network import Scaler, Shape, train_child, train_parent  # noqa: PLC0415

    rng = np.random.default_rng(0)
    gold, first = draw_windows(100, rng), draw_windows(200, rng, slope=-0.5)
    scaler, shape = Scaler.fit(gold), Shape(layers, 8, parent_steps=30, child_steps=30)
    parent = train_parent(first, scaler, shape, seed=1)
    before = [each.clone() for each in parent.parameters()]
    kept = {
        strategy: [
            torch.equal(own, given)
            for own, given in zip(
                train_child(parent, gold, scaler, shape, strategy).recurrent.parameters(),
                parent.recurrent.parameters(),
                strict=True,
            )
        ]
        for strategy in ("freeze", "fine_tune")
    }
    assert all(kept["freeze"])
    assert not any(kept["fine_tune"])
    assert all(torch.equal(own, given) for own, given in zip(parent.parameters(), before, strict=True))
