"""Starting the dashboard as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from explorer.errors import UsageError
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


def launch(workspace: Path, port: int | None, open_browser: bool) -> int:
    """Serve the dashboard until it is interrupted; the server's exit status. Raises `UsageError` for a bad port."""
    if port is not None and not 1 <= port <= 65535:
        raise UsageError(f"--port {port} is not between 1 and 65535")
    # a server started from a checkout that is not installed still finds the package
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(command(workspace, port, open_browser=open_browser), env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # the terminal has sent it to the server too, which then ends by itself
        return process.wait()
    finally:
        process.terminate()
