"""Why a number cannot be made again here: what the published one was made with, and the corpus at hand was not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import takewhile
from typing import Any

from explorer.datasheet.compare import Difference
from explorer.statistic import Statistic, load_statistics
from explorer.tokenizers import TOKENIZERS

# About the files, and not about the documents in them: another cut of the same corpus gives other numbers.
FILE_STATISTICS = frozenset({"shard_report", "rejected_rows"})
FILE_COLUMNS = frozenset({("attribute_alignment", "n_files")})

_OF_ATTRIBUTES = frozenset({"attributes", "attribute_files", "compared", "hits", "cuts", "recipes", "recipe_rules"})
_OF_DUPLICATES = frozenset({"marks", "paragraphs", "compared", "duplicate_search", "duplicate_samples"})
_OF_RECIPES = frozenset(
    {"hits", "cuts", "recipes", "recipe_rules", "recipe_streams", "recipe_gaps", "recipe_span_rules"}
)
_TOKEN_CELLS = frozenset({"tokens", "missing token counts"})  # what a row is about
# Columns that corpus.toml may fill otherwise without that any document's fingerprint changes.
_ROLES = re.compile(r"\b(?:language|licence|created|added)\b")


class Conditions:
    """What differs between how published numbers were made and how the corpus at hand was built."""

    def __init__(self, published: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        old, new = published["options"], now["options"]
        self.tokens = _tokens(old["tokenizer"], new["tokenizer"])
        self.sets = _sets(published, now)
        self.recipes = {
            name: f"the recipe {name} is {'another one' if name in one and name in other else 'not there'}"
            for one, other in ((old["recipes"], new["recipes"]), (new["recipes"], old["recipes"]))
            for name in one
            if one.get(name) != other.get(name)
        }
        self.duplicates = ", ".join(
            f"{what}: published {_said(old[key])}, here {_said(new[key])}"
            for key, what in (("min_paragraph", "shortest paragraph"), ("near_threshold", "near-duplicates from"))
            if old[key] != new[key]
        )
        self.order = (
            "" if old["source_order"] == new["source_order"] else "corpus.toml has other sources, or another order"
        )
        self.roles = {
            role: f"corpus.toml says {path or 'nothing'} of the column {role} here"
            for role in sorted(old["columns"].keys() | new["columns"].keys())
            if (path := new["columns"].get(role, "")) != old["columns"].get(role, "")
        }
        self.files = (
            "" if _files(published) == _files(now) else "it is about the files, and the corpus is cut into others here"
        )
        self.texts = "" if old["keep_text"] == new["keep_text"] else "only one of the two kept its texts"

    def excuse(self, statistic: Statistic, difference: Difference) -> str:
        """Why a difference says nothing about the published number; empty where it does."""
        return next(iter(filter(None, self._excuses(statistic, difference))), "")

    def of_list(self, statistic: Statistic) -> str:
        """Why the rows of a list that only files have cannot be made again; empty where they can."""
        needed = needs(statistic.name)
        roles = [reason for role, reason in self.roles.items() if role in needed or role == "n_tokens"]
        return "; ".join(filter(None, [self.tokens, *roles]))

    def _excuses(self, statistic: Statistic, difference: Difference) -> list[str]:
        needed, cells, column = needs(statistic.name), difference.cells, difference.column
        found = []
        if statistic.name in FILE_STATISTICS or (statistic.name, column) in FILE_COLUMNS:
            found.append(self.files)
        # alerts sum up the checks, of which one is about tokens
        if "token" in column or statistic.name == "alerts" or _TOKEN_CELLS & set(cells.values()):
            found += [self.tokens, self.roles.get("n_tokens", "")]
        if column == "sample":
            found.append(self.texts)
        if needed & _OF_DUPLICATES:
            found += [self.duplicates, self.order]
        # A row that is in one table only may have been pushed off a list that was cut.
        of_row = cells if column else {}
        if needed & _OF_RECIPES:
            of = [self.recipes.get(of_row["recipe"], "")] if "recipe" in of_row else self.recipes.values()
            found += [*of, *self.sets.values()]
        elif needed & _OF_ATTRIBUTES:
            name = of_row.get("attribute_set")
            found += [self.sets.get(name, "")] if name is not None else self.sets.values()
        found += [reason for role, reason in self.roles.items() if role in needed]
        return found


def renamed(published: Mapping[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """`now`, with its files named as published where only the folders above them differ: no other cut of the corpus."""
    old, new = (_below([shard["name"] for shard in stats["shards"]]) for stats in (published, now))
    if old.keys() != new.keys() or old == new:
        return now
    names = {here: old[below] for below, here in new.items()}
    statistics = dict(now["statistics"])
    for name in FILE_STATISTICS & statistics.keys():
        rows = [
            [names.get(cell, cell) if isinstance(cell, str) else cell for cell in row]
            for row in statistics[name]["rows"]
        ]
        statistics[name] = {**statistics[name], "rows": rows}
    shards = [{**shard, "name": names[shard["name"]]} for shard in now["shards"]]
    return {**now, "shards": shards, "statistics": statistics}


def _below(names: Sequence[str]) -> dict[str, str]:
    """Names by what remains of them below the folder that all lie in."""
    parts = [name.split("/") for name in names]
    depth = sum(
        1 for _ in takewhile(lambda level: len(set(level)) == 1, zip(*(one[:-1] for one in parts), strict=False))
    )
    return {"/".join(one[depth:]): name for one, name in zip(parts, names, strict=True)}


def _tokens(old: str, new: str) -> str:
    if old == new:
        return ""
    if old and old not in TOKENIZERS:
        return f"the tokenizer {old} is not available"
    return f"tokens were counted with {old or 'no tokenizer'}, and here with {new or 'none'}"


def _sets(published: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    old, new = published["attribute_fingerprints"], now["attribute_fingerprints"]
    found = {name: f"the attribute set {name} is not there" for name in old if name not in new}
    found |= {name: f"the attribute set {name} was not there then" for name in new if name not in old}
    mine, here = published["options"]["tags"], now["options"]["tags"]
    if mine and here and mine["version"] != here["version"] and mine["attribute_set"] == here["attribute_set"]:
        name = mine["attribute_set"]
        if old.get(name) != new.get(name):
            found[name] = f"the attribute set {name} was made with other taggers, or other versions of them"
    return found


def _files(stats: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(shard["name"], shard["fingerprint"]) for shard in stats["shards"]]


def _said(value: object) -> str:
    return "not looked for" if value is None else str(value)


@cache
def needs(name: str) -> frozenset[str]:
    """The relations and tables that a statistic reads, itself or through others; and the roles among `_ROLES`."""
    known = load_statistics()
    found: set[str] = set()
    pending, seen = [name], {name}
    while pending:
        statistic = known[pending.pop()]
        found |= {statistic.over} if statistic.over else set()
        sql = f"{statistic.partial_sql}\n{statistic.result_sql}"
        found |= set(re.findall(r"\b(?:from|join)\s+([a-z_]+)", sql)) | set(re.findall(_ROLES, sql))
        more = ((statistic.reads | statistic.calls) & known.keys()) - seen
        seen |= more
        pending += more
    return frozenset(found)
