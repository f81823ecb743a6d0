"""`python -m offline_model`: serves the offline model until stopped."""

import argparse
import sys

from offline_model.errors import OfflineModelError
from offline_model.options import Options
from offline_model.serving import serve


def main() -> int:
    """Serve with the options of the command line; 2 where one of them is bad or the port is taken."""
    defaults = Options()
    parser = argparse.ArgumentParser(
        prog="python -m offline_model",
        description="Serve the offline model: it rehearses the pipeline and is no language model.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="another seed gives other answers")
    parser.add_argument("--latency", type=float, default=defaults.latency, help="seconds added to every answer")
    parser.add_argument("--fault-rate", type=float, default=defaults.fault_rate, help="share of rows that are wrong")
    parser.add_argument(
        "--malformed-rate", type=float, default=defaults.malformed_rate, help="share of answers that do not parse"
    )
    parser.add_argument("--style", default=defaults.style, help="what those are: planted, or real answers of models")
    parser.add_argument("--stops-with-stdin", action="store_true", help="stop when standard input ends")
    given = parser.parse_args()
    try:
        options = Options(given.seed, given.latency, given.fault_rate, given.malformed_rate, given.style)
        serve(options, port=given.port, stops_with_stdin=given.stops_with_stdin)
    except OfflineModelError as exc:
        print(f"offline model: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
