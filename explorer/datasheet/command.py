"""The commands `datasheet`, `verify` and `diff`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import polars as pl

from explorer.build import DEFAULT_MEMORY
from explorer.corpus import open_corpus
from explorer.datasheet.questionnaire import ORDERS
from explorer.errors import ExplorerError, UsageError
from explorer.escape import printable
from explorer.render import FORMATS, render
from explorer.terminal import Size, progress, say


@click.command("datasheet")
@click.argument("workspace", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write into.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where the shards lie, as seen from the current folder; must be below --out, which the card's paths begin at.",
)
@click.option(
    "--order",
    type=click.Choice(list(ORDERS)),
    default="datasheets",
    show_default=True,
    help="Of the questions of DATASHEET.md: as in the paper, or in the seven sections of Dolma's datasheet.",
)
def datasheet_command(workspace: Path, out: Path, data: Path | None, order: str) -> None:
    """Write the datasheet of a workspace: a card, answers to questions, every number with its provenance.

    README.md (a dataset card), DATASHEET.md, STATISTICS.md, stats.json with its JSON Schema, croissant.json, the EU's
    public summary, charts, a page. Numbers are measured; what people know comes from WORKSPACE/corpus.toml (`init`
    writes one to fill in). `verify` checks the numbers later.
    """
    from explorer.datasheet.bundle import check_folder, read_sheet, write_bundle
    from explorer.datasheet.data_files import data_files, data_warning

    check_folder(out)
    files = data_files(out, data) if data is not None else ()
    with open_corpus(workspace) as corpus:
        sheet = read_sheet(corpus, files, order=order)
    for path in write_bundle(sheet, out):
        click.echo(path)
    if warning := data_warning(sheet):
        say(warning)


@click.command("verify")
@click.argument("bundle", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--against",
    multiple=True,
    required=True,
    metavar="WORKSPACE|SHARDS",
    help="A workspace, or shards (files, folders, globs), which are built in the folder for temporary files with the "
    "options that stats.json records. May be given several times.",
)
@click.option("--numbers-only", is_flag=True, help="Check stats.json, and not the files beside it.")
@click.option("--strict", is_flag=True, help="Exit with 1 also where something cannot be recomputed.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default one a core.")
@click.option("--memory", type=Size(), default=DEFAULT_MEMORY, show_default="1GB", help="For all processes together.")
def verify_command(
    bundle: Path,
    against: tuple[str, ...],
    numbers_only: bool,
    strict: bool,
    form: str,
    workers: int | None,
    memory: int,
) -> None:
    """Recompute every number of a published datasheet, and say which are the same, changed, or not recomputable.

    DIR is what `datasheet` wrote, or its stats.json alone. The other files are rendered again from stats.json: a
    number that was edited by hand is found, with its line. Exits with 1 where anything changed or is missing, and
    where files could not be checked: another version wrote them. The same documents in other files, or elsewhere, are
    the same corpus.
    """
    from explorer.datasheet.published import read_published
    from explorer.datasheet.recompute import corpus_of
    from explorer.datasheet.verify import (
        CHANGED,
        MISSING,
        STATES,
        UNKNOWN,
        counts,
        findings_frame,
        shortened,
        unchecked,
        verify,
    )

    published = read_published(bundle)
    home = bundle if bundle.is_dir() else bundle.parent
    with (
        progress() as listen,
        corpus_of(against, published.stats, bundle=home, workers=workers, memory=memory, listener=listen) as corpus,
    ):
        found = verify(published, bundle if bundle.is_dir() and not numbers_only else None, corpus)
    ordered = sorted(found, key=lambda one: STATES.index(one.state))  # what is wrong stands last, beside the counts
    frame = findings_frame(shortened(ordered) if form == "table" else ordered)
    emit(frame, form, dict.fromkeys(frame.columns, "text"))
    say(counts(found))
    if loud := unchecked(found):
        say(loud)
    states = {one.state for one in found}
    if CHANGED in states:
        raise ExplorerError(f"{bundle}: is not what the corpus gives; the rows that say changed tell where")
    if MISSING in states:
        names = [one.name for one in found if one.state == MISSING]
        more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
        raise ExplorerError(f"{bundle}: lacks {', '.join(names[:3])}{more}; publish all that the datasheet has")
    if loud:
        raise ExplorerError(
            f"{bundle}: not all files were checked; use the version that wrote them, or --numbers-only to check "
            "stats.json alone"
        )
    if strict and UNKNOWN in states:
        raise ExplorerError(f"{bundle}: not all of it could be checked (--strict)")


def emit(frame: pl.DataFrame, form: str, units: Mapping[str, str]) -> None:
    """A frame on standard output."""
    is_terminal = sys.stdout.isatty()
    if form == "parquet" and is_terminal:
        raise UsageError("Parquet is not for a terminal; redirect it: --format parquet > file.parquet")
    width = shutil.get_terminal_size().columns if is_terminal else None
    sys.stdout.buffer.write(render(frame, form, units, width=width))
    sys.stdout.buffer.flush()


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--top",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="How many rows of each kind to list, by what changed most in bytes; json, csv and parquet have all.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
def diff_command(old: Path, new: Path, top: int, form: str) -> None:
    """Compare two datasheets: what grew and what went, in total, by source, language and domain.

    OLD and NEW are folders that `datasheet` wrote, or their stats.json. Statistics that only one of them has, or whose
    SQL is another one, are named and not compared.
    """
    from explorer.datasheet import difference
    from explorer.datasheet.published import read_published

    sheets = (read_published(old), read_published(new))
    said = difference.remarks(*sheets)
    frame = difference.difference_frame(*sheets, difference.compare_sheets(*sheets))
    if form == "table":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        sys.stdout.write(difference.difference_table(frame, [printable(line) for line in said], top, width))
    elif form == "md":
        sys.stdout.write(difference.difference_markdown(frame, said, top))
    else:
        emit(frame, form, difference.units_of_difference())
        for line in said:
            say(line)
