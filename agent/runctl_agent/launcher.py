"""The parent of the script: starts it, waits, writes down how it ended. Nothing else, so that nothing in it can fail."""

import errno
import json
import os
import signal
import sys
import time

from . import locks, process_table, run_state
from .jsonio import read_json, write_json

RESERVED_BYTES = 1024
PR_SET_CHILD_SUBREAPER = 36
# Python changes the first two for itself; the others are ignored here, so that the end is recorded when all are told to go.
DEFAULT_IN_SCRIPT = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def launch(folder):
    if locks.acquire(os.path.join(folder, "launcher.lock"), wait_s=1) is None:
        return
    begun = any(os.path.exists(os.path.join(folder, name)) for name in ("main.json", "exit.json"))
    if begun or read_json(os.path.join(folder, "run.json"))["state"] == "stopped":
        return
    for number in DEFAULT_IN_SCRIPT[2:]:
        signal.signal(number, signal.SIG_IGN)
    # Ignored by whoever started us, it would take the exit status away.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _collect_orphans()
    command = read_json(os.path.join(folder, "command.json"))
    reserved = _reserve(folder)
    go_read, go_write = os.pipe()
    error_read, error_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go_write)
        _become_script(command, os.path.join(folder, "log"), go_read, error_write)
    os.close(go_read)
    os.close(error_write)
    # The script waits for the word until this is written: were we killed before, it would end and nobody would start a second one.
    _insist(lambda: write_json(os.path.join(folder, "main.json"), {
        "pid": pid, "start_time": process_table.find(pid)["start_time"], "boot_id": run_state.boot_id(), "started_at": time.time(),
        "launcher_pid": os.getpid(), "launcher_start_time": process_table.find(os.getpid())["start_time"],
    }))
    os.write(go_write, b"g")
    os.close(go_write)
    number = os.read(error_read, 16)
    os.close(error_read)
    detail = "the script could not be started: %s: %s" % (command["shown"], os.strerror(int(number))) if number else None
    while True:
        try:
            ended, status = os.wait()
        except ChildProcessError:
            return
        if ended == pid:
            _write_end(folder, reserved, status, detail)


def _become_script(command, log_path, go_read, error_write):
    try:
        if os.read(go_read, 1) != b"g":
            os._exit(127)
        os.setpgid(0, 0)
        for number in DEFAULT_IN_SCRIPT:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(_bytes(command["cwd"]))
        argv = [_bytes(word) for word in command["argv"]]
        environment = environment_of(command)
        try:
            os.execve(argv[0], argv, environment)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            # A script without a first line that names its interpreter: a shell would run it so.
            os.execve(b"/bin/sh", [b"sh"] + argv, environment)
    except OSError as error:
        os.write(error_write, str(error.errno or 0).encode())
    finally:
        os._exit(127)


def environment_of(command):
    """What the script gets: the caller's environment, and what was asked for."""
    environment = dict(os.environb)
    environment.update((_bytes(key), _bytes(value)) for key, value in command["env"].items())
    for key in command["unset"]:
        environment.pop(_bytes(key), None)
    return environment


def _bytes(text):
    # Not by the locale: what the request says in UTF-8 arrives as it is.
    return text.encode("utf-8", "surrogateescape")


def _collect_orphans():
    if sys.platform.startswith("linux"):
        try:
            import ctypes
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (ImportError, OSError, AttributeError):
            pass  # orphans are then found by the mark in their environment alone


def _reserve(folder):
    """Room on the disk for the end, which must be told even when the script has filled it."""
    path = os.path.join(folder, ".exit.json")
    try:
        with open(path, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(b" " * RESERVED_BYTES)
            file.flush()
            os.fsync(file.fileno())
        return path
    except OSError:
        return None


def _write_end(folder, reserved, status, detail):
    by_signal = os.WIFSIGNALED(status)
    end = {
        "exit_code": None if by_signal or detail else os.WEXITSTATUS(status),
        "signal": _signal_name(os.WTERMSIG(status)) if by_signal else None,
        "ended_at": time.time(), "detail": detail,
    }
    target = os.path.join(folder, "exit.json")
    try:
        with open(reserved or "", "r+b") as file:
            file.write(json.dumps(end).encode("ascii").ljust(RESERVED_BYTES)[:RESERVED_BYTES])
            file.flush()
            os.fsync(file.fileno())
        os.rename(reserved, target)
    except OSError:
        _insist(lambda: write_json(target, end))


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "SIG%d" % number


def _insist(write):
    """Until it works, or the run's folder is gone."""
    while True:
        try:
            return write()
        except FileNotFoundError:
            return None
        except OSError:
            time.sleep(0.5)
