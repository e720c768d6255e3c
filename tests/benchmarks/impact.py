"""Filter impact against its floor and against `dolma mix`: 25 rules over an index of a million documents.

    python -m tests.benchmarks.impact --folder FOLDER [--docs 1000000 10000000] [--keys 57 138]

The floor is DuckDB by hand: the columns that the rules read, a bit a rule, and one group-by of source and bits.
Cold means a new connection over files that the system has cached; moved means one threshold changed, with the bits
and the moved column in memory. Medians of several rounds taken in turn; seconds on the clock and of CPU, because a
busy machine stretches the first. The mixer runs where CORPUS_EXPLORER_ORACLE_DOLMA names the python that has it, on
few documents with short texts; what it would take for all of them is an extrapolation.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb
import psutil

from explorer.attributes import Attribute
from explorer.impact.engine import Impact
from explorer.impact.estimate import SampledImpact
from explorer.impact.sample import draw_sample, sample_of, wants_sample
from explorer.impact.source import open_source
from explorer.recipe.model import Recipe
from explorer.recipe.read import parse_recipe
from explorer.relations import quote_literal
from explorer.workspace import Workspace
from tests.benchmarks.index_pass import peak_memory
from tests.benchmarks.synthetic_index import synthesise
from tests.benchmarks.synthetic_keys import SETS, Condition, mixer_filter, recipe_25, recipe_toml
from tests.benchmarks.synthetic_mixer import write_corpus

ORACLES = Path(__file__).parents[1] / "oracles"
MOVED = (55, 60, 75, 100, 45)  # words
STATISTICS = ("filter_rules", "filter_sources", "filter_totals")
_WEIGHTS = ("n_bytes", "n_words", "n_tokens")
Some = TypeVar("Some", bound=Impact)


@dataclass(frozen=True)
class Timing:
    """Medians of a few rounds, in seconds."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{1000 * self.wall:9.0f} ms {1000 * self.cpu:9.0f} ms CPU"


class Stopwatch:
    """Collects rounds of one measurement."""

    def __init__(self) -> None:
        self._rounds: list[tuple[float, float]] = []

    def measure(self, work: Callable[[], object]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        self._rounds.append((time.perf_counter() - wall, time.process_time() - cpu))

    @property
    def median(self) -> Timing:
        walls, cpus = zip(*self._rounds, strict=True)
        return Timing(statistics.median(walls), statistics.median(cpus))


class Floor:
    """The same answer by hand. Positions, not keys, put the files of a part together: their rows are in one order."""

    def __init__(self, root: Path, threads: int) -> None:
        workspace = Workspace(root)
        parts = workspace.read_manifest()["parts"]
        self.documents = _read([workspace.documents(part["key"]) for part in parts])
        self.sets = {name: _read([workspace.attributes(part["sets"][name]) for part in parts]) for name in SETS}
        self.connection = duckdb.connect(config={"threads": threads})

    def answer(self, rules: tuple[Condition, ...]) -> int:
        """Everything, from nothing."""
        self.load(rules)
        return self.group()

    def load(self, rules: tuple[Condition, ...]) -> None:
        """Bits and weights of every document, into memory."""
        run = self.connection.execute
        weights = ", ".join(f"{name}::uinteger as {name}" for name in _WEIGHTS)
        run(f"create temp table weights as select source, {weights} from {self.documents}").fetchall()
        for name, relation in self.sets.items():
            bits = " + ".join(
                f"case when {_first(rule)} {rule.operator} {rule.limit:g}::double then {1 << bit} else 0 end"
                for bit, rule in enumerate(rules)
                if rule.attribute_set == name
            )
            run(f"create temp table bits_{name} as select ({bits})::uinteger as {name} from {relation}").fetchall()
        joined = " ".join(f"positional join bits_{name}" for name in SETS)
        run(
            f"create temp table hits as select source, {' | '.join(SETS)} as mask, {', '.join(_WEIGHTS)} "
            f"from weights {joined}"
        ).fetchall()

    def group(self) -> int:
        """The groups that every number of filter impact comes from; how many documents are kept."""
        return self._grouped("mask", "hits")

    def take(self, rule: Condition) -> None:
        """Keep the column of a rule whose threshold will move."""
        self.connection.execute(
            f"create temp table moving as select * from hits positional join "
            f"(select {_first(rule)} as score from {self.sets[rule.attribute_set]})"
        ).fetchall()

    def move(self, bit: int, rule: Condition, limit: float) -> int:
        """The groups with another threshold."""
        rest = f"mask & {~(1 << bit) & 0xFFFFFFFF}::uinteger"
        hit = f"coalesce(score {rule.operator} {limit:g}::double, false)::uinteger << {bit}"
        mask = f"({rest}) | ({hit})"
        return self._grouped(mask, "moving")

    def _grouped(self, mask: str, relation: str) -> int:
        sums = ", ".join(f"sum({name}) as {name}" for name in _WEIGHTS)
        groups = self.connection.execute(
            f"select source, {mask} as hit, count(*) as n_docs, {sums} from {relation} group by source, hit"
        ).fetchnumpy()
        return int(groups["n_docs"][groups["hit"] == 0].sum())


def _read(paths: list[Path]) -> str:
    return f"read_parquet([{', '.join(quote_literal(str(path)) for path in paths)}])"


def _first(rule: Condition) -> str:
    return f"{Attribute(rule.attribute_set, (rule.key,), 'spans').column}_first"


def time_floor(root: Path, threads: int, rounds: int) -> dict[str, Timing]:
    """Cold, the first touch of a threshold, and moved."""
    cold, touch, moved = Stopwatch(), Stopwatch(), Stopwatch()
    rules = recipe_25()
    for _ in range(rounds):
        floor = Floor(root, threads)
        cold.measure(lambda: floor.answer(rules))  # noqa: B023
        touch.measure(lambda: floor.take(rules[0]))  # noqa: B023
        for limit in MOVED:
            moved.measure(lambda: floor.move(0, rules[0], limit))  # noqa: B023
        floor.connection.close()
    return {"cold": cold.median, "first touch": touch.median, "moved": moved.median}


def recipe_of(rules: tuple[Condition, ...]) -> Recipe:
    """The rules as a recipe; a recipe's name is its file's."""
    lines = recipe_toml(rules).splitlines()
    return parse_recipe("\n".join(line for line in lines if not line.startswith("name")), "gopher-25", "toml")


def time_ours(root: Path, threads: int, rounds: int) -> dict[str, Timing]:
    """The same through the engine: what each rule takes, by source and in total; and, where there is one, a sample."""
    cold, touch, moved = Stopwatch(), Stopwatch(), Stopwatch()
    source = open_source(root)

    def answer(impact: Impact) -> None:
        for name in STATISTICS:
            impact.run(name)

    for _ in range(rounds):
        impact = _timed(cold, lambda: Impact(source, recipe_of(recipe_25()), threads=threads), answer)
        for place, limit in enumerate((MOVED[-1] + 1, *MOVED)):
            recipe = recipe_of(recipe_25(limit))
            other = _timed(moved if place else touch, lambda: impact.with_recipe(recipe), answer)  # noqa: B023
            other.close()
        impact.close()
    return {"cold": cold.median, "first touch": touch.median, "moved": moved.median}


def time_sample(root: Path, threads: int, rounds: int) -> dict[str, Timing]:
    """The sample: drawn, and its answer with standard errors."""
    drawn, cold, moved = Stopwatch(), Stopwatch(), Stopwatch()
    source = open_source(root)

    def answer(impact: SampledImpact) -> None:
        for name in STATISTICS:
            impact.run(name)
            impact.errors(name)

    drawn.measure(lambda: draw_sample(source))
    sample = sample_of(source)
    assert sample is not None
    for _ in range(rounds):
        impact = _timed(cold, lambda: SampledImpact(source, recipe_of(recipe_25()), sample, threads=threads), answer)
        for limit in MOVED:
            recipe = recipe_of(recipe_25(limit))
            _timed(moved, lambda: impact.with_recipe(recipe), answer).close()  # noqa: B023
        impact.close()
    return {"drawing": drawn.median, "cold": cold.median, "moved": moved.median}


def _timed(watch: Stopwatch, make: Callable[[], Some], answer: Callable[[Some], None]) -> Some:
    """Time making an impact and its answer; the impact."""
    made: list[Some] = []

    def work() -> None:
        made.append(make())
        answer(made[0])

    watch.measure(work)
    return made[0]


def time_mixer(python: Path, n_docs: int, n_keys: int) -> tuple[float, int, int]:
    """(seconds, documents kept by the mixer, documents kept by the floor) over the same small corpus."""
    program = (
        "import json, sys, time; from mixer import load_toolkit; toolkit = load_toolkit(); "
        "text = sys.stdin.read(); start = time.perf_counter(); toolkit.mixer_entrypoint(text); "
        "print(time.perf_counter() - start)"
    )
    with tempfile.TemporaryDirectory() as name:
        root = synthesise(Path(name) / "workspace", n_docs, n_keys)
        config = write_corpus(root, Path(name) / "corpus", mixer_filter(recipe_25()))
        answer = subprocess.run(
            [python, "-c", program], cwd=ORACLES, input=json.dumps(config), capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise SystemExit(f"{python}: the mixer failed: {answer.stderr[-2000:]}")
        kept = sum(gzip.decompress(path.read_bytes()).count(b"\n") for path in Path(name, "corpus", "out").glob("*.gz"))
        floor = Floor(root, 1)
        return float(answer.stdout.split()[-1]), kept, floor.answer(recipe_25())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the synthetic indexes are kept")
    parser.add_argument("--docs", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--keys", type=int, nargs="+", default=[57, 138])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mixer-docs", type=int, default=20_000)
    args = parser.parse_args()

    python = os.environ.get("CORPUS_EXPLORER_ORACLE_DOLMA")
    for n_keys in args.keys:
        mixer = time_mixer(Path(python), args.mixer_docs, n_keys) if python else None
        for n_docs in args.docs:
            root = synthesise(args.folder / f"{n_docs}-{n_keys}", n_docs, n_keys)
            print(
                f"\n{n_docs} documents, {n_keys} keys, 25 rules, {args.threads} threads, load {os.getloadavg()[0]:.1f}"
            )
            before = psutil.Process().memory_info().rss
            floor: dict[str, Timing] = {}
            _, peak = peak_memory(lambda: floor.update(time_floor(root, args.threads, args.rounds)))  # noqa: B023
            for name, timing in floor.items():
                print(f"  floor, {name:14} {timing}")
            print(f"  floor, memory       {peak - before / 1e6:9.0f} MB at most")
            before = psutil.Process().memory_info().rss
            ours: dict[str, Timing] = {}
            _, peak = peak_memory(lambda: ours.update(time_ours(root, args.threads, args.rounds)))  # noqa: B023
            for name, timing in ours.items():
                print(f"  ours,  {name:14} {timing}  {timing.wall / floor[name].wall:5.1f} times the floor")
            print(f"  ours,  memory       {peak - before / 1e6:9.0f} MB at most")
            if wants_sample(open_source(root)):
                for name, timing in time_sample(root, args.threads, args.rounds).items():
                    print(f"  sample, {name:13} {timing}")
            if mixer is not None:
                seconds, kept, expected = mixer
                print(
                    f"  dolma mix           {seconds:9.1f} s for {args.mixer_docs} short documents "
                    f"(keeps {kept}, the floor {expected}); extrapolated {seconds * n_docs / args.mixer_docs:.0f} s, "
                    f"{seconds * n_docs / args.mixer_docs / floor['cold'].wall:.0f} times the floor"
                )


if __name__ == "__main__":
    main()
