"""The wanted state of a folder as the client names it, checked: nothing in it may lead out of the folder."""

import os
import re

from .errors import AgentError
from .files import checked_relative

MAX_LINKS = 40
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def is_sha256(value):
    return isinstance(value, str) and bool(_SHA256.match(value))


def is_size(value):
    return isinstance(value, int) and value >= 0


def records(entries):
    """{path: [kind, mode, size, SHA-256 or link target]} of protocol entries."""
    found = {}
    for entry in entries:
        path, kind = checked_relative(entry["path"]), entry["kind"]
        if path in found:
            raise AgentError("bad_input", "%r is given twice" % path)
        if kind == "symlink":
            target = entry.get("target")
            if not isinstance(target, str) or not target or "\0" in target:
                raise AgentError("bad_input", "the link %r has no target" % path)
            found[path] = [kind, 0, 0, target]
        elif kind == "file" and is_sha256(entry.get("sha256")) and is_size(entry["size"]) and entry["mode"] in (0o644, 0o755):
            found[path] = [kind, entry["mode"], entry["size"], entry["sha256"]]
        else:
            raise AgentError("bad_input", "the entry of %r is not valid" % path)
    return found


def folders_of(wanted):
    """All folders above these paths."""
    found = set()
    for path in wanted:
        folder = os.path.dirname(path)
        while folder and folder not in found:
            found.add(folder)
            folder = os.path.dirname(folder)
    return found


def check_links(wanted, folders):
    """No path is both a file and a folder, and no link leads out, whatever other links it goes through."""
    for path in folders:
        if path in wanted:
            raise AgentError("bad_input", "%r is both a %s and a folder" % (path, wanted[path][0]))
    links = {path: record[3] for path, record in wanted.items() if record[0] == "symlink"}
    for path, target in links.items():
        if _leads_out(path, links):
            raise AgentError("bad_input", "the link %r -> %r leads out of the folder" % (path, target))


def _leads_out(link, links):
    at, left, followed = [], link.split("/"), 0
    while left:
        part = left.pop(0)
        if part == "..":
            if not at:
                return True
            at.pop()
        elif part not in ("", "."):
            at.append(part)
            target = links.get("/".join(at))
            if target is not None:
                followed += 1
                if target.startswith("/"):
                    return True
                if followed > MAX_LINKS:
                    return False  # a loop leads nowhere
                at.pop()
                left = target.split("/") + left
    return False
