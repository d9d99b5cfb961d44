"""Pieces of a run's log, in little memory however long the log is."""

import base64
import os
import time
import zlib

from . import paths
from .errors import AgentError

BLOCK = 1 << 16
MAX_BYTES = 8 << 20
POLL_S = 0.1
# The state of a run is looked up this often while nothing seems to happen; its files tell sooner.
STATE_EVERY_S = 1.0


def logs(request):
    from . import run_state
    run_id = request.get("run_id") or run_state.newest()
    if run_id is None:
        raise AgentError("not_found", "there is no run on this instance")
    run_state.load(run_id)
    deadline = time.monotonic() + request.get("wait_s", 0)
    limit = max(1, min(request["max_bytes"], MAX_BYTES))
    folder = str(paths.run_dir(run_id))
    offset = request.get("offset")
    seen, looked_at, last_size = None, 0.0, -1
    while True:
        facts = _facts(folder)
        if facts != seen or time.monotonic() - looked_at >= STATE_EVERY_S:
            # The state before the size: what a run that has ended leaves is all there is.
            run = run_state.status_of(run_id)
            seen, looked_at, last_size = facts, time.monotonic(), -1
        ended = run["state"] == "stopped"
        size = _size(folder)
        if size != last_size:
            offset, data = _read(folder, size, offset, request.get("tail_lines"), limit, ended)
            last_size = size
        if data or ended or time.monotonic() >= deadline:
            break
        time.sleep(max(0.0, min(POLL_S, deadline - time.monotonic())))
    next_offset = offset + len(data)
    return {
        "run_id": run_id, "offset": offset, "next_offset": next_offset, "size": size,
        "data": base64.b64encode(zlib.compress(data)).decode("ascii"),
        "end": ended and next_offset >= size, "run": run,
    }


def _size(folder):
    try:
        return os.stat(os.path.join(folder, "log")).st_size
    except OSError:
        return 0


def _facts(folder):
    """Changes when the run's state may have."""
    def changed(name):
        try:
            info = os.stat(os.path.join(folder, name))
            return info.st_mtime_ns, info.st_ino
        except OSError:
            return None
    return changed("run.json"), changed("exit.json")


def _read(folder, size, offset, tail_lines, limit, ended):
    """(offset, bytes): at most `limit`, and no half of a character whose other half may come."""
    if not size:
        return 0 if offset is None else min(offset, size), b""
    with open(os.path.join(folder, "log"), "rb") as file:
        if offset is None:
            offset = _start_of_tail(file, size, tail_lines, limit)
        elif offset > size:
            offset = 0  # the log was cut off: what is in it now is new
        file.seek(offset)
        data = file.read(min(limit, size - offset))
    whole = len(data) - _begun_character(data)
    follows = offset + len(data) < size
    if not whole and follows:
        return offset, data
    return offset, data[:whole] if follows or not ended else data


def _begun_character(data):
    """How many bytes at the end begin a UTF-8 character that is not finished."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC2 else 1
            return back if length > back and byte < 0xF5 else 0
    return 0


def _start_of_tail(file, size, lines, limit):
    """Where the last lines begin (absent: all), but not further back than `limit` bytes. Read backwards."""
    lowest = max(0, size - limit)
    at = size if lines == 0 else lowest
    position, left = size, lines
    file.seek(size - 1)
    if file.read(1) == b"\n":
        position -= 1  # it ends the last line and begins no other
    while lines and position > lowest:
        begin = max(lowest, position - BLOCK)
        file.seek(begin)
        block = file.read(position - begin)
        end = len(block)
        while left:
            end = block.rfind(b"\n", 0, end)
            if end < 0:
                break
            left -= 1
        if not left:
            at = begin + end + 1
            break
        position = begin
    if at == lowest and at > 0:
        file.seek(at)
        start = file.read(3)
        at += next((index for index, byte in enumerate(start) if byte & 0xC0 != 0x80), len(start))
    return at
