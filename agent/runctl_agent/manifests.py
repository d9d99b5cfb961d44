"""What is written beside each checkpoint in S3 when all of it is there and verified: without its manifest there is no checkpoint."""

from .digests import sha256_of_listing
from .entries import folders_of, is_sha256, is_size
from .errors import AgentError
from .files import checked_relative

VERSION = 1
FACTS = ("path", "state", "format", "sha256", "size_bytes", "step", "epoch", "metrics", "modified_at", "run_id", "attempt")
MAX_FILES = 100000


def key_of(key):
    return key + ".manifest.json"


def tag_key_of(key, tag):
    return "%s.tag.%s" % (key, tag)


def manifest_of(checkpoint, files, verified_at):
    """`files`: {path, size, sha256} of a folder's; None for a file."""
    facts = {key: checkpoint.get(key) for key in FACTS}
    return dict(facts, version=VERSION, kind="file" if files is None else "folder", verified_at=verified_at, files=files or [])


def stored_of(manifest, uri):
    """The StoredCheckpoint of the protocol."""
    return dict({key: manifest[key] for key in FACTS}, kind=manifest["kind"], verified_at=manifest["verified_at"], uri=uri)


def checked_files(manifest, what):
    """{path, size, sha256} of a folder's files, as a manifest that came from outside has them; AgentError where it cannot be right."""
    try:
        files = [{"path": checked_relative(one["path"]), "size": one["size"], "sha256": one["sha256"]} for one in manifest["files"]]
        right = manifest["version"] == VERSION and manifest["kind"] == "folder" and 0 < len(files) <= MAX_FILES
        right = right and all(is_sha256(one["sha256"]) and is_size(one["size"]) for one in files)
        paths = [one["path"] for one in files]
        right = right and len(set(paths)) == len(paths) and not folders_of(paths).intersection(paths)
        if right and sha256_of_listing(files) == manifest["sha256"]:
            return files
    except (AgentError, KeyError, TypeError, UnicodeError):
        pass
    raise AgentError("verification_failed", "the manifest of %s contradicts itself" % what)
