"""Start a run in a process that has its imports behind it.

    python -m xstilts.launch GRID RUN_ID

`xstilts run` keeps a parent that has imported the libraries, but nothing of this package, and
computed nothing. Asked by the program above it forks a driver, which has first forked what becomes
its kernel, so that a run starts in half a second and not in ten. Without a parent the program
executes the run itself, with an ordinary kernel. Everything dies with whoever asked for it.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path

LIBRARIES = (
    "torch", "transformers", "transformers.models.auto.modeling_auto",
    "transformers.models.xlm_roberta.modeling_xlm_roberta",
    "transformers.models.bert.modeling_bert", "datasets", "accelerate", "pandas",
    "pyarrow.parquet", "scipy.stats", "jinja2", "matplotlib.pyplot",
    "matplotlib_inline.backend_inline", "ipykernel.kernelapp", "papermill", "nbconvert",
    "safetensors.torch", "yaml",
)  # fmt: skip
HEADER = 16  # bytes that tell a request's length


def main(words: list[str]) -> int:
    if words[:1] == ["--serve"]:
        return serve(socket.socket(fileno=int(words[1])))
    if parent := os.environ.get("XSTILTS_PARENT"):
        return ask(parent, words)
    from xstilts.execute import main as execute

    return execute(words)


def ask(parent: str, words: list[str]) -> int:
    """Have the run done by `parent` (a socket's path); its exit code, 1 if the parent is gone."""
    request = json.dumps([words, str(Path.cwd()), dict(os.environ)]).encode()
    reply = b""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
        line.connect(parent)
        socket.send_fds(line, [b"%*d" % (HEADER, len(request))], [1, 2])
        line.sendall(request)
        reply = line.recv(HEADER)
    if not reply:
        print("the parent of this run is gone", file=sys.stderr)
    return int(reply or 1)


def serve(listener: socket.socket) -> int:
    """Import the libraries, then fork a driver for each request until the parent's parent dies."""
    die_with_parent(signal.SIGTERM)
    sys.modules.setdefault("rfc3987_syntax", None)  # a second that nothing here needs
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # then the run itself will say so
            importlib.import_module(name)
    gc.freeze()
    drivers: dict[int, socket.socket] = {}
    lines = selectors.DefaultSelector()
    lines.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in lines.select(timeout=0.05):
            if key.fileobj is listener:
                line, _ = listener.accept()
                if pid := _fork(line, [listener, *drivers.values()]):
                    drivers[pid] = line
                    lines.register(line, selectors.EVENT_READ)
            else:  # who asked has gone
                lines.unregister(key.fileobj)
                for pid in [pid for pid, line in drivers.items() if line is key.fileobj]:
                    _end(pid)
        for pid in list(drivers):
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done:
                continue
            _end(pid)  # its kernel, should it still be there
            line, code = drivers.pop(pid), os.waitstatus_to_exitcode(status)
            with contextlib.suppress(OSError, KeyError):
                lines.unregister(line)
            with contextlib.suppress(OSError):
                line.sendall(str(code).encode())
            line.close()


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _fork(line: socket.socket, others) -> int:
    """Read one request and fork its driver; 0 if the asker has gone meanwhile."""
    try:
        header, files, _, _ = socket.recv_fds(line, HEADER, 2)
        body = line.recv(int(header), socket.MSG_WAITALL)
        words, folder, environment = json.loads(body)
    except ValueError:
        line.close()
        return 0
    pid = os.fork()
    if pid:
        for file in files:
            os.close(file)
        return pid
    try:
        os.setsid()
        die_with_parent(signal.SIGKILL)
        for one in (line, *others):
            one.close()
        for place, file in enumerate(files, start=1):
            os.dup2(file, place)
            os.close(file)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        code = _drive(words)
    except BaseException:
        traceback.print_exc()
        code = 1
    _leave(code)


def _drive(words: list[str]) -> int:
    kernel = Kernel()  # while nothing runs here yet
    from xstilts import execute

    execute.FORKED = kernel
    return execute.main(words)


def _leave(code: int):
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


class Kernel:
    """A forked process that becomes the notebook's kernel once it is told where to listen.

    Looks like `subprocess.Popen` to Jupyter.
    """

    stdin = stdout = stderr = None

    def __init__(self):
        reading, self._told = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            os.close(self._told)
            die_with_parent(signal.SIGKILL)
            self._become(reading)
        os.close(reading)

    def begin(self, connection_file: str, folder: str, environment: dict[str, str]) -> None:
        with os.fdopen(self._told, "w") as pipe:
            json.dump([connection_file, folder, environment], pipe)

    def _become(self, reading: int):
        code = 1
        try:
            with os.fdopen(reading) as pipe:
                message = pipe.read()
            if message:
                connection_file, folder, environment = json.loads(message)
                os.environ.clear()
                os.environ.update(environment)
                os.chdir(folder)
                sys.argv = ["ipykernel"]
                from ipykernel.kernelapp import IPKernelApp

                parent = f"--IPKernelApp.parent_handle={os.getppid()}"
                IPKernelApp.launch_instance(argv=["-f", connection_file, parent])
            code = 0
        except BaseException:
            traceback.print_exc()
        _leave(code)

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=None) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def die_with_parent(number: int) -> None:
    """Have the system send this process `number` when its parent ends (Linux; elsewhere not)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
