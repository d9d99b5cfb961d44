"""Just enough of S3: one signed request, tried again where that may help, and told plainly where it does not."""

import contextlib
import hashlib
import http.client
import re
import socket
import ssl
import threading
import time
from random import random
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree

from .credentials import Credentials
from .errors import AgentError
from .sigv4 import EMPTY_SHA256, encoded_path, encoded_query, sign

CONNECT_S, TIMEOUT_S = 10.0, 30.0
BLOCK = 1 << 18
TRIES = 6
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 8.0
# The right that a refused request lacks.
RIGHTS = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "POST": "s3:PutObject", "DELETE": "s3:AbortMultipartUpload"}
READING = ("s3:GetObject", "s3:ListBucket")
EXPIRED = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired")
# As a refused HEAD, which has no body to say more, it may be that too.
MAYBE_EXPIRED = EXPIRED + ("BadRequest",)
PASSING = ("SlowDown", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict")


class S3Error(AgentError):
    """`status` and `reason` are those of the answer: 403 and `AccessDenied`; 0 and None where there was none."""

    def __init__(self, status, reason, message, code="platform_failed"):
        super().__init__(code, message)
        self.status, self.reason, self.moved_to = status, reason, None


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def xml(self):
        """{name without namespace: text}, the elements below as lists of such under `[name]`."""
        try:
            return _as_dict(ElementTree.fromstring(self.body))
        except ElementTree.ParseError:
            return {}


def _as_dict(element):
    found = {}
    for child in element:
        name = child.tag.rpartition("}")[2]
        if len(child):
            found.setdefault("[%s]" % name, []).append(_as_dict(child))
        else:
            found[name] = child.text or ""
    return found


class Bucket:
    """One bucket as the agent sees it; may be used by several threads at once. Connections are kept until `close`."""

    def __init__(self, bucket, access, credentials=None, should_stop=lambda: False):
        """`access`: {region, endpoint, unsigned}. `should_stop`: asked before each further try and each block."""
        self.name, self.region, self._endpoint = bucket, access["region"], access.get("endpoint")
        self._credentials, self._unsigned = credentials or Credentials(), bool(access.get("unsigned"))
        self._should_stop = should_stop
        self._idle, self._lock, self._tls = [], threading.Lock(), None

    def uri(self, key):
        return "s3://%s/%s" % (self.name, key)

    def request(self, method, key, query=None, headers=None, body=b"", sha256=None, right=None):
        """The whole answer of a request that succeeds; S3Error. `body`: bytes, or a function that opens it as a file
        of the length that is given as the header `content-length`."""
        with self.open(method, key, query, headers, body, sha256, right) as answer:
            return Answer(answer.status, answer.headers, answer.read())

    @contextlib.contextmanager
    def open(self, method, key, query=None, headers=None, body=b"", sha256=None, right=None):
        """The answer, its body still to be read. What breaks while the caller reads is the caller's to try again."""
        answer, place, connection = self._persist(method, key, query or {}, headers or {}, body, sha256, right)
        whole = False
        try:
            yield answer
            whole = answer.isclosed()
        finally:
            self._put_back(place, connection, whole)

    def close(self):
        """Also those that are in use are closed when they are put back."""
        with self._lock:
            idle, self._idle = self._idle, None
        for _, connection in idle or ():
            connection.close()

    def _persist(self, method, key, query, headers, body, sha256, right):
        what = self.uri(key)
        for attempt in range(1, TRIES + 1):
            if self._should_stop():
                raise S3Error(0, "Stopped", "%s was called off" % what)
            region = self.region
            place, connection = self._connection(self._address(key))
            kept = False
            try:
                answer = self._send(connection, method, key, query, headers, body, sha256, region)
                if answer.status < 300:
                    kept = True
                    return answer, place, connection
                failure = self._failure(answer, answer.read(), method, what, right)
            except FileNotFoundError:
                raise  # what was to be sent
            except (OSError, http.client.HTTPException) as error:
                failure = S3Error(0, None, "%s cannot be reached at %s: %s; is there a way from the instance to S3 (a NAT gateway, a gateway endpoint)?" % (
                    what, self._address(key)[1], str(error) or type(error).__name__))
                if isinstance(error, ssl.SSLCertVerificationError):
                    raise failure
            finally:
                if not kept:
                    connection.close()  # what was sent may not have been taken whole
            moved = failure.moved_to not in (None, region)
            if attempt == TRIES or not (moved or self._worth_another(failure, attempt)):
                raise failure
            if moved:
                self.region = failure.moved_to
            else:
                self._pause(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1)) * (0.5 + random() / 2))

    def _pause(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._should_stop():
            time.sleep(min(0.1, seconds))

    def _worth_another(self, failure, attempt):
        if failure.reason in MAYBE_EXPIRED and attempt < 3:
            self._credentials.expired()
            return True
        return failure.status == 0 or failure.status >= 500 or failure.status == 429 or failure.reason in PASSING

    def _address(self, key):
        """(scheme, host with port, path)."""
        if self._endpoint:
            parts = urlsplit(self._endpoint)
            return parts.scheme, parts.netloc, "%s/%s/%s" % (parts.path.rstrip("/"), self.name, key)
        domain = "s3.%s.amazonaws.com%s" % (self.region, ".cn" if self.region.startswith("cn-") else "")
        # The certificate is for names without further dots.
        return ("https", domain, "/%s/%s" % (self.name, key)) if "." in self.name else ("https", "%s.%s" % (self.name, domain), "/" + key)

    def _connection(self, address):
        """((scheme, host), one that is idle, or a new one)."""
        scheme, host = place = address[:2]
        with self._lock:
            for one in self._idle or ():
                if one[0] == place:
                    self._idle.remove(one)
                    return one
            if scheme == "https" and self._tls is None:
                self._tls = ssl.create_default_context()
        if scheme == "https":
            return place, http.client.HTTPSConnection(host, timeout=CONNECT_S, blocksize=BLOCK, context=self._tls)
        return place, http.client.HTTPConnection(host, timeout=CONNECT_S, blocksize=BLOCK)

    def _put_back(self, place, connection, whole):
        with self._lock:
            if whole and connection.sock and self._idle is not None:
                return self._idle.append((place, connection))
        connection.close()

    def _send(self, connection, method, key, query, headers, body, sha256, region):
        _, host, path = self._address(key)
        stream = body() if callable(body) else None
        try:
            headers = dict(headers)
            if stream is None and (body or method in ("PUT", "POST")):
                headers["content-length"] = len(body)
            digest = sha256 or (hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256)
            request = {"method": method, "host": host, "path": path, "query": query, "headers": headers, "sha256": digest}
            if self._unsigned:
                signed = dict({"host": host, "x-amz-content-sha256": digest}, **headers)
            else:
                signed = sign(request, self._credentials.current(), region)
            target = encoded_path(path) + ("?" + encoded_query(query) if query else "")
            if connection.sock is None:
                connection.connect()
                connection.sock.settimeout(TIMEOUT_S)
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in signed.items():
                connection.putheader(name, value)
            connection.endheaders()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a refusal may have come before all was sent
                if stream is None and body:
                    connection.send(body)
                left = headers["content-length"] if stream else 0
                while left:
                    block = stream.read(min(BLOCK, left))
                    if self._should_stop():
                        raise socket.timeout("called off")
                    if not block:
                        raise S3Error(400, "IncompleteBody", "%s: the file has become shorter meanwhile" % self.uri(key))
                    connection.send(block)
                    left -= len(block)
            return connection.getresponse()
        finally:
            if stream:
                stream.close()

    def _failure(self, answer, body, method, what, right):
        found = Answer(answer.status, answer.headers, body).xml()
        # The answer to HEAD has no body, whatever it says.
        names = {301: "PermanentRedirect", 400: "BadRequest", 403: "AccessDenied", 404: "NotFound", 412: "PreconditionFailed", 503: "SlowDown"}
        reason = found.get("Code") or names.get(answer.status) or answer.reason or "error"
        text = "%d %s for %s" % (answer.status, reason, what)
        key_right = re.search(r"not authorized to perform: (kms:\w+)", found.get("Message") or "")
        if reason == "AccessDenied" and key_right:
            text += ": the bucket is encrypted with a key of its own, and the instance's role may not %s with it: allow kms:Decrypt and kms:GenerateDataKey in the key's policy" % key_right.group(1)
        elif reason == "AccessDenied":
            refused = right or RIGHTS[method]
            flag = "read-bucket" if refused in READING else "bucket"
            text += ": the instance's role may not %s there; `runctl aws setup --%s %s` allows it" % (refused, flag, self.name)
        elif reason == "NoSuchBucket":
            text += ": there is no such bucket"
        elif reason in ("InvalidAccessKeyId", "SignatureDoesNotMatch") + EXPIRED:
            text += ": the credentials on the instance are not valid (any more)"
        elif reason == "RequestTimeTooSkewed":
            text += ": the clock of the instance is wrong; set it (chronyc makestep)"
        elif found.get("Message"):
            text += ": " + found["Message"][:300]
        failure = S3Error(answer.status, reason, text, "not_found" if answer.status == 404 else "platform_failed")
        failure.moved_to = answer.headers.get("x-amz-bucket-region") or found.get("Region")
        return failure

    # What the agent asks for.

    def head(self, key, query=None):
        """Its headers, or None where there is no such object."""
        try:
            return self.request("HEAD", key, query, {"x-amz-checksum-mode": "ENABLED"}).headers
        except S3Error as error:
            if error.status == 404 and error.reason != "NoSuchBucket":
                return None
            raise

    def list(self, prefix):
        """{key, size, etag} of everything below a prefix, page by page."""
        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        while True:
            page = self.request("GET", "", query, right="s3:ListBucket").xml()
            plain = unquote_plus if page.get("EncodingType") == "url" else str
            for one in page.get("[Contents]", ()):
                yield {"key": plain(one["Key"]), "size": int(one["Size"]), "etag": one.get("ETag", "").strip('"')}
            if page.get("IsTruncated") != "true" or not page.get("NextContinuationToken"):
                return
            query["continuation-token"] = page["NextContinuationToken"]
