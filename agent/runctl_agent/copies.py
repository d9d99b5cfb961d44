"""What is known of copies of checkpoints elsewhere, by the digest of their content."""

import os
import re

from . import paths, tags
from .errors import AgentError
from .jsonio import read_json, write_json
from .locks import exclusive

MAX_DIGESTS = 10000


def _file():
    return str(paths.state_dir() / "copies.json")


def _known():
    known = read_json(_file())
    return known if isinstance(known, dict) else {}


def record_copy(request):
    copies = request["copies"]
    for copy in copies:
        place = copy["place"]
        if not re.match(r"[0-9a-f]{64}\Z", str(copy["sha256"])) or place.get("kind") not in ("client", "instance", "s3"):
            raise AgentError("bad_input", "not a copy of a checkpoint: %r" % (copy,))
    with exclusive(_file() + ".lock"):
        known = _known()
        for copy in copies:
            place = {key: copy["place"].get(key) for key in ("kind", "where", "path", "verified_at")}
            others = [old for old in known.pop(copy["sha256"], []) if any(old[key] != place[key] for key in ("kind", "where", "path"))]
            known[copy["sha256"]] = others + [place]
        write_json(_file(), dict(list(known.items())[-MAX_DIGESTS:]))
    return {"recorded": len(copies)}


def with_places(checkpoints):
    """The same checkpoints with the places where copies are known to be, and the names that they were given."""
    known = _known()
    named = tags.known()
    return [dict(one, places=known.get(one["sha256"], []), tags=named.get(one["sha256"], [])) for one in checkpoints]


def added(checkpoint):
    """The checkpoint with the places of its copies after those that it has, and its names."""
    return dict(checkpoint, places=checkpoint["places"] + _known().get(checkpoint["sha256"], []), tags=tags.known().get(checkpoint["sha256"], []))


def only_here(checkpoints):
    """The complete ones that have no verified copy on any other machine."""
    here = os.environ.get("RUNCTL_INSTANCE_ID")

    def is_elsewhere(place):
        return place["verified_at"] and not (place["kind"] == "instance" and place["where"] == here)

    return [one for one in with_places(checkpoints) if one["state"] == "complete" and not any(map(is_elsewhere, one["places"]))]
