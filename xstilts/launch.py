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
import signal
import socket
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import NoReturn

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


@contextlib.contextmanager
def parent(path: str, environment, program: tuple[str, ...] = ("-m", "xstilts.launch")):
    """While this lasts, a process that serves at the socket `path`; `program` calls `main`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1024)
        process = subprocess.Popen(
            [sys.executable, *program, "--serve", str(listener.fileno())], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(listener.fileno(),), start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def serve(listener: socket.socket) -> int:
    """Import the libraries, then fork a driver for each request until the parent's parent dies."""
    die_with_parent(signal.SIGTERM)
    sys.modules.setdefault("rfc3987_syntax", None)  # a second that nothing here needs
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # then the run itself will say so
            importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # drivers answer those who asked, not this
    while True:
        line, _ = listener.accept()
        with line, contextlib.suppress(OSError, ValueError):  # who asked has gone meanwhile
            header, files, _, _ = socket.recv_fds(line, HEADER, 2)
            request = json.loads(line.recv(int(header), socket.MSG_WAITALL))
            if not os.fork():
                os.setsid()
                listener.close()
                _drive(line, files, *request)
            for file in files:
                os.close(file)


def _drive(line: socket.socket, files, words, folder, environment) -> NoReturn:
    """Be the driver of a run: tell who asked how it ended, then end with all that is left of it."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with_parent(signal.SIGKILL)
        for place, file in enumerate(files, start=1):
            os.dup2(file, place)
            os.close(file)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        kernel = Kernel()  # while nothing else runs here
        threading.Thread(target=_follow, args=[line], daemon=True).start()
        from xstilts import execute

        execute.FORKED = kernel
        code = execute.main(words)
    except BaseException:
        traceback.print_exc()
    _flush()
    with contextlib.suppress(OSError):
        line.sendall(str(code).encode())
    os.killpg(0, signal.SIGKILL)


def _follow(line: socket.socket) -> None:
    """Wait until who asked has gone, which writes no more; then end with all that was started."""
    line.recv(1)
    os.killpg(0, signal.SIGKILL)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


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
        _flush()
        os._exit(code)

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
