"""AWS Signature Version 4, as S3 wants it: the path is encoded once, and the body's digest is a header."""

import hashlib
import hmac
import time
from urllib.parse import quote

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def encoded_path(path):
    return quote(path, safe="/-_.~")


def encoded_query(query):
    return "&".join("%s=%s" % pair for pair in sorted((quote(key, safe="-_.~"), quote(str(value), safe="-_.~")) for key, value in query.items()))


def sign(request, credentials, region, service="s3", now=None):
    """The request's headers, signed. `request`: {method, host, path (not encoded), query, headers, sha256 (hex, of the body)}.

    `credentials`: (key id, secret, session token or None). `now`: seconds since 1970.
    """
    key_id, secret, token = credentials
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = {name.lower(): " ".join(str(value).split()) for name, value in request["headers"].items()}
    headers.update({"host": request["host"], "x-amz-date": moment, "x-amz-content-sha256": request["sha256"]})
    if token:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    lines = [request["method"], encoded_path(request["path"]), encoded_query(request["query"])]
    lines += ["%s:%s" % (name, headers[name]) for name in sorted(headers)]
    lines += ["", names, request["sha256"]]
    scope = "/".join((moment[:8], region, service, "aws4_request"))
    hashed = hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()
    key = ("AWS4" + secret).encode("utf-8")
    for part in scope.split("/"):
        key = hmac.new(key, part.encode("utf-8"), hashlib.sha256).digest()
    text = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashed))
    signature = hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s" % (key_id, scope, names, signature)
    return headers
