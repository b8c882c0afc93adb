# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Headless Chromium by ChromeDriver's own protocol (W3C WebDriver over HTTP on loopback)."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import subprocess
import tempfile
import time

# As root, without a sandbox; and nothing of Chromium's own goes out.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-US")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PATIENCE = 60


class Browser:
    """A browser with one page; a context manager."""

    def __enter__(self):
        """Start it."""
        self._home = tempfile.mkdtemp(prefix="chromium-")
        self._driver = subprocess.Popen(  # pylint: disable=consider-using-with
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self._driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                self._port = int(found.group(1))
                break
        else:
            raise RuntimeError("chromedriver did not start")
        made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": [*FLAGS, "--user-data-dir=" + self._home]},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "timeouts": {"script": 1000 * PATIENCE, "pageLoad": 1000 * PATIENCE}}}})
        self._session = "/session/" + made["sessionId"]
        return self

    def __exit__(self, *_exc):
        """End it."""
        try:
            self._ask("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.communicate()
            shutil.rmtree(self._home, ignore_errors=True)

    def _ask(self, verb, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=3 * PATIENCE)
        connection.request(verb, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        told = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(told, dict) and "error" in told:
            raise RuntimeError("%s %s: %s" % (verb, path, told["message"].splitlines()[0]))
        return told

    def open(self, path, width=1400, height=900, dark=False):
        """Open a file, and wait until its tables are there."""
        self.look(width, height, dark)
        self.console(), self.requests()
        self._ask("POST", self._session + "/url", {"url": "file://%s" % path})
        self.wait("document.documentElement.dataset.ready === 'yes'")

    def look(self, width, height, dark=False):
        """Set the size of the page and its colour scheme."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"}])  # what is clicked stands still

    def cdp(self, command, **params):
        """Run a command of the DevTools protocol."""
        return self._ask("POST", self._session + "/goog/cdp/execute", {"cmd": command, "params": params})

    def js(self, script, *arguments):
        """Return what a script returns."""
        return self._ask("POST", self._session + "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, condition):
        """Wait until a JavaScript expression is true."""
        ends = time.monotonic() + PATIENCE
        while not self.js("return " + condition):
            if time.monotonic() > ends:
                raise AssertionError("never true: %s" % condition)
            time.sleep(0.05)

    def click(self, selector, number=0):
        """Click on an element as a mouse does."""
        self._ask("POST", "%s/element/%s/click" % (self._session, self._find(selector)[number]), {})

    def keys(self, text, selector=None):
        """Press keys, in an element or where the focus is; \ue007 is Enter, \ue004 Tab, \ue014 the right arrow."""
        where = self._find(selector)[0] if selector else self._ask("GET", self._session + "/element/active")[_ELEMENT]
        self._ask("POST", "%s/element/%s/value" % (self._session, where), {"text": text})

    def _find(self, selector):
        found = self._ask("POST", self._session + "/elements", {"using": "css selector", "value": selector})
        assert found, selector
        return [each[_ELEMENT] for each in found]

    def texts(self, selector):
        """Return the visible text of all elements that a selector finds."""
        return self.js("return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText)", selector)

    def console(self):
        """Return what the console said since the last time."""
        return [each["message"] for each in self._ask("POST", self._session + "/se/log", {"type": "browser"})]

    def requests(self):
        """Return the URLs that were asked for since the last time."""
        events = [json.loads(each["message"])["message"] for each in self._ask("POST", self._session + "/se/log", {"type": "performance"})]
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]

    def shot(self, path, whole=True):
        """Write a picture of the page."""
        taken = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as stream:
            stream.write(base64.b64decode(taken["data"]))
