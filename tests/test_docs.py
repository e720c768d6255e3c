"""Generated documentation equals what the code says, and the README's commands are the real ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from explorer.cli import cli
from explorer.escape import markdown
from explorer.recipe.plain import parse_plain
from explorer.recipe.read import parse_recipe
from explorer.statistic import Param, exactness_sentence, load_statistics
from explorer.taggers.model import TagType
from explorer.taggers.registry import file_taggers, known_taggers
from explorer.units import MEASURES

ROOT = Path(__file__).parents[1]


def _range(param: Param) -> str:
    if param.choices or (param.min is None and param.max is None):
        return ", ".join(param.choices)
    return f"{'' if param.min is None else f'{param.min:g}'} to {'' if param.max is None else f'{param.max:g}'}"


def statistics_page() -> str:
    lines = [
        "# Statistics",
        "",
        "Made from `queries/`. Each is a macro, a card, a section of the datasheet and `show NAME`.",
    ]
    section = ""
    for statistic in load_statistics().values():
        if statistic.section != section:
            section = statistic.section
            lines += ["", f"## {section.capitalize()}"]
        lines += ["", f"### `{statistic.name}`", "", f"**{markdown(statistic.title)}.** {markdown(statistic.doc)}"]
        if not statistic.is_exact:
            lines += ["", markdown(exactness_sentence(statistic))]
        lines += ["", "| column | unit | definition |", "|---|---|---|"]
        lines += [f"| `{c.name}` | {c.unit} | {markdown(c.doc)} |" for c in statistic.columns]
        if statistic.params:
            lines += ["", "| parameter | default | choices | meaning |", "|---|---|---|---|"]
            lines += [f"| `{p.name}` | `{p.default!r}` | {_range(p)} | {markdown(p.doc)} |" for p in statistic.params]
    lines += ["", "## Definitions of the counts", ""]
    lines += [f"- **{measure.unit}**: {markdown(measure.definition)}" for measure in MEASURES]
    return "\n".join(lines) + "\n"


def taggers_page() -> str:
    known = known_taggers()
    lines = [
        "# Taggers",
        "",
        "What `corpus-explorer tag` and `build --tag` measure. Made from `explorer/taggers/`. A type is the attribute",
        "`SET__tagger__type`: a list of spans `[start, end, score]` in characters; a score of a document is one span",
        "over its whole text. A key is absent where nothing was found. Scores are rounded to 5 decimals.",
        "",
        "In Dolma attribute files (`tag --format dolma`) a row stands on the line of its document. A line without a",
        "document (no JSON, no text) gets a row without attributes, with the id that stands there, or null, so that",
        "lines never shift; the toolkit's mixer refuses a file with such a line anyhow. It compares ids as JSON, so 7",
        "stays a number. In a file without ids documents are named by their texts, as `build` does; the mixer refuses",
        "those. In a file whose documents have ids, one without an id, or with a fraction for one, is left out.",
        "",
        f"`*` stands for names that come with the data or the model. There are {len(known)} taggers, "
        f"and {len(file_taggers())} kinds that read a file of your own (`kind:NAME=FILE`).",
    ]
    for tagger in known.values():
        lines += _tagger_lines(tagger.name, tagger.doc, tagger.source, tagger.types)
    for kind in file_taggers().values():
        lines += _tagger_lines(f"{kind.kind}:NAME=FILE", kind.doc, kind.source, kind.types)
    return "\n".join(lines) + "\n"


def _tagger_lines(name: str, doc: str, source: str, types: Sequence[TagType]) -> list[str]:
    lines = ["", f"## `{name}`", "", markdown(doc), "", f"Source: {markdown(source)}", ""]
    lines += ["| type | of | unit | definition |", "|---|---|---|---|"]
    return lines + [f"| `{one.name}` | {one.level} | {markdown(one.unit)} | {markdown(one.doc)} |" for one in types]


def commands_page() -> str:
    lines = ["# Commands", "", "The `--help` of every command."]
    context = click.Context(cli, info_name="corpus-explorer", **cli.context_settings)
    for name in [None, *cli.list_commands(context)]:
        if name is None:
            text = cli.get_help(context)
        else:
            command = cli.get_command(context, name)
            assert command is not None
            with click.Context(command, info_name=name, parent=context) as inner:
                text = command.get_help(inner)
        lines += ["", f"## `corpus-explorer{f' {name}' if name else ''}`", "", "```text", text, "```"]
    return "\n".join(lines) + "\n"


def check(name: str, text: str) -> None:
    path = ROOT / "docs" / name
    if os.environ.get("CORPUS_EXPLORER_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"docs/{name} is out of date"


def test_statistics_page() -> None:
    check("statistics.md", statistics_page())


def test_taggers_page() -> None:
    check("taggers.md", taggers_page())


def test_commands_page() -> None:
    check("commands.md", commands_page())


def test_readme_names_real_things() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"corpus-explorer ([a-z]+)\b", readme):
        assert name in cli.commands, name
    for name in re.findall(r"corpus-explorer show ([a-z_]+)", readme):
        assert name in load_statistics(), name
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        assert (ROOT / path).exists(), path
    assert len(re.findall(r"^python3 -m venv", readme, re.MULTILINE)) == 2  # the demo and the tests


def test_only_the_app_imports_streamlit() -> None:
    code = (
        "import importlib, pkgutil, sys, explorer\n"
        "for module in pkgutil.walk_packages(explorer.__path__, 'explorer.'):\n"
        "    if not module.name.startswith(('explorer.app', 'explorer.site')):\n"
        "        importlib.import_module(module.name)\n"
        "print('streamlit' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "False"


def test_the_recipe_and_the_conditions_in_the_docs_are_read() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    recipe = parse_recipe(block, "docs", "toml")
    assert [rule.kind for rule in recipe.streams[0].rules] == ["include", "exclude", "exclude", "length"]
    table = text.partition("| condition | meaning |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.strip().splitlines()[1:]]
    spans = [a or b for cell in cells for a, b in re.findall(r"``(.+?)``|`([^`]+)`", cell)]
    conditions = [span.strip() for span in spans if span not in ("and", "or", "not", "+ - * /")]
    assert len(conditions) > 15
    for condition in conditions:
        is_value = re.fullmatch(r"[a-z_.]+|count.*|max.*|min.*|sum.*|coverage.*", condition)
        parse_plain(f"{condition} == 1" if is_value else condition)
