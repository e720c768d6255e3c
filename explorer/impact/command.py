"""The commands `impact` and `recipe`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click
import polars as pl

from explorer.build import DEFAULT_MEMORY, Step
from explorer.errors import ExplorerError, UsageError
from explorer.executor import default_workers
from explorer.impact.bind import bind
from explorer.impact.documents import check_documents, write_documents
from explorer.impact.engine import LEAST_MEMORY, Impact
from explorer.impact.partials import recipe_files
from explorer.impact.report import (
    FINDINGS,
    FORMATS,
    View,
    check_findings,
    check_order,
    findings,
    report,
    what_is_needed,
)
from explorer.impact.source import Source, open_source
from explorer.ingest.rows import ATTRIBUTES_COLUMN, FLAT_SET
from explorer.recipe.mixer_writing import to_mixer_json, to_mixer_yaml
from explorer.recipe.model import Recipe
from explorer.recipe.read import builtin_recipes, read_recipe
from explorer.recipe.toml import to_toml
from explorer.render import render
from explorer.terminal import Size, progress, say
from explorer.workspace import Workspace, disk_errors

_MEASURES = ("documents", "bytes", "words", "tokens")


@click.command("impact")
@click.argument("workspace", type=click.Path(path_type=Path))
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--measure", type=click.Choice(_MEASURES), default="documents", show_default=True, help="What rules take."
)
@click.option("--source", default="", help="What rules take: of this source only.")
@click.option(
    "--order", multiple=True, metavar="RULE", help="A rule to apply first; several in their order. The others follow."
)
@click.option("--stream", default="", help="Apply this stream of the recipe to all documents, and no other.")
@click.option("--exact", is_flag=True, help="Read the texts that span rules touch again, instead of estimating.")
@click.option("--compare", "other", default="", metavar="RECIPE", help="Another recipe, side by side.")
@click.option(
    "--documents",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a row per document (.jsonl or .parquet): source, id, is_kept, the rules that hit it, characters and "
    "words after span replacement. The texts that span rules touch are read again, where they are kept.",
)
@click.option(
    "--fail-on",
    default="",
    metavar="KINDS",
    help=f"Exit with 1 when there are findings of these kinds, separated by commas: {', '.join(FINDINGS)}.",
)
@click.option(
    "--alarm-share",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="A source that loses more than this share of its documents raises an alarm.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--workers", type=click.IntRange(1, 1024), help="Threads; by default one a core.")
@click.option("--memory", type=Size(), default=DEFAULT_MEMORY, show_default="1GB", help="For the engine.")
def impact_command(
    workspace: Path,
    recipe: str,
    measure: str,
    source: str,
    order: tuple[str, ...],
    stream: str,
    exact: bool,
    other: str,
    documents: Path | None,
    fail_on: str,
    alarm_share: float,
    form: str,
    workers: int | None,
    memory: int,
) -> None:
    """Show what a recipe of filters would take from a workspace, without running it.

    RECIPE is a Dolma mixer config (YAML or JSON), a TOML recipe, a name in WORKSPACE/recipes, or a built-in
    (`corpus-explorer recipe list`). No text is read, but for --exact and --documents.
    """
    view = View(measure, source, order, alarm_share)
    if memory < LEAST_MEMORY:
        raise UsageError(f"--memory {memory >> 20}MB is too little; the engine needs {LEAST_MEMORY >> 20}MB")
    wanted = [name.strip() for name in fail_on.split(",") if name.strip()]
    check_findings(wanted)
    if documents is not None:
        check_documents(documents)
    opened = open_source(workspace)
    chosen = find_recipe(opened, recipe)
    compared = find_recipe(opened, other) if other else None
    reads_texts = exact or (documents is not None and keeps_text(opened))
    n_rows = 0
    with (
        progress() as listen,
        Impact(
            opened, chosen, only_stream=stream, exact=reads_texts, threads=workers or default_workers(), memory=memory,
            progress=lambda share: listen(Step("computing impact", share)),
        ) as impact,
    ):  # fmt: skip
        check_order(impact, view)
        failed = findings(impact, wanted, alarm_share)
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text = report(impact, form, view, impact.with_recipe(compared) if compared else None, width=width)
        needed = what_is_needed(impact)
        if documents is not None:
            impact.progress = lambda share: listen(Step("writing documents", share))
            n_rows = write_documents(impact, documents)
        has_spans = any(s.spans for s in impact.bound.streams)
    sys.stdout.write(text)
    if needed:
        say(needed)
    if documents is not None:
        say(f"{n_rows:,} rows in {documents}")
        if has_spans and not reads_texts:
            say("the workspace keeps no texts: bytes and words after span replacement are estimates (is_estimate)")
    if failed:
        for line in failed:
            say(line)
        raise ExplorerError(f"{len(failed)} findings of the kinds that --fail-on names ({', '.join(wanted)})")


def find_recipe(source: Source, name: str) -> Recipe:
    """A recipe by path, by its name in the workspace, or a built-in. Raises `UsageError` or `InputError`."""
    if not Path(name).exists():
        for path in recipe_files(Workspace(source.root)):
            if name in (path.name, path.stem):
                return read_recipe(path)
    return read_recipe(name)


def shard_globs(source: Source) -> list[str]:
    """The paths of a workspace's shards as globs, one a folder and kind of file."""
    paths = [Path(shard.path) for part in source.parts for shard in part.shards]
    return sorted({str(path.parent / ("*" + "".join(path.suffixes))) for path in paths})


def keeps_text(source: Source) -> bool:
    """Whether single texts can be read: from the user's Parquet, or from the workspace's copies."""
    return bool(Workspace(source.root).read_manifest().get("keep_text", True))


@click.group("recipe")
def recipe_command() -> None:
    """List the built-in recipes, or write a recipe in another form."""


@recipe_command.command("list")
@click.option("--format", "form", type=click.Choice(("table", "json", "csv", "md")), default="table")
def list_command(form: str) -> None:
    """One line a built-in recipe: its name, what it is, where its numbers come from."""
    rows = [(name, one.title, one.origin, ", ".join(one.needs)) for name, one in builtin_recipes().items()]
    frame = pl.DataFrame(rows, schema=["name", "title", "origin", "needs"], orient="row")
    sys.stdout.buffer.write(render(frame, form, dict.fromkeys(frame.columns, "name")))


@recipe_command.command("write")
@click.argument("recipe", metavar="RECIPE")
@click.option("--workspace", type=click.Path(path_type=Path), help="Fill in the attributes that keys with a star mean.")
@click.option("--as", "form", type=click.Choice(("toml", "yaml", "json")), default="toml", show_default=True)
@click.option(
    "--documents",
    multiple=True,
    metavar="GLOB",
    help="In a mixer config: paths of documents for streams that name none; by default those of the workspace.",
)
@click.option("--output", default="mixed", show_default=True, help="In a mixer config: where the mixer is to write.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write; by default standard output.")
def write_command(
    recipe: str, workspace: Path | None, form: str, documents: tuple[str, ...], output: str, out: Path | None
) -> None:
    """Write a recipe as TOML, or as a Dolma mixer config (YAML or JSON)."""
    source = open_source(workspace) if workspace is not None else None
    chosen = find_recipe(source, recipe) if source is not None else read_recipe(recipe)
    if source is not None:
        chosen = bind(chosen, source).resolved
    if form == "toml":
        text = to_toml(chosen)
    else:
        sets = [name for name in source.sets if name not in (FLAT_SET, ATTRIBUTES_COLUMN)] if source else []
        paths = documents or (shard_globs(source) if source else ())
        text = (to_mixer_yaml if form == "yaml" else to_mixer_json)(chosen, paths, sets, output)
    if out is None:
        sys.stdout.write(text)
        return
    if out.exists():
        raise UsageError(f"{out}: exists already and is not overwritten")
    with disk_errors(out):
        out.write_text(text, encoding="utf-8")
    say(f"{out}: written")
