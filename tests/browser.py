"""A headless Chromium, told what to do through the protocol of its driver; no library is needed for it."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""What asks the driver, which is on this machine, whatever goes through a proxy."""

SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1400,900",
)


@dataclass
class Browser:
    """A browser with one window.

    Parameters
    ----------
    session
        The address of its session.
    """

    session: str

    def open(self, address: str) -> None:
        """Go to an address; another fragment of the same page does not load it again."""
        ask("POST", f"{self.session}/url", {"url": address})
        self.settle()

    def settle(self) -> None:
        """Wait until the page has heard of what was done to it: browsers tell of a new address a little later."""
        script = "const done = arguments[0]; setTimeout(() => requestAnimationFrame(() => setTimeout(done, 20)), 20)"
        ask("POST", f"{self.session}/execute/async", {"script": script, "args": []})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return what it returns."""
        return ask("POST", f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector: str) -> None:
        """Click the first element that a selector names, as a user would: what lies under another is refused."""
        found = ask("POST", f"{self.session}/element", {"using": "css selector", "value": selector})
        ask("POST", f"{self.session}/element/{next(iter(found.values()))}/click", {})
        self.settle()

    def press(self, key: str) -> None:
        """Press a key."""
        strokes = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        ask("POST", f"{self.session}/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})
        self.settle()

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that a selector names."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
        )
        return found

    def count(self, selector: str) -> int:
        """Return how many elements a selector names."""
        return len(self.texts(selector))

    def screenshot(self) -> bytes:
        """Return what is seen, as a PNG."""
        return base64.b64decode(ask("GET", f"{self.session}/screenshot"))

    def complaints(self) -> list[str]:
        """Return what the browser had to say of the page since last asked: errors, things it refused."""
        log = ask("POST", f"{self.session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in log]


def ask(method: str, address: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the driver for something."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with DIRECT.open(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(json.load(error)["value"]["message"]) from error


@contextlib.contextmanager
def browser(folder: Path, *switches: str) -> Iterator[Browser]:
    """Start a browser that keeps its files in a folder."""
    assert CHROMIUM
    assert DRIVER
    driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert driver.stdout
        port = next(line.split("port ")[1].strip(" .\n") for line in driver.stdout if "successfully on port" in line)
        options = {"binary": CHROMIUM, "args": [*SWITCHES, f"--user-data-dir={folder}", *switches]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        started = ask("POST", f"http://127.0.0.1:{port}/session", {"capabilities": {"alwaysMatch": wanted}})
        session = f"http://127.0.0.1:{port}/session/{started['sessionId']}"
        try:
            yield Browser(session)
        finally:
            ask("DELETE", session)
    finally:
        driver.terminate()
        driver.wait()
        if driver.stdout:
            driver.stdout.close()
