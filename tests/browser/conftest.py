"""A server on a small corpus and a real browser to look at it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, ViewportSize, expect, sync_playwright

from explorer.app.launch import command
from tests.conftest import skip_or_fail
from tests.corpora import build_corpus
from tests.generate import cuts, generated, write_cut

expect.set_options(timeout=20_000)  # a busy machine is no failure
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
READY = "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"


@dataclass
class View:
    """A page of the dashboard in the browser, and what went wrong on it."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}/{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the script has run and the page stands still."""
        self.page.wait_for_function(READY)

    def note_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:")):
            self.strangers.append(request.url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        skip_or_fail(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("browser")
    rows = generated(150)
    build_corpus(write_cut(root / "input", rows, cuts(len(rows))["uneven"]), root / "workspace")
    return root / "workspace"


@pytest.fixture(scope="session")
def server(workspace: Path) -> Iterator[str]:
    with serving(workspace) as address:
        yield address


@contextmanager
def serving(workspace: Path) -> Iterator[str]:
    """The address of a new dashboard. It runs in another folder than the site's, as an installed one would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = command(workspace, port, open_browser=False)
    with subprocess.Popen(
        line, cwd=workspace.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = []
        for text in process.stdout:
            said.append(text)
            if "URL:" in text:
                break
        else:
            pytest.fail("the server ended: " + "".join(said))
        # a full pipe would stop the server
        threading.Thread(target=process.stdout.read, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture(params=["light"])
def view(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[View]:
    size: ViewportSize = {"width": 1280, "height": 900}
    scheme = request.param
    if scheme == "narrow":
        size, scheme = {"width": 390, "height": 844}, "light"
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    seen = View(page, server)
    # the client looks for its base path under every page's address and logs the two misses
    page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" and "404" not in m.text else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", seen.note_request)
    yield seen
    context.close()
    assert seen.errors == []
    assert seen.strangers == []
