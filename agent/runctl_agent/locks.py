"""Advisory locks on files; the kernel lets go of them when the holder dies, however it dies."""

import contextlib
import fcntl
import json
import os
import time


@contextlib.contextmanager
def exclusive(path):
    """Waits until no other process is inside the same lock."""
    handle = acquire(path)
    try:
        yield
    finally:
        os.close(handle)


def acquire(path, wait_s=None):
    """The descriptor that holds the lock, or None where another process kept it for `wait_s` seconds (absent: waits for ever).

    Closing it lets go; a program that is started does not inherit it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = None if wait_s is None else time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if deadline is None else fcntl.LOCK_NB))
            return handle
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(handle)
                return None
            time.sleep(0.02)
        except BaseException:
            os.close(handle)
            raise


def take_over(handle):
    """For a process that was started to hold the lock `handle`: its children do not inherit it, and who looks into the file finds this process."""
    handle = int(handle)
    os.set_inheritable(handle, False)
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps({"pid": os.getpid()}).encode(), 0)


def is_held(path):
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Shared, so that two who look do not take each other for the holder.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(handle)
