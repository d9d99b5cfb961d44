"""Names of things in S3, without what it takes to reach it."""

import hashlib
import re

from . import paths
from .errors import AgentError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")


def parse_uri(uri):
    """(bucket, key or prefix) of `s3://bucket/key`."""
    match = re.match(r"s3://([^/]+)(?:/(.*))?\Z", uri, re.S) if isinstance(uri, str) else None
    if not match or not _BUCKET.match(match.group(1)) or "\0" in uri:
        raise AgentError("bad_input", "%r is not s3://BUCKET/KEY" % (uri,))
    return match.group(1), match.group(2) or ""


def data_folder(uri):
    """Where the data of a URI goes: `~/data/s3-<bucket>-<hash>`."""
    bucket, _ = parse_uri(uri)
    return str(paths.home() / "data" / ("s3-%s-%s" % (bucket, hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()[:8])))
