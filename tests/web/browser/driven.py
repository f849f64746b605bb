"""A page that is served, and a Chromium that is driven: what the tests of the page, and recipes/screenshots.py, do.

Everything waits for a condition, and for as long as that takes on a busy machine; nothing sleeps and hopes. What the
browser has asked for and has complained of is read from its own logs, so that a test need not look for it.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import psutil
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
PATIENCE_SECONDS = 90
"""For what takes a second on an idle machine."""
WIDTHS = {"wide": (1400, 1000), "phone": (390, 844)}
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests may be run by root, and in containers
    "--disable-gpu",
    "--disable-dev-shm-usage",  # which containers have little of
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # the page needs nobody else
)


def until(condition: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """What `condition` answers, as soon as that is true.

    Raises:
        AssertionError: it has not become true in time.
    """
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(StaleElementReferenceException):  # the page was drawn anew between two looks
            if answer := condition():
                return answer
        assert time.monotonic() < end, f"waited {seconds} seconds in vain: {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Served:
    """`scumble web` in a process of its own, and everything that it has started.

    Args:
        folder: for its home, its caches and its output; made where it is missing.
        arguments: for the command line.
        environment: more variables.
    """

    def __init__(self, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._output = folder / "output.txt"
        self._arguments = arguments
        self._environment = os.environ | {
            "SCUMBLE_HOME": str(folder / "caches"),
            "SCUMBLE_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            **(environment or {}),
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "scumble", "web", "--home", str(self.home), "--port", str(self.port)]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, *self._arguments], stdout=output, stderr=subprocess.STDOUT, env=self._environment
            )
        until(self._answers, f"{self.address} answers")

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"the server has ended:\n{self.output()}"
        try:
            return bool(self.get("/api/jobs") is not None)
        except (urllib.error.URLError, ConnectionError):
            return False

    def output(self) -> str:
        """All that the server and its workers have said."""
        return self._output.read_text(errors="replace")

    def fetch(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE_SECONDS) as answer:
            return answer.read()

    def get(self, path: str) -> Any:
        return json.loads(self.fetch(path))

    def send(self, path: str, value: Any = None, method: str = "POST") -> Any:
        """What the interface answers to some JSON."""
        answer = httpx.request(method, self.address + path, json=value or {}, timeout=PATIENCE_SECONDS)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def jobs(self) -> list[dict[str, Any]]:
        return self.get("/api/jobs")

    def results(self, job: str) -> dict[str, bytes]:
        """The finished pictures of a job, by their names."""
        files = self.get(f"/api/jobs/{job}")["files"]
        return {file["name"]: self.fetch(file["url"]) for file in files if file["kind"] == "result"}

    def processes(self, module: str = "") -> list[psutil.Process]:
        """Those that work for this home, and whose command line names a module; all of them without."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if process.pid != os.getpid() and str(self.home) in words and any(module in word for word in words):
                found.append(process)
        return found

    def memory(self) -> int:
        """Bytes of memory that the server has by itself."""
        return psutil.Process(self._process.pid).memory_info().rss

    def kill(self, module: str = "") -> int:
        """SIGKILL for the server (`scumble`), its workers (`scumble.web.jobs.worker`) or everything; how many."""
        if module == "scumble":
            self._process.kill()
            self._process.wait()
            return 1
        found = self.processes(module)
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, 10)
        return len(found)

    def stop(self) -> None:
        """Its end as by Ctrl-C, and that of whatever it leaves behind."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        self.kill("scumble")
        self.kill()


class Browser:
    """A Chromium with a profile of its own, at one server's pages.

    Attributes:
        driver: Selenium's.
        complaints: errors of its console, but for those that `forgive` names.
    """

    def __init__(self, server: Served, downloads: Path | None = None) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in FLAGS:
            options.add_argument(flag)
        if downloads is not None:
            options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.server = server
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(PATIENCE_SECONDS)
        self._requests: list[str] = []
        self._complaints: list[str] = []
        self._forgiven: list[str] = []
        self.resize("wide")

    # What a person does

    def open(self, path: str = "/") -> None:
        self.driver.get(self.server.address + path)

    def resize(self, width: str) -> None:
        """To one of `WIDTHS`; `phone` is a telephone for the page's style sheet, too."""
        x, y = WIDTHS[width]
        self._devtools(
            "Emulation.setDeviceMetricsOverride", width=x, height=y, deviceScaleFactor=1, mobile=width == "phone"
        )

    def prefer(self, scheme: str, motion: str = "no-preference") -> None:
        """`light` or `dark`, as the system's settings ask of pages; `reduce` for those whom motion makes ill."""
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        self._devtools(
            "Emulation.setEmulatedMedia", features=[{"name": name, "value": value} for name, value in features.items()]
        )

    def drop(self, place: WebElement, *files: Path) -> None:
        """Let go of files over a part of the page, as a real drag from the desktop does."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", place)
        box = self.driver.execute_script(
            "const b = arguments[0].getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]", place
        )
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self._devtools("Input.dispatchDragEvent", type=kind, x=box[0], y=box[1], data=data)

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the page's focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    # What a person sees

    def one(self, css: str) -> WebElement:
        """The first visible part of the page that a selector names, as soon as it is there."""
        return until(lambda: next(iter(self.all(css)), None), f"{css} is seen at {self.driver.current_url}")

    def all(self, css: str) -> list[WebElement]:
        return [part for part in self.driver.find_elements(By.CSS_SELECTOR, css) if part.is_displayed()]

    def labelled(self, words: str) -> WebElement:
        """The control whose name, as a screen reader reads it, contains words."""
        css = "button, a, input, select, textarea, [role=button], [role=slider], summary"

        def look() -> WebElement | None:
            named = (part for part in self.all(css) if words.lower() in part.accessible_name.lower())
            return next(named, None)

        return until(look, f"something named {words!r} is seen at {self.driver.current_url}")

    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def loaded(self, css: str) -> str:
        """The address of a picture that is really shown: not hidden, not broken."""

        def look() -> str | None:
            for part in self.all(css):
                if self.driver.execute_script("return arguments[0].complete && arguments[0].naturalWidth > 1", part):
                    return part.get_attribute("src")
            return None

        return until(look, f"the picture {css} is seen at {self.driver.current_url}")

    def quiet(self, seconds: float = 0.4) -> None:
        """Wait until the page shows all that it will by itself: for a while no file has come, no picture is half."""
        script = "return [performance.getEntriesByType('resource').length, document.readyState,"
        script += "[...document.images].every(image => image.complete)]"
        last, since = None, time.monotonic()

        def look() -> bool:
            nonlocal last, since
            now = self.driver.execute_script(script)
            if now != last:
                last, since = now, time.monotonic()
            return now[1:] == ["complete", True] and time.monotonic() - since > seconds

        until(look, f"{self.driver.current_url} is quiet")

    def sideways(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """What is seen of the page now, or all of it, however high, as a picture."""
        clip = {}
        if whole:
            size = self._devtools("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
        shot = self._devtools("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    # What a person does not see

    def foreign(self) -> list[str]:
        """Addresses asked for since the beginning that are not the server's."""
        for line in self.driver.get_log("performance"):
            message = json.loads(line["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                params = message["params"]
                self._requests.append(params["request"]["url"] if "request" in params else params["url"])
        inside = ("data", "blob", "about", "chrome", "devtools")
        urls = [url for url in self._requests if urlsplit(url).scheme not in inside]
        assert urls or self.driver.current_url == "data:,", "the browser's log of requests is empty"
        return [url for url in urls if urlsplit(url).netloc != f"127.0.0.1:{self.server.port}"]

    def forgive(self, words: str) -> None:
        """What the console may complain of in this test."""
        self._forgiven.append(words)

    def complaints(self) -> list[str]:
        """Errors in the console since the beginning."""
        lines = self.driver.get_log("browser")
        self._complaints += [line["message"] for line in lines if line["level"] == "SEVERE"]
        return [text for text in self._complaints if not any(words in text for words in self._forgiven)]

    def barriers(self, axe: str) -> list[str]:
        """What keeps people out of this page, serious and critical, a line each; found by the script of axe-core."""
        self.driver.execute_script(axe)
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document).then(done, error => done({error: String(error)}))"
        )
        assert "error" not in found, found
        return [
            f"{rule['id']} ({rule['impact']}): {part['target']} {part.get('failureSummary', '')}"
            for rule in found["violations"]
            for part in rule["nodes"]
            if rule["impact"] in ("serious", "critical")
        ]

    def quit(self) -> None:
        self.driver.quit()

    def _devtools(self, command: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)


@contextlib.contextmanager
def served(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Served]:
    """A server, until the block ends."""
    server = Served(folder, *arguments, environment=environment)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def browsed(server: Served, downloads: Path | None = None) -> Iterator[Browser]:
    """A browser, until the block ends."""
    browser = Browser(server, downloads)
    try:
        yield browser
    finally:
        browser.quit()
