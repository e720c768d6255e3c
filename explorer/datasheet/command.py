"""The commands `datasheet`, `verify` and `diff`."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.corpus import open_corpus
from explorer.datasheet.questionnaire import ORDERS


@click.command("datasheet")
@click.argument("workspace", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write into.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where the shards lie, below the folder --out: the card names them by their paths from there.",
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
    from explorer.datasheet.data_files import data_files

    check_folder(out)
    files = data_files(out, data) if data is not None else ()
    with open_corpus(workspace) as corpus:
        sheet = read_sheet(corpus, files, order=order)
    for path in write_bundle(sheet, out):
        click.echo(path)
