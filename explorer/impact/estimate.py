"""Impacts estimated from a sample: the same statistics, scaled to all documents, with standard errors.

Each source is scaled by what is known of it: documents by its number of documents, bytes by its bytes, and so on. True
values lie within two standard errors (see `explorer.impact.variance`) in about 95 of 100 cases; a document that is in
two streams counts as two. Sources of which all documents are in the sample are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from explorer.impact.engine import Desk, Impact, part_partials
from explorer.impact.sample import MEASURES, Sample
from explorer.impact.source import Source, SourcePart
from explorer.impact.variance import kept_errors, rule_errors
from explorer.recipe.model import Recipe
from explorer.relations import quote_identifier
from explorer.statistic import Statistic, find_statistic

_WEIGHTS = {"documents": "n_docs", "bytes": "n_bytes", "words": "n_words", "tokens": "n_tokens"}
_BY = {
    "filter_totals": [], "filter_sources": ["source"], "filter_rules": ["rule"],
    "filter_rules_by_source": ["rule", "source"],
}  # fmt: skip


class SampledImpact(Impact):
    """The impact of one recipe as far as a sample tells it; `errors` gives the standard errors of what `run` gives."""

    is_sample = True

    def __init__(
        self, source: Source, recipe: Recipe, sample: Sample, *, desk: Desk | None = None, **options: Any
    ) -> None:
        super().__init__(source, recipe, desk=desk, **options)
        self.sample = sample
        if desk is None:
            self._desk.connection.register("sample_totals", self._totals().to_arrow())

    def with_recipe(self, recipe: Recipe, *, only_stream: str = "") -> SampledImpact:
        return SampledImpact(
            self.source, recipe, self.sample, only_stream=only_stream, progress=self.progress, desk=self._desk
        )

    @property
    def parts(self) -> tuple[SourcePart, ...]:
        return self.sample.parts

    def errors(self, name: str, **parameters: object) -> Mapping[str, pl.Series]:
        """Standard errors of a statistic's estimated columns, row by row of what `run` gives with the same parameters.

        For filter_totals, filter_sources, filter_rules and filter_rules_by_source; empty for the others. Raises
        `UsageError` as `run` does.
        """
        if name not in _BY:
            return {}
        frame = self.run(name, **parameters)
        arguments = find_statistic(name).arguments(parameters)
        keys = _BY[name]
        groups, totals = self._groups(), self._totals()
        if only := str(arguments.get("only_source", "")):
            groups, totals = groups.filter(source=only), totals.filter(source=only)
        if "measure" in arguments:
            rules = self._rules(str(arguments.get("rule_order", "")))
            found = rule_errors(groups, totals, rules, _WEIGHTS[str(arguments["measure"])], keys)
        else:
            found = kept_errors(groups, totals, keys, "removed" if keys else "kept")
        if keys:
            found = frame.select(keys).join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")
        is_told = [c for c in found.columns if c in frame.columns and c not in keys]
        return {c: found[c].set(frame[c].is_null(), None) for c in is_told}

    def _totals(self) -> pl.DataFrame:
        """By source: part, and of each measure what all and the drawn documents have, and the latter's squares."""
        rows = [
            {"source": t.source, "part": self.sample.levels.index(t.level)}
            | {f"{m}_of": t.whole[m] for m in MEASURES}
            | {m: t.drawn[m] for m in MEASURES}
            | {f"{m}_squared": t.squares[m] for m in MEASURES}
            for t in self.sample.totals
        ]
        kinds: dict[str, type[pl.DataType]] = {"source": pl.String, "part": pl.Int64}
        kinds |= dict.fromkeys((name for m in MEASURES for name in (m, f"{m}_of")), pl.Int64)
        kinds |= dict.fromkeys((f"{m}_squared" for m in MEASURES), pl.Float64)
        return pl.DataFrame(rows, schema=kinds)

    def _counted(self, statistic: Statistic, part: SourcePart, partial: str) -> str:
        """A partial of the sample, scaled. What is rounded off one row is made up for in the next, in order of the
        keys, so that the rows of a source add up to its totals."""
        columns = self._desk.connection.sql(partial).columns
        keys = ", ".join(f"p.{quote_identifier(name)}" for name in columns if name not in statistic.merge)
        by_source = "source" in columns
        items = []
        for name in columns:
            column = f"p.{quote_identifier(name)}"
            if statistic.merge.get(name) == "sum":
                measure = next((m for m in MEASURES if name.startswith(m)), "n_chars" if "chars" in name else "n_docs")
                end = f"coalesce(sum({column}) over so_far, 0)::hugeint"
                ends = [f"({x}) * t.{measure}_of // nullif(t.{measure}, 0)" for x in (end, f"({end} - {column})")]
                column = f"({ends[0]} - {ends[1]})::bigint as {quote_identifier(name)}"
            items.append(column)
        sums = ", ".join(f"sum({m})::hugeint as {m}, sum({m}_of)::hugeint as {m}_of" for m in MEASURES)
        totals = (
            f"select {'source, ' if by_source else ''}{sums} from sample_totals "
            f"where part = {self.parts.index(part)} group by all"
        )
        join = "join totals as t on t.source is not distinct from p.source" if by_source else "cross join totals as t"
        window = f"{'partition by p.source ' if by_source else ''}order by {keys} rows unbounded preceding"
        return (
            f"with totals as ({totals}) select {', '.join(items)} from ({partial}) as p {join} "
            f"window so_far as ({window})"
        )

    def _groups(self) -> pl.DataFrame:
        """The drawn documents by source and set of rules that hit them."""
        sums = ", ".join(
            f"coalesce(sum({m}), 0)::bigint as {m}, coalesce(sum({m}::double * {m}), 0)::double as {m}_squared"
            for m in ("n_bytes", "n_words", "n_tokens")
        )
        query = (
            "select source::varchar as source, rules_of(mask) as rules, count(*)::bigint as n_docs, "
            f"count(*)::double as n_docs_squared, {sums} from hits group by source, mask"
        )
        connection = self.connection
        grouped = find_statistic("filter_intersections")
        frames: list[pl.DataFrame] = [
            connection.sql(query).pl()
            for part in self.parts
            for _ in part_partials(connection, self.bound, part, [grouped], None, self._desk.inputs)
        ]
        return pl.concat(frames)

    def _rules(self, rule_order: str) -> pl.DataFrame:
        """The rules: number, name, and place in an order."""
        given = rule_order.split("\n")
        names = [rule.name for rule in self.bound.rules]
        numbers = sorted(
            range(len(names)), key=lambda n: (given.index(names[n]) if names[n] in given else len(given), n)
        )
        frame = pl.DataFrame({"number": numbers, "rule": [names[n] for n in numbers]})
        return frame.with_columns(pl.col("number").cast(pl.Int32), place=pl.int_range(pl.len()))
