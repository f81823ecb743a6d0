"""Measures what each form of a trade does to fidelity on the offline model: `python -m benchmarks.bench_forms`.

It writes `verification/trades/forms.json`, from which every report of trades tells it.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from designer_configs.compile.profile import load_profile
from files.whole_file import write_text
from offline_model.launch import launch
from offline_model.options import Options
from refine_loop.run import start_run
from verification.trades.forms import FILE, pick_figures
from verification.verify import verify_run

FORMS = ("whole", "derived")
ROWS, SEED = 300, 11


def measure_form(form: str, folder: Path) -> list[list[str]]:
    """Make a run in a form and verify it; give its figures."""
    profile = load_profile("offline", {"num": ROWS, "seed": SEED, "sets": (f"form={form}",)})
    with launch(Options(seed=SEED)) as endpoint:
        start_run(profile, folder, endpoint, lambda _: None)
    return pick_figures(verify_run(folder, lambda _: None)["answers"])


def main() -> None:
    """Measure every form and write the file."""
    measured: dict[str, Any] = {"rows": ROWS, "seed": SEED, "forms": {}}
    with tempfile.TemporaryDirectory(prefix="tradelogs-forms-") as temporary:
        for form in FORMS:
            measured["forms"][form] = measure_form(form, Path(temporary) / form)
            for label, text, verdict in measured["forms"][form]:
                print(f"{form:<8} {label}: {text} ({verdict})", flush=True)
    write_text(json.dumps(measured, indent=1) + "\n", FILE)


if __name__ == "__main__":
    main()
