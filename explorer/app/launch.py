"""Starting the dashboard as a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from explorer.statistic import site_root

WORKSPACE_VARIABLE = "CORPUS_EXPLORER_WORKSPACE"


def command(workspace: Path, port: int | None, *, open_browser: bool, address: str = "127.0.0.1") -> list[str]:
    """The command line of the server. Streamlit reads theme and settings from .streamlit/ beside app.py."""
    line = [
        *(sys.executable, "-m", "streamlit", "run", str(site_root() / "app.py")),
        f"--server.address={address}",
        f"--server.headless={'false' if open_browser else 'true'}",
    ]
    if port is not None:
        line.append(f"--server.port={port}")
    return [*line, "--", str(workspace.absolute())]


def launch(workspace: Path, port: int | None, open_browser: bool) -> NoReturn:
    """Become the server of the dashboard, so that whoever ends this process ends the server."""
    # a server started from a checkout that is not installed still finds the package
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    sys.stdout.flush()
    sys.stderr.flush()
    line = command(workspace, port, open_browser=open_browser)
    os.execve(line[0], line, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
