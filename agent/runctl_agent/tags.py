"""Names that people gave to checkpoints, by the digest of their content. The verb `tag-checkpoint`."""

from . import paths
from .entries import is_sha256
from .errors import AgentError
from .jsonio import read_json, write_json
from .locks import exclusive

MAX_DIGESTS = 10000
MAX_NAMES = 50


def file_path():
    return str(paths.state_dir() / "tags.json")


def known():
    """{sha256: sorted names}."""
    found = read_json(file_path())
    return found if isinstance(found, dict) else {}


def tag_checkpoint(request):
    sha256 = request["sha256"]
    if not is_sha256(sha256):
        raise AgentError("bad_input", "%r is not the SHA-256 of a checkpoint" % (sha256,))
    add = [paths.checked_name(name, "tag") for name in request["add"]]
    with exclusive(file_path() + ".lock"):
        found = known()
        names = sorted((set(found.pop(sha256, ())) | set(add)) - set(request["remove"]))
        if len(names) > MAX_NAMES:
            raise AgentError("bad_input", "a checkpoint has at most %d tags" % MAX_NAMES)
        if names:
            found[sha256] = names
        if len(found) > MAX_DIGESTS:
            raise AgentError("bad_input", "%d checkpoints of this instance have tags; none is forgotten for a new one" % MAX_DIGESTS)
        write_json(file_path(), found)
    if add:
        _bring_to_store(sha256)
    return {"tags": names}


def _bring_to_store(sha256):
    """Also those of runs that are over and uploaded."""
    from . import run_state, uploads
    for run_id in run_state.all_ids():
        if any(one["sha256"] == sha256 for one in uploads.read(run_id).get("stored", {}).values()):
            uploads.mark(run_id)
            run_state.ensure_uploader(run_id)
