"""Translation validation at length: the two backends on many random moments.

``python -m tests.spec.validate [COMPARISONS] [SEED]``: exit status 1 and the first differences if there are any.
"""

from __future__ import annotations

import sys
import time

from tests.spec.twin import Twins, run

COMPARISONS = 100_000
SEED = 20_260


def main(argv: list[str]) -> int:
    comparisons = int(argv[0]) if argv else COMPARISONS
    seed = int(argv[1]) if len(argv) > 1 else SEED
    twins, begin = Twins(seed), time.monotonic()
    for n in run(twins, comparisons):
        if n % 10_000 == 0:
            print(f"{n} of {comparisons}, {len(twins.wrong)} differences", file=sys.stderr)
    for text in twins.wrong[:5]:
        print(text)
    kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(twins.made.items()))
    print(f"{sum(twins.made.values())} comparisons (seed {seed}), {len(twins.wrong)} differences: {kinds}")
    rules = len(twins.model.rules())
    print(f"{len(twins.fired)} of {rules} rules met; held text compared in all but {twins.beyond};", end=" ")
    print(f"{time.monotonic() - begin:.0f} s")
    return 1 if twins.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
