"""Proves that this instance can write and read where outputs go."""

import os

from .errors import AgentError
from .s3 import Bucket
from .s3_uri import parse_uri


def probe_store(request):
    uri = request.get("uri")
    name, key = parse_uri(uri)
    bucket = Bucket(name, request["access"])
    sent = os.urandom(32)
    try:
        bucket.request("PUT", key, body=sent)
        if bucket.request("GET", key).body != sent:
            raise AgentError("verification_failed", "%s gives back other bytes than were written" % uri)
    finally:
        bucket.close()
    return {"uri": uri}
