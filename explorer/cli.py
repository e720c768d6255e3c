"""`corpus-explorer`: the command line. Standard output is data; everything else goes to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import polars as pl

import explorer
from explorer.build import DEFAULT_MEMORY, TOKENIZERS, BuildReport, Step, build
from explorer.datasheet.command import datasheet_command, diff_command, verify_command
from explorer.duplicates.stages import NEAR_THRESHOLD, not_looked_for
from explorer.errors import ExplorerError, QueryError, UsageError
from explorer.escape import printable
from explorer.impact.command import impact_command, recipe_command
from explorer.render import FORMATS, render, units_of
from explorer.statistic import Param, Statistic, exactness_sentence, exactness_word, load_statistics
from explorer.taggers.command import tag_command, taggers_table
from explorer.taggers.registry import DEFAULT_SET
from explorer.terminal import Size, progress, say


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(explorer.__version__, prog_name="corpus-explorer")
def cli() -> None:
    """See what is in a language-model training corpus: statistics, datasheets, a dashboard and SQL."""


_workspace = click.argument("workspace", type=click.Path(path_type=Path))
_workers = click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default one a core.")
_memory = click.option(
    "--memory", type=Size(), default=DEFAULT_MEMORY, show_default="1GB", help="For all processes together."
)
_format = click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
_port = click.option("--port", type=click.IntRange(1, 65535), help="By default the first free one from 8501.")


@cli.command("demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("corpus-explorer-demo"), show_default=True)
@click.option("--no-app", is_flag=True, help="Only build; do not open the dashboard.")
@_workers
@_memory
@_port
def demo_command(out: Path, no_app: bool, workers: int | None, memory: int, port: int | None) -> None:
    """Make a corpus out of this Python environment, build it and open the dashboard."""
    from explorer.demo import RECIPE, TAGGERS, make_demo_corpus

    source = out / "corpus"
    with progress() as listen:
        folder = make_demo_corpus(source, lambda share: listen(Step("collecting files", share)))
        report = build(
            [str(folder)],
            out / "workspace",
            config_path=folder / "corpus.toml",
            recipes=[str(folder / RECIPE)],
            tag=TAGGERS,
            tag_set=DEFAULT_SET,
            workers=workers,
            memory=memory,
            listener=listen,
        )
    _say_built(report)
    if not no_app:
        _open_app(report.root, port)


@cli.command("build")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The workspace folder to write.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="A corpus.toml; `init` writes one.")
@click.option(
    "--tokenizer",
    metavar="NAME",
    help=f"Count tokens with {', '.join(TOKENIZERS)}, or with none; by default as the last build did.",
)
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    metavar="RECIPE",
    help="A recipe of filters (a file, or the name of a built-in) to put into WORKSPACE/recipes; its impact becomes "
    "part of the catalogue and the datasheet. May be given several times.",
)
@click.option(
    "--duplicates/--no-duplicates",
    default=None,
    help="Look for what occurs more than once, by URL, text and paragraph; by default as the last build did, else yes.",
)
@click.option(
    "--near/--no-near",
    default=None,
    help="Look for near-duplicates too (MinHash of word 5-grams); by default as the last build did, else not.",
)
@click.option(
    "--near-threshold",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help=f"Jaccard similarity from which texts are near-duplicates; implies --near.  [default: {NEAR_THRESHOLD}]",
)
@click.option(
    "--min-paragraph",
    type=click.IntRange(1, 1_000_000),
    metavar="CHARS",
    help="Pass over paragraphs shorter than this; by default as the last build did, else 1.",
)
@click.option(
    "--tag",
    multiple=True,
    metavar="NAMES",
    help="Make attributes in the same reading: taggers separated by commas (`list --taggers` names them), or none; by "
    "default as the last build did. May be given several times.",
)
@click.option("--tag-set", metavar="NAME", help=f"The set that they become.  [default: {DEFAULT_SET}]")
@click.option(
    "--no-text", is_flag=True, help="Keep no copy of texts that are not in Parquet; they cannot be shown then."
)
@_workers
@_memory
def build_command(
    inputs: tuple[str, ...],
    out: Path,
    config_path: Path | None,
    tokenizer: str | None,
    recipes: tuple[str, ...],
    duplicates: bool | None,
    near: bool | None,
    near_threshold: float | None,
    min_paragraph: int | None,
    tag: tuple[str, ...],
    tag_set: str | None,
    no_text: bool,
    workers: int | None,
    memory: int,
) -> None:
    """Read shards (files, folders, globs) once and write a workspace of statistics.

    Reads tagged Parquet, Dolma documents with attributes beside them, and any Parquet or JSON Lines with a text column
    (.json, .jsonl, plain, .gz or .zst). A build that was stopped goes on where it was; unchanged files are not read
    again.
    """
    if near is False and near_threshold is not None:
        raise UsageError("--no-near and --near-threshold contradict each other; give one of them")
    with progress() as listen:
        report = build(
            inputs,
            out,
            config_path=config_path,
            tokenizer="" if tokenizer == "none" else tokenizer,
            keep_text=not no_text,
            tag=[] if set(tag) == {"none"} else tag or None,
            tag_set=tag_set,
            recipes=recipes,
            duplicates=duplicates,
            near=near_threshold or near,
            min_paragraph=min_paragraph,
            workers=workers,
            memory=memory,
            listener=listen,
        )
    _say_built(report)


@cli.command("convert")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write shards into.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="A corpus.toml with a column mapping.")
def convert_command(inputs: tuple[str, ...], out: Path, config_path: Path | None) -> None:
    """Write any readable input as tagged Parquet: documents and all their attributes in one file a shard."""
    from explorer.convert import convert

    with progress() as listen:
        report = convert(inputs, out, config_path=config_path, listener=listen)
    say(f"{report.n_docs:,} documents in {report.n_files:,} files under {out}")
    for line in report.notes:
        say(line)


@cli.command("init")
@_workspace
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it; by default WORKSPACE/corpus.toml.")
def init_command(workspace: Path, out: Path | None) -> None:
    """Write a commented corpus.toml with the sources of a workspace, to be filled in by hand."""
    from explorer.config import template
    from explorer.workspace import Workspace, disk_errors

    target = out or Workspace(workspace).config
    if target.exists():
        raise UsageError(f"{target}: exists already and is not overwritten; edit it, or name another with --out")
    with explorer.open(workspace) as corpus:
        counts = corpus.sql("select source, count(*) as n from documents group by source order by source")
    with disk_errors(target):
        target.write_text(template(dict(counts.iter_rows())), encoding="utf-8")
    say(f"{target}: fill in what you know, then build again (no text is read again for it)")


@cli.command("list")
@click.option("--taggers", is_flag=True, help="The taggers of `tag` instead: name, types of attributes, what they do.")
@_format
def list_command(taggers: bool, form: str) -> None:
    """One line a statistic: its name, section and title."""
    if taggers:
        _emit(taggers_table(), form)
        return
    rows = [(s.name, s.section, s.title, exactness_word(s)) for s in load_statistics().values()]
    _emit(pl.DataFrame(rows, schema=["name", "section", "title", "exactness"], orient="row"), form)


class _Show(click.Group):
    """A subcommand a statistic, with a flag a parameter, made from the files."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(load_statistics())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        from explorer.statistic import find_statistic

        return _show_command(find_statistic(name))


@cli.command(
    "show",
    cls=_Show,
    subcommand_metavar="STATISTIC WORKSPACE [OPTIONS]",
    short_help="Print a statistic of a workspace.",
)
def show_command() -> None:
    """Print a statistic of a workspace. `show STATISTIC --help` explains its parameters and columns."""


def _show_command(statistic: Statistic) -> click.Command:
    def run(workspace: Path, form: str, **parameters: Any) -> None:
        with explorer.open(workspace) as corpus:
            frame = corpus.run(statistic, parameters)
            _emit(frame, form, statistic, parameters)
            if not frame.height and statistic.section == "duplicates":
                reason = not_looked_for(corpus.manifest, parameters.get("kind"))
                if reason or statistic.name == "near_search":
                    say(reason or not_looked_for(corpus.manifest, "near"))

    options: list[click.Parameter] = [
        click.Argument(["workspace"], type=click.Path(path_type=Path)),
        *(_option(param) for param in statistic.params),
        click.Option(["--format", "form"], type=click.Choice(FORMATS), default="table", show_default=True),
    ]
    columns = "\n".join(f"  {column.name} ({column.unit}): {column.doc}" for column in statistic.columns)
    exactness = exactness_sentence(statistic)
    text = f"{statistic.title}.\n\n{statistic.doc} {exactness}\n\n\b\nColumns:\n{columns}"
    return click.Command(statistic.name, params=options, callback=run, help=text, short_help=statistic.title)


def _option(param: Param) -> click.Option:
    flag = "--" + param.name.replace("_", "-")
    kind: Any = str
    if isinstance(param.default, bool):
        return click.Option(
            [f"{flag}/--no-{flag[2:]}", param.name], default=param.default, help=param.doc, show_default=True
        )
    if param.choices:
        kind = click.Choice(param.choices)
    elif isinstance(param.default, int):
        kind = click.IntRange(
            None if param.min is None else int(param.min), None if param.max is None else int(param.max)
        )
    elif isinstance(param.default, float):
        kind = click.FloatRange(param.min, param.max)
    return click.Option([flag, param.name], type=kind, default=param.default, help=param.doc, show_default=True)


@cli.command("sql")
@_workspace
@click.argument("query")
@_format
def sql_command(workspace: Path, query: str, form: str) -> None:
    """Run one SQL query on a workspace's catalogue (views `documents`, `attributes`, and a macro a statistic)."""
    with explorer.open(workspace) as corpus:
        _emit(corpus.sql(query), form)


@cli.command("check")
@_workspace
@_format
def check_command(workspace: Path, form: str) -> None:
    """Report what is wrong with a corpus; exit with 1 when a check of severity error fails."""
    with explorer.open(workspace) as corpus:
        statistic = load_statistics()["checks"]
        frame = corpus.run(statistic, {})
    _emit(frame, form, statistic)
    failed = frame.filter((pl.col("severity") == "error") & ~pl.col("is_ok")).height
    if failed:
        raise ExplorerError(
            f"{failed} of {frame.height} checks failed; `show rejected_rows` and `show shard_report` tell where"
        )


@cli.command("app")
@_workspace
@_port
@click.option("--no-browser", is_flag=True, help="Do not open a browser window.")
def app_command(workspace: Path, port: int | None, no_browser: bool) -> None:
    """Open the dashboard of a workspace, on this machine only (127.0.0.1)."""
    explorer.open(workspace).close()  # a missing workspace is better told here than in the browser
    _open_app(workspace, port, open_browser=not no_browser)


cli.add_command(datasheet_command)
cli.add_command(verify_command)
cli.add_command(diff_command)
cli.add_command(impact_command)
cli.add_command(recipe_command)
cli.add_command(tag_command)


def _open_app(workspace: Path, port: int | None, *, open_browser: bool = True) -> None:
    from explorer.app.launch import launch

    launch(workspace.absolute(), port, open_browser)


def _emit(
    frame: pl.DataFrame, form: str, statistic: Statistic | None = None, given: Mapping[str, object] | None = None
) -> None:
    is_terminal = sys.stdout.isatty()
    if form == "parquet" and is_terminal:
        raise UsageError("Parquet is not for a terminal; redirect it: --format parquet > file.parquet")
    width = shutil.get_terminal_size().columns if is_terminal else None
    sys.stdout.buffer.write(render(frame, form, units_of(frame, statistic), width=width))
    sys.stdout.buffer.flush()
    error = statistic.error(given or {}, frame) if statistic is not None else ""
    if error:
        say(f"estimated: {error}")


def _say_built(report: BuildReport) -> None:
    fresh = (
        "nothing had changed" if report.is_unchanged else f"{report.n_parts_indexed:,} of {report.n_parts:,} parts read"
    )
    say(f"{report.n_docs:,} documents ({fresh}) in {report.root}")
    if report.n_rejected:
        say(f"{report.n_rejected:,} rows were left out: `corpus-explorer show rejected_rows {report.root}`")
    if report.passed_over:
        names = ", ".join(report.passed_over[:5]) + (" ..." if len(report.passed_over) > 5 else "")
        say(f"passed over, being no shards ({len(report.passed_over):,}): {names}")
    for fault in report.faults[:5]:
        say(f"left out: {fault}")
    if len(report.faults) > 5:
        say(f"and {len(report.faults) - 5} files more: `corpus-explorer check {report.root}`")


def main() -> None:
    """Entry point: errors as one line on standard error, exit code 1 for the data's faults and 2 for the user's."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Abort:
        _stopped()
    except KeyboardInterrupt:
        _stopped()
    except QueryError as error:  # the engine points at the place with a line of its own
        click.echo("corpus-explorer: " + "\n".join(map(printable, str(error).splitlines())), err=True)
        sys.exit(error.exit_code)
    except ExplorerError as error:
        click.echo(f"corpus-explorer: {printable(str(error))}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        _drop_output()
        sys.exit(1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else "standard output: "
        _drop_output()
        click.echo(f"corpus-explorer: {printable(place)}{error.strerror or error}", err=True)
        sys.exit(1)


def _drop_output() -> None:
    """Send what is left to be written nowhere, so that the interpreter's end does not fail over it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _stopped() -> None:
    click.echo(
        "corpus-explorer: stopped; nothing half-written is left, and build and tag go on where they were", err=True
    )
    sys.exit(130)


if __name__ == "__main__":
    main()
