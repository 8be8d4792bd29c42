"""Headless Chromium over a pipe, with the standard library: open a page, say what went wrong."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
              None)  # fmt: skip
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
         "--disable-dev-shm-usage", "--allow-file-access-from-files", "--hide-scrollbars",
         "--no-first-run", "--disable-extensions", "--disable-background-networking")  # fmt: skip
START = """import os, sys
from fcntl import F_DUPFD, fcntl
ends = [fcntl(int(word), F_DUPFD, 10) for word in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])"""  # Chromium reads from 3 and writes to 4
DOMAINS = ("Page", "Network", "Runtime", "Log")
LOOK = """(async () => {
  document.querySelectorAll('img[loading=lazy]').forEach((image) => { image.loading = 'eager' });
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  const name = (e) => e.tagName + '.' + e.className + ' ' + (e.textContent || '').slice(0, 40);
  const wide = [...document.querySelectorAll('main *, header *')].filter((e) => {
    for (let up = e.parentElement; up; up = up.parentElement)
      if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return false;
    return e.getBoundingClientRect().right > innerWidth + 1;
  });
  return {
    width: document.documentElement.scrollWidth, inner: innerWidth,
    wide: wide.slice(0, 3).map(name),
    empty: [...document.images].filter((i) => !i.naturalWidth).map((i) => i.src),
    unnamed: [...document.images].filter((i) => !i.alt).map((i) => i.src.slice(-60)),
    headless: [...document.querySelectorAll('main table')]
      .filter((t) => !t.querySelector('th')).map((t) => t.textContent.slice(0, 40)),
    scripts: [...document.querySelectorAll('main script')].map((s) => s.textContent.slice(0, 40)),
    text: document.body.innerText,
  };
})()"""


class Browser:
    """`open(page, width)` loads a file without any network; what it returns is LOOK's, with
    `failed` (requests) and `errors` (console, uncaught)."""

    def __init__(self, home: Path, patience: float = 120):
        ours, theirs_out = os.pipe()
        theirs_in, self.out = os.pipe()
        words = (BINARY, *FLAGS, f"--user-data-dir={home}", "about:blank")
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(theirs_in), str(theirs_out), *words],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (theirs_in, theirs_out):
            os.close(end)
        self.inn, self.patience, self.number, self.rest = ours, patience, 0, b""
        self.events: list[dict] = []
        self.session = None
        try:
            self._attach()
        except BaseException:
            self.__exit__()
            raise

    def _attach(self) -> None:
        target = next(t for t in self.call("Target.getTargets")["targetInfos"]
                      if t["type"] == "page")["targetId"]  # fmt: skip
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in DOMAINS:
            self.call(f"{domain}.enable")
        self.call("Network.emulateNetworkConditions", offline=True, latency=0,
                  downloadThroughput=0, uploadThroughput=0)  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.inn)
        os.close(self.out)

    def call(self, method: str, **params) -> dict:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self) -> dict:
        end = time.monotonic() + self.patience
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.inn], [], [], max(0, end - time.monotonic()))
            if not ready or not (part := os.read(self.inn, 1 << 20)):
                raise RuntimeError("Chromium does not answer")
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\0")
        return json.loads(line)

    def open(self, page: Path, width: int = 1280) -> dict:
        self.events = []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())
        found = self.call("Runtime.evaluate", expression=LOOK, awaitPromise=True,
                          returnByValue=True)["result"]["value"]  # fmt: skip
        return found | self._wrong()

    def _wrong(self) -> dict:
        failed, errors, asked = [], [], {}
        for event in self.events:
            params, kind = event.get("params", {}), event["method"]
            if kind == "Network.requestWillBeSent":
                asked[params["requestId"]] = params["request"]["url"]
                if not params["request"]["url"].startswith(("file:", "data:", "blob:")):
                    failed.append(params["request"]["url"])
            elif kind == "Network.loadingFailed":
                failed.append(asked.get(params["requestId"], "unknown"))
            elif kind == "Runtime.exceptionThrown":
                errors.append(params["exceptionDetails"].get("exception", {}).get("description"))
            elif kind == "Log.entryAdded" and params["entry"]["level"] == "error":
                errors.append(params["entry"]["text"])
            elif kind == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
                errors.append(str(params["args"])[:200])
        return {"failed": failed, "errors": errors}
