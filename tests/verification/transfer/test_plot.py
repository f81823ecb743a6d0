from verification.report.parts import UNKNOWN
from verification.report.plots import ALWAYS, draw_answer
from verification.transfer.plot import draw_arms

GAIN = {"value": 0.07, "low": 0.02, "high": 0.12}
METRICS = {
    "network": "1x32",
    "strategy": "freeze",
    "starts": 5,
    "arms": [
        {"name": "gold_only", "title": "gold only", "excursions": 0.51, "range": 0.26, "gain": GAIN},
        {"name": "block_bootstrap", "title": "blocks of gold bars", "excursions": None, "range": 0.25, "gain": None},
    ],
    "price": {"rmse": 0.4, "mape": 0.2, "naive_rmse": 0.39, "naive_mape": 0.19},
}


def test_arms_are_a_table_with_what_each_was_worse_by() -> None:
    plot = draw_arms(METRICS)
    assert plot.tables[0].rows == [
        ("gold only", "0.51", "0.07 [0.02, 0.12]", "0.26"),
        ("blocks of gold bars", UNKNOWN, UNKNOWN, "0.25"),
    ]
    assert plot.tables[1].rows == [("synthetic, then gold", "0.4", "0.2"), ("no change", "0.39", "0.19")]
    assert "1x32 (freeze), 5 starts" in plot.sentence


def test_the_section_is_drawn_where_it_was_asked_and_says_why_not_where_nothing_could_be_told() -> None:
    (drawing,) = (each for each in ALWAYS if each.section == "transfer")
    reason = "80 gold trades have 60 bars before them."
    told = {"verdict": "cannot tell", "reason": reason, "metrics": {}}
    assert draw_answer(drawing.key, drawing.title, drawing.draw, told).sentence.endswith(reason)
