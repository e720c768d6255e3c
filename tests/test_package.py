"""The wheel: built, installed into an empty environment, run from another folder."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**clean, **environment},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.skipif(
    not os.environ.get("CORPUS_EXPLORER_CI"), reason="installs every dependency: CORPUS_EXPLORER_CI only"
)
def test_wheel_in_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    programs = tmp_path / "env" / "bin"
    run(programs / "pip", "install", "--quiet", wheel, cwd=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    explorer = programs / "corpus-explorer"
    run(explorer, "demo", "--no-app", "--out", "demo", cwd=elsewhere)
    workspace = elsewhere / "demo" / "workspace"
    sources = run(
        explorer, "sql", workspace, "select source from composition() order by 1", "--format", "csv", cwd=elsewhere
    )
    assert sources.split() == ["source", "descriptions", "licences", "packages", "stdlib"]
    assert run(explorer, "list", "--format", "csv", cwd=elsewhere).count("\n") > 30
    run(explorer, "datasheet", workspace, "--out", "card", cwd=elsewhere)
    assert (elsewhere / "card" / "DATASHEET.md").read_text(encoding="utf-8").startswith("# Datasheet: Demo")
    page = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "from explorer.statistic import site_root\n"
        "at = AppTest.from_file(str(site_root() / 'app.py'), default_timeout=60).run()\n"
        "assert not at.exception, at.exception\n"
        "print(len(at.metric))\n"
    )
    shown = run(programs / "python", "-c", page, cwd=elsewhere, CORPUS_EXPLORER_WORKSPACE=str(workspace))
    assert int(shown) > 3
