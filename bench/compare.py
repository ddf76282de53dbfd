"""A and B in alternation, in one run: on a busy machine only the ratio of neighbours means anything.

`python -m bench.compare create --a URL --key-a K --b URL --key-b K …` compares any two servers that speak
the Responses API and have the mock behind them: two builds, two settings, a peer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.figures import Figures, Spread, ratios, spreads
from bench.machine import Pinning
from bench.scenarios import create, stream
from bench.target import UPSTREAM_KEY, Site, Target
from upstream import launch


@dataclass(frozen=True)
class Comparison:
    a: str
    b: str
    rounds: list[tuple[Figures, Figures]]

    def of(self, side: str) -> dict[str, Spread]:
        return spreads([one[0] if side == self.a else one[1] for one in self.rounds])

    @property
    def ratios(self) -> dict[str, Spread]:
        """B against A."""
        return ratios(self.rounds)


def alternate(
    a: str, measure_a: Callable[[], Figures], b: str, measure_b: Callable[[], Figures], rounds: int
) -> Comparison:
    """A B, then B A, and so on: neither is always the one that runs on a warm cache."""
    done = []
    for number in range(rounds):
        if number % 2 == 0:
            one, other = measure_a(), measure_b()
        else:
            other, one = measure_b(), measure_a()
        done.append((one, other))
    return Comparison(a, b, done)


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    pinning = Pinning.usual() if options.pin else Pinning()
    upstream = _Elsewhere(options.upstream, options.upstream_pid)
    site = Site(upstream, pinning, options.generators)
    sides = [
        Target(name, url, key, {"server": pids} if pids else {}, keyed=True)
        for name, url, key, pids in (
            ("a", options.a, options.key_a, options.pid_a),
            ("b", options.b, options.key_b, options.pid_b),
        )
    ]

    def measured(target: Target) -> Figures:
        load = {"connections": options.connections, "model": options.model, "seconds": options.seconds}
        if options.kind == "create":
            return create(site, target, **load)
        return stream(site, target, **load, timed=options.upstream != "")

    result = alternate("a", lambda: measured(sides[0]), "b", lambda: measured(sides[1]), options.rounds)
    for line in table(result):
        print(line)
    return 0


def table(result: Comparison) -> list[str]:
    """Each figure of both sides, and B against A, as min / median / max."""
    a, b, ratio = result.of(result.a), result.of(result.b), result.ratios
    lines = [f"{'':<20} {result.a:>26} {result.b:>26} {result.b + ' / ' + result.a:>26}"]
    for name in a | b:
        cells = [_cell(found.get(name)) for found in (a, b, ratio)]
        lines.append(f"{name:<20} " + " ".join(f"{cell:>26}" for cell in cells))
    return lines


def _cell(value: Spread | None) -> str:
    if value is None or value.median != value.median:
        return "-"
    return f"{value.min:.3g} / {value.median:.3g} / {value.max:.3g}"


class _Elsewhere(launch.Running):
    """A scripted upstream that somebody else has started."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._pid = pid

    @property
    def pid(self) -> int:
        return self._pid


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("kind", choices=("create", "stream"))
    for side in ("a", "b"):
        parser.add_argument(f"--{side}", type=_url, required=True, metavar="URL", help="base URL, with /v1")
        parser.add_argument(f"--key-{side}", default=UPSTREAM_KEY, metavar="KEY")
        parser.add_argument(f"--pid-{side}", type=int, nargs="*", default=[], help="whose CPU is counted")
    parser.add_argument("--upstream", default="", metavar="URL", help="the mock, without /v1: times deltas")
    parser.add_argument("--upstream-pid", type=int, default=0, help="shows its share of a core")
    parser.add_argument("-c", "--connections", type=int, default=16)
    parser.add_argument("-s", "--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="mock")
    parser.add_argument("--generators", type=int, default=1, help="processes that make the load")
    parser.add_argument("--no-pin", dest="pin", action="store_false", help="leave the generator on any core")
    return parser


def _url(text: str) -> str:
    if not urlsplit(text).port:
        raise argparse.ArgumentTypeError("must be http://HOST:PORT/v1")
    return text.rstrip("/")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
