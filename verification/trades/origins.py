"""Which rows tell the same: gold trades of one session, synthetic trades of one origin."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from verification.delivery import DIGITS
from verification.trades.features import FEATURES, measure_features

SEEDS = "gold_example_ids"
LEAST_ORIGINS = 6  # with fewer sessions than this among the synthetic rows, the rows themselves are the origins

Groups = NDArray[np.int64]


def number_sessions(trades: pl.DataFrame) -> Groups:
    """Number the session of each trade."""
    return _number(trades["session_date"])


def number_origins(synthetic: pl.DataFrame) -> Groups:
    """Number the origin of each synthetic trade: rows of one origin are no independent evidence.

    Rows of a run have one origin where they share the first of their grounding seeds, the gold row nearest to what was
    asked. Rows without seeds share their session, where there are enough of these. Rows that are equal in all features
    are of one origin in any case: the same rows written twice are not twice the evidence.
    """
    if SEEDS in synthetic.columns and isinstance(synthetic.schema[SEEDS], pl.List):
        own = _number(synthetic[SEEDS].list.first().cast(pl.String).fill_null(""))
        if len(np.unique(own)) >= LEAST_ORIGINS:
            return own
    sessions = number_sessions(synthetic)
    if len(np.unique(sessions)) >= LEAST_ORIGINS:
        return sessions
    rows = measure_features(synthetic).select((pl.col(name).round_sig_figs(DIGITS) + 0.0) for name in FEATURES)
    return _number(rows.to_struct("row").hash())


def _number(column: pl.Series) -> Groups:
    return column.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
