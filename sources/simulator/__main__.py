"""``python -m sources.simulator --out DIR``: make a demo portfolio, or continue one with ``--extend``."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from sources.simulator import PortfolioError, extend, named_schemes, simulate


def main() -> int:
    """Exit code 0 when done, 2 for settings that do not fit."""
    parser = argparse.ArgumentParser(prog="python -m sources.simulator", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=date.fromisoformat, default=date(2024, 1, 1))
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 6, 30))
    parser.add_argument("--go-live", type=date.fromisoformat, default=None)
    parser.add_argument("--schemes", default="none", help="all, none, or names of schemes with commas between")
    parser.add_argument("--extend", action="store_true", help="continue the portfolio in --out to --until")
    options = parser.parse_args()

    def progress(message: str) -> None:
        print(message, file=sys.stderr, flush=True)

    try:
        if options.extend:
            extend(options.out, options.until, progress)
        else:
            simulate(
                options.out,
                scale=options.scale,
                seed=options.seed,
                start=options.start,
                until=options.until,
                go_live=options.go_live,
                schemes=named_schemes(options.schemes),
                progress=progress,
            )
    except PortfolioError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
