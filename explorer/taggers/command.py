"""The command `tag`, and the list of taggers."""

from __future__ import annotations

import time
from pathlib import Path

import click
import polars as pl

from explorer.taggers.corpus import TagReport, tag
from explorer.taggers.registry import DEFAULT_SET, file_taggers, known_taggers, other_taggers, parse_specs
from explorer.terminal import progress, say

_MOST_NOTES = 10


@click.command("tag")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write into.")
@click.option(
    "--taggers",
    multiple=True,
    required=True,
    metavar="NAME,...",
    help="Taggers, as `list --taggers` names them, separated by commas; may be given several times. Those that read a "
    "file of yours are kind:NAME=FILE (with commas in FILE only where --taggers is given several times).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("parquet", "dolma")),
    default="parquet",
    show_default=True,
    help="Documents with their attributes as tagged Parquet, or Dolma attribute files, which `dolma mix` takes.",
)
@click.option(
    "--name", "attribute_set", default=DEFAULT_SET, show_default=True, metavar="SET", help="The set of attributes."
)
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default one a core.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="A corpus.toml with a column mapping.")
def tag_command(
    inputs: tuple[str, ...],
    out: Path,
    taggers: tuple[str, ...],
    form: str,
    attribute_set: str,
    workers: int | None,
    config_path: Path | None,
) -> None:
    """Measure every document with taggers (Gopher, C4, PII ...) and write what they find as attributes.

    Keys are SET__tagger__type, as the Dolma toolkit writes them. With --format dolma, OUT/attributes/SET holds a row
    for each row of the documents, in files of the same names; OUT may be the corpus itself. Nothing is overwritten, and
    a run that was stopped goes on where it was when it is given again.
    """
    start = time.monotonic()
    with progress() as listen:
        report = tag(
            inputs,
            out,
            parse_specs(taggers),
            attribute_set,
            "dolma" if form == "dolma" else "parquet",
            config_path=config_path,
            workers=workers,
            listener=listen,
        )
    _say(report, out, time.monotonic() - start)


def _say(report: TagReport, out: Path, seconds: float) -> None:
    speed = report.n_docs / max(seconds, 1e-3)
    before = f" ({report.n_files_before:,} were finished before)" if report.n_files_before else ""
    say(
        f"{report.n_docs:,} documents, {report.n_bytes / 1e6:,.1f} MB of text in {seconds:,.1f} s "
        f"({speed:,.0f} documents a second): {report.n_files:,} files under {out}{before}"
    )
    for note in report.notes[:_MOST_NOTES]:
        say(note)
    if len(report.notes) > _MOST_NOTES:
        say(f"and {len(report.notes) - _MOST_NOTES:,} notes more")


def taggers_table() -> pl.DataFrame:
    """All taggers, a row each: `name`, `doc` and `types`; those that read a file as kind:NAME=FILE.

    What other packages register and cannot be loaded is told on standard error.
    """
    for fault in other_taggers().faults:
        say(f"left out: {fault}")
    rows = [(one.name, one.types, one.doc) for one in known_taggers().values()]
    rows += [(f"{one.kind}:NAME=FILE", one.types, one.doc) for one in file_taggers().values()]
    return pl.DataFrame(
        [(name, doc, ", ".join(each.name for each in types)) for name, types, doc in rows],
        schema={"name": pl.String, "doc": pl.String, "types": pl.String},
        orient="row",
    )
