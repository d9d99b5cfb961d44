"""`python3 runctl-agent.pyz VERB`: a request line on standard input, an answer line on standard output."""

import errno
import importlib
import json
import os
import sys

from . import paths, uploads
from .errors import AgentError

# Loaded only when asked for: a verb should cost as little as it can.
VERBS = {
    "start": ("start", "start"),
    "status": ("status", "status"),
    "save": ("stopping", "save"),
    "stop": ("stopping", "stop"),
    "logs": ("logs", "logs"),
    "processes": ("processes", "processes"),
    "checkpoints": ("checkpoints", "checkpoints"),
    "sync": ("sync", "apply_sync"),
    "list-files": ("files", "list_files"),
    "read-files": ("files", "read_files"),
    "inspect": ("inspecting", "inspect"),
    "record-copy": ("copies", "record_copy"),
    "remove-checkpoints": ("removal", "remove_checkpoints"),
    "tag-checkpoint": ("tags", "tag_checkpoint"),
    "probe-store": ("probe", "probe_store"),
    "guard": ("guard", "guard"),
}
WITH_ATTACHMENT = ("start", "sync")
HIDDEN = {"_launch": ("launcher", "launch"), "_supervise": ("supervisor", "supervise"), "_upload": ("uploader", "upload"),
          "_format": ("format_plugins", "run_module"), "_guard": ("guard_watch", "watch")}


def _load(place):
    return getattr(importlib.import_module("." + place[0], __package__), place[1])


def _answer(verb, stream):
    try:
        if verb not in VERBS:
            raise AgentError("bad_input", "the agent has no verb %r" % (verb,))
        try:
            request = json.loads(stream.readline().decode("utf-8"))
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise AgentError("bad_input", "the request is not a line of JSON with an object")
        handle = _load(VERBS[verb])
        return handle(request, stream) if verb in WITH_ATTACHMENT else handle(request)
    except AgentError as error:
        return error.as_answer()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = ": %s cannot be written" % error.filename if error.filename else ""
        return AgentError("wrong_state", "the disk of the instance is full" + where).as_answer()


def main():
    verb = sys.argv[1] if len(sys.argv) > 1 else None
    if verb in HIDDEN:
        _load(HIDDEN[verb])(*sys.argv[2:])
        return
    uploads.go_on()
    if paths.has_limits():
        _load(("guard", "go_on"))(verb)
    answer = json.dumps(_answer(verb, sys.stdin.buffer), separators=(",", ":"))
    sys.stdout.buffer.write(answer.encode("ascii") + b"\n")
    sys.stdout.buffer.flush()
    # Helpers left behind are meant to be; nothing else is to be waited for or tidied up.
    os._exit(0)


if __name__ == "__main__":
    main()
