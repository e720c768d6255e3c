"""What commands share: sizes, messages and progress bars on standard error, which is not for data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from explorer.build import Step
from explorer.escape import printable

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\Z", re.IGNORECASE)


class Size(click.ParamType[int]):
    """A number of bytes such as 800MB or 2GB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = _SIZE.match(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a size such as 800MB or 2GB", param, ctx)
        return int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " "))


def say(text: str) -> None:
    """A line for the person, with hostile characters escaped."""
    click.echo(printable(text), err=True)


@contextmanager
def progress() -> Iterator[Callable[[Step], None]]:
    """A progress bar a step on standard error, with the time that remains; a line a step where nobody is watching."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskID,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:22}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def listen(step: Step) -> None:
            if step.name not in tasks:
                for task in tasks.values():
                    bars.update(task, completed=1.0)
                tasks[step.name] = bars.add_task(step.name, total=1.0)
            bars.update(tasks[step.name], completed=step.share)

        yield listen
        for task in tasks.values():
            bars.update(task, completed=1.0)
