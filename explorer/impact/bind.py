"""A recipe met with a workspace: which documents each stream has, which attributes each rule finds, and as what SQL."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow.parquet as pq

from explorer.attributes import Attribute
from explorer.errors import UsageError
from explorer.impact import compile as compiling
from explorer.impact.inputs import Needs, bare_column
from explorer.impact.lookups import Columns
from explorer.impact.replacement import MAX_SPAN_RULES
from explorer.impact.source import Source, SourcePart
from explorer.impact.sql_logic import FALSE, all_of, any_of, none_of
from explorer.impact.values import Fires, Loaded
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET
from explorer.recipe.expression import Expression, Path, walk
from explorer.recipe.model import Recipe, Rule, SpanRule, Stream
from explorer.recipe.plain import resolved
from explorer.recipe.syntax import quoted
from explorer.relations import IndexedSet, quote_literal

_SUFFIX = re.compile(r"(\.(jsonl?|ndjson|parquet|gz|gzip|zst|zstd))+\Z")


@dataclass(frozen=True)
class Missing:
    """An attribute that a rule names and its stream does not load."""

    key: str  # as it is shown
    nearest: str  # the nearest key among those that are loaded; empty where none is near
    elsewhere: tuple[str, ...]  # sets that have the key, and that the stream does not load


@dataclass(frozen=True)
class BoundRule:
    """A rule of a stream as SQL over the inputs."""

    number: int  # its bit, and its place in the recipe
    rule: Rule
    holds: str
    fails: str
    missing: tuple[Missing, ...]
    n_keys: int  # attributes that it names
    notes: tuple[str, ...] = ()  # what a user should know of it

    @property
    def lacks_all(self) -> bool:
        """Whether it names attributes, and its stream loads none of them."""
        return 0 < self.n_keys == len(self.missing)

    @property
    def is_dead(self) -> bool:
        """Whether it can never fire for want of its attributes. (A rule on what is absent may fire all the time.)"""
        return self.lacks_all and self.holds == FALSE


@dataclass(frozen=True)
class BoundSpans:
    """A span rule of a stream: where its spans are, by set; and when a set's are the ones that count."""

    number: int
    rule: SpanRule
    attributes: tuple[tuple[str, Attribute], ...]  # (SQL over the inputs, attribute)
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class BoundStream:
    number: int
    stream: Stream
    loaded: Loaded
    condition: str  # SQL over the inputs: which documents of its shards are in the stream
    rules: tuple[BoundRule, ...]
    spans: tuple[BoundSpans, ...]
    is_given_all: bool  # its documents' paths match no shard, and it was given all of them instead

    def shards(self, part: SourcePart) -> tuple[int, ...]:
        """The shards of a part that are the stream's."""
        if self.is_given_all or not self.stream.documents:
            return tuple(range(len(part.shards)))
        return tuple(n for n, s in enumerate(part.shards) if _matches(self.stream.documents, s.path, s.name))


@dataclass(frozen=True)
class BoundRecipe:
    recipe: Recipe
    rules: tuple[Rule, ...]  # by number: of all streams, each once
    span_rules: tuple[SpanRule, ...]
    streams: tuple[BoundStream, ...]
    needs: Needs

    @property
    def resolved(self) -> Recipe:
        """The recipe with the keys that begin with a star filled in, of the streams that are bound."""
        return replace(self.recipe, streams=tuple(stream.stream for stream in self.streams))

    def stream_shards(self, part: SourcePart) -> list[tuple[int, ...]]:
        return [stream.shards(part) for stream in self.streams]


def bind(recipe: Recipe, source: Source, only_stream: str = "") -> BoundRecipe:
    """Bind a recipe. `only_stream` gives all documents to that stream and leaves the others out.

    Raises `UsageError` where a condition cannot be answered from the index, where a key with a star is ambiguous, and
    where several streams match no document at all.
    """
    chosen = list(recipe.streams)
    if only_stream:
        chosen = [s for s in chosen if s.name == only_stream]
        if not chosen:
            raise UsageError(
                f"no stream is called {only_stream!r}; streams: {', '.join(s.name for s in recipe.streams)}"
            )
    resolved = [_resolved(stream, source) for stream in chosen]
    rules: dict[tuple[object, ...], Rule] = {}
    span_rules: dict[tuple[object, ...], SpanRule] = {}
    for stream in resolved:
        for rule in stream.rules:
            rules.setdefault(_identity(rule), rule)
        for span_rule in stream.span_rules:
            span_rules.setdefault(_span_identity(span_rule), span_rule)
    _check_names(resolved, [rule.name for rule in rules.values()], [rule.name for rule in span_rules.values()])
    numbers = {key: number for number, key in enumerate(rules)}
    span_numbers = {key: number for number, key in enumerate(span_rules)}
    matched = {s.name for s in resolved if not s.documents or _matches_any(s.documents, source)}
    gives_all = bool(only_stream) or (len(resolved) == 1 and not matched)
    if not matched and not gives_all:
        raise UsageError(
            "none of its streams' documents match a shard of this workspace; name the sources of each stream in a "
            f"TOML recipe, or apply one stream to all documents with --stream ({', '.join(s.name for s in chosen)})"
        )
    bound = []
    columns: set[str] = set()
    attributes: dict[str, Attribute] = {}
    lists: dict[str, Attribute] = {}
    for number, stream in enumerate(resolved):
        loaded = _loaded(stream, source)
        looked_at = Columns(loaded)
        own_rules = tuple(_bind_rule(numbers[_identity(rule)], rule, looked_at, source) for rule in stream.rules)
        spans = tuple(_bind_spans(span_numbers[_span_identity(r)], r, looked_at, source) for r in stream.span_rules)
        bound.append(
            BoundStream(
                number, stream, loaded, _sources_condition(stream, columns), own_rules, spans,
                is_given_all=gives_all and stream.name not in matched,
            )
        )  # fmt: skip
        columns |= looked_at.columns
        attributes |= looked_at.attributes
        lists |= looked_at.lists
    files = {one.loaded.has_attributes: [name for name, _ in one.loaded.sets] for one in bound}
    needs = Needs(frozenset(columns), attributes, lists, source.short, source.config.attribute_columns, files)
    return BoundRecipe(recipe, tuple(rules.values()), tuple(span_rules.values()), tuple(bound), needs)


def _check_names(streams: Sequence[Stream], rules: Sequence[str], span_rules: Sequence[str]) -> None:
    """Names tell rules and streams apart. Raises `UsageError` for two of one name, or too many span rules."""
    for what, names in (("streams", [s.name for s in streams]), ("rules", rules), ("span rules", span_rules)):
        for name, n in Counter(names).items():
            if n > 1:
                raise UsageError(f"{n} different {what} are called {quoted(name)!r}; give each a name of its own")
    for stream in streams:
        if len(stream.span_rules) > MAX_SPAN_RULES:
            raise UsageError(
                f"stream {quoted(stream.name)!r} has {len(stream.span_rules)} span rules; at most {MAX_SPAN_RULES} can "
                "be told apart"
            )


def _identity(rule: Rule) -> tuple[object, ...]:
    return (rule.kind, rule.name, rule.min_bytes, tuple((e.syntax, e.text) for e in rule.expressions))


def _span_identity(rule: SpanRule) -> tuple[object, ...]:
    return (rule.name, rule.span.text, rule.min_score, rule.max_score, rule.replacement)


# documents


def _matches_any(patterns: Sequence[str], source: Source) -> bool:
    return any(_matches(patterns, shard.path, shard.name) for part in source.parts for shard in part.shards)


def _matches(patterns: Sequence[str], path: str, name: str) -> bool:
    """Whether a shard is meant by one of a mixer's paths: as it stands, or from the folder `documents` on, whatever
    the kind of the file (a corpus that was copied or converted keeps its folders)."""
    for pattern in patterns:
        if _glob(pattern, path) or _glob(pattern, name):
            return True
        _, found, tail = pattern.rpartition("/documents/")
        wanted = _SUFFIX.sub("", tail if found else pattern)
        own = _SUFFIX.sub("", f"/{path}".rpartition("/documents/")[2] if "/documents/" in path else name)
        if found and (_glob(wanted, own) or _glob(wanted, _SUFFIX.sub("", name).removeprefix("documents/"))):
            return True
    return False


def _glob(pattern: str, path: str) -> bool:
    """A path pattern in which * stays within a folder and ** does not."""
    pieces = re.split(r"(\*\*/?|\*|\?|\[[^\]]*\])", pattern)
    expression = ""
    for piece in pieces:
        if piece.startswith("**"):
            expression += ".*"
        elif piece == "*":
            expression += "[^/]*"
        elif piece == "?":
            expression += "[^/]"
        elif piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
            expression += fnmatch.translate(piece)[4:-3] if piece != "[]" else re.escape(piece)
        else:
            expression += re.escape(piece)
    return re.fullmatch(expression, path, re.DOTALL) is not None


def _sources_condition(stream: Stream, columns: set[str]) -> str:
    """SQL for the sources that a stream names; a glob stands for several."""
    if not stream.sources:
        return "true"
    tests = []
    for name in stream.sources:
        sign = "glob" if any(wild in name for wild in "*?[") else "="
        tests.append(f"source {sign} {quote_literal(name)}")
    return any_of(*tests)


def _named_sets(name: str, sets: Sequence[str]) -> list[str]:
    """The sets that a name of a set means: itself, or with a star every set that fits, as the mixer has it."""
    return sorted(fnmatch.filter(sets, name)) if "*" in name and name not in sets else [name]


def _loaded(stream: Stream, source: Source) -> Loaded:
    """The sets in the order in which they are loaded: what the rows themselves carry first."""
    inline = [name for name in (FLAT_SET, ATTRIBUTES_COLUMN) if name in source.sets]
    others = [name for name in source.sets if name not in inline]
    given = others if stream.attributes is None else [n for g in stream.attributes for n in _named_sets(g, others)]
    order = [*inline, *dict.fromkeys(given)]
    sets = tuple((name, source.sets.get(name, ())) for name in order)
    named = [name for name in order if name not in inline]
    is_bare = any(len(part.shards_with(named)) < len(part.shards) for part in source.parts)
    column = bare_column(named) if is_bare else ""
    return Loaded(sets, source.short, source.written_as, _nulls(sets, source), column)


def _nulls(sets: Iterable[tuple[str, tuple[Attribute, ...]]], source: Source) -> frozenset[str]:
    """The stems of nested attributes that hold nothing but nulls: the index has no text of any value, which the
    footers of its files say. Not to know it would refuse `K[0][2]` where one document has null for K."""
    found = {a.column for _, attributes in sets for a in attributes if a.shape == "nested"}
    for part in source.parts if found else ():
        for one in part.indexed.sets:
            if own := found & {a.column for a in one.attributes}:
                found -= own - _without_text(one, own)
    return frozenset(found)


def _without_text(one: IndexedSet, stems: Iterable[str]) -> set[str]:
    with pq.ParquetFile(one.path) as file:
        names = {name: n for n, name in enumerate(file.schema_arrow.names)}
        groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
        return {
            stem
            for stem in stems
            if all(
                (found := group.column(names[f"{stem}_text"]).statistics) is not None
                and found.has_null_count
                and found.null_count == group.num_rows
                for group in groups
            )
        }


# attributes


def _resolved(stream: Stream, source: Source) -> Stream:
    """The stream with every key that begins with a star replaced by the one key that it stands for."""
    loaded = _loaded(stream, source)
    keys = {a.path[0] for _, attributes in loaded.sets for a in attributes}
    mapping: dict[str, str] = {}
    for expression in _expressions(stream):
        for path in _attribute_paths(expression):
            if path[0].startswith("*"):
                found = _resolve(path[0], keys)
                if found is not None:
                    mapping[path[0]] = found
    if not mapping:
        return stream
    return replace(
        stream,
        rules=tuple(
            replace(rule, expressions=tuple(resolved(e, mapping) for e in rule.expressions)) for rule in stream.rules
        ),
        span_rules=tuple(replace(rule, span=resolved(rule.span, mapping)) for rule in stream.span_rules),
    )


def _resolve(starred: str, keys: Iterable[str]) -> str | None:
    """The key that *ending stands for: equal to it, or ending with it after a double underscore.

    Of several versions of one tagger (gopher_v? in one experiment) the last counts; several experiments are ambiguous.
    """
    ending = starred[1:]
    pattern = re.escape(ending).replace(r"\?", ".")
    found = sorted(key for key in keys if re.search(rf"(\A|__){pattern}\Z", key))
    if len({key[: -len(ending)] for key in found}) > 1:
        raise UsageError(f"{starred} stands for several attributes: {', '.join(found[:5])}; name one in full")
    return found[-1] if found else None


def _expressions(stream: Stream) -> list[Expression]:
    return [e for rule in stream.rules for e in rule.expressions] + [rule.span for rule in stream.span_rules]


def _attribute_paths(expression: Expression) -> list[tuple[str, ...]]:
    nodes = [n for n in walk(expression.tree) if isinstance(n, Path) and n.keys[0] == "attributes" and len(n.keys) > 1]
    return list(dict.fromkeys(node.keys[1:] for node in nodes))


def _find_missing(expression: Expression, loaded: Loaded, source: Source) -> tuple[Missing, ...]:
    """The attributes of an expression that no loaded set has."""
    paths = _attribute_paths(expression)
    seen = loaded.seen_by(expression.syntax)
    there = {a.path for _, attributes in seen for a in attributes}
    found = []
    for path in paths:
        if any(have[: len(path)] == path for have in there):
            continue
        keys = sorted({Attribute("", have, "").key for have in there})
        shown = Attribute("", path, "").key
        near = difflib.get_close_matches(shown.lstrip("*"), keys, n=1, cutoff=0.6) if len(shown) < 500 else []
        names = {name for name, _ in seen}
        elsewhere = tuple(
            name
            for name, attributes in source.sets.items()
            if name not in names and any(a.path[: len(path)] == path for a in attributes)
        )
        found.append(Missing(shown, near[0] if near else "", elsewhere))
    return tuple(found)


def _bind_rule(number: int, rule: Rule, columns: Columns, source: Source) -> BoundRule:
    missing: list[Missing] = []
    keys: set[tuple[str, ...]] = set()
    for expression in rule.expressions:
        missing += _find_missing(expression, columns.loaded, source)
        keys.update(_attribute_paths(expression))
    n_keys = len(keys)
    if rule.kind == "length":
        return BoundRule(number, rule, f"(n_bytes_trimmed_after < {int(rule.min_bytes)})", FALSE, (), 0)
    columns.notes.clear()
    fires = [_compiled(rule, expression, columns) for expression in rule.expressions]
    if rule.kind == "exclude":
        holds, fails = fires[0].holds, fires[0].fails
    else:
        holds, fails = _not_included(fires)
    return BoundRule(
        number, rule, _certain(holds), _certain(fails), tuple(dict.fromkeys(missing)), n_keys,
        tuple(dict.fromkeys(columns.notes)),
    )  # fmt: skip


def _compiled(rule: Rule, expression: Expression, columns: Columns) -> Fires:
    try:
        return compiling.fires(columns, expression)
    except UsageError as error:
        raise UsageError(f"rule {rule.name!r}: {error}") from None


def _not_included(fires: Sequence[Fires]) -> tuple[str, str]:
    """When no condition of an include list holds, and when one fails before another has held."""
    holds = none_of(*(one.holds for one in fires), *(one.fails for one in fires))
    failed = FALSE
    earlier = FALSE
    for one in fires:
        failed = any_of(failed, all_of(none_of(earlier), one.fails))
        earlier = any_of(earlier, one.holds)
    return holds, failed


def _certain(condition: str) -> str:
    return condition if condition in ("true", "false") else f"coalesce({condition}, false)"


def _bind_spans(number: int, rule: SpanRule, columns: Columns, source: Source) -> BoundSpans:
    missing = _find_missing(rule.span, columns.loaded, source)
    return BoundSpans(number, rule, tuple(compiling.span_lists(columns, rule.span)), missing)


def described(missing: Mapping[str, Missing] | Sequence[Missing]) -> str:
    """What is missing, in a sentence: the key, and where it would be found."""
    sentences = []
    for one in missing.values() if isinstance(missing, Mapping) else missing:
        text = f"{one.key} is in none of the sets that are loaded"
        if one.elsewhere:
            text += f"; the set {' and '.join(one.elsewhere)} has it"
        elif one.nearest:
            text += f"; the nearest key is {one.nearest}"
        sentences.append(text)
    return ". ".join(sentences)
