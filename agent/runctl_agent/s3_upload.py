"""Puts a file of a known digest into S3, in parts where it is large, and proves that it is there."""

import base64
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from xml.sax.saxutils import escape

from .s3 import S3Error

SINGLE_BYTES = 64 << 20
PART_BYTES = 8 << 20
MAX_PARTS = 10000
# So many parts are in memory at once.
PARTS_AT_ONCE = 4
# Our own mark on what we put there: the digest of the whole, whatever S3 itself computes of parts.
MARK = "x-amz-meta-runctl-sha256"


class Changed(Exception):
    """The file is not (any more) what was to be uploaded."""


def base64_of(hex_digest):
    return base64.b64encode(bytes.fromhex(hex_digest)).decode("ascii")


def put(bucket, key, path, size, sha256, begun, remember, sent=lambda size_bytes: None):
    """Uploads the file and returns the checksum that S3 must give for it.

    `sent`: told how many bytes were taken. `begun`: what `remember` was last given for this very content ({upload_id, part_bytes}), or None: a broken upload is gone on with.
    Raises Changed, S3Error, OSError.
    """
    if size <= SINGLE_BYTES:
        headers = {"x-amz-checksum-sha256": base64_of(sha256), MARK: sha256, "content-length": size}
        try:
            bucket.request("PUT", key, None, headers, lambda: open(path, "rb"), sha256)
        except S3Error as error:
            if error.reason in ("XAmzContentSHA256Mismatch", "BadDigest", "IncompleteBody"):
                raise Changed(path)
            raise
        sent(size)
        return base64_of(sha256)
    return _Parts(bucket, key, path, size, sha256, begun, remember, sent).put()


def abort(bucket, key, upload_id):
    try:
        bucket.request("DELETE", key, {"uploadId": upload_id})
    except S3Error:
        pass  # the bucket's rule for abandoned uploads takes them


class _Parts:
    def __init__(self, bucket, key, path, size, sha256, begun, remember, sent):
        self._bucket, self._key, self._path, self._size, self._sha256 = bucket, key, path, size, sha256
        self._begun, self._remember, self._sent = begun, remember, sent

    def put(self):
        self._there = self._parts_there() if self._begun else {}
        if not self._begun:
            # A whole number of MiB, so that others can tell it from the size.
            least = -(-self._size // MAX_PARTS)
            part_bytes = max(PART_BYTES, -(-least >> 20) << 20 if least % (1 << 20) == 0 else (least // (1 << 20) + 1) << 20)
            answer = self._bucket.request("POST", self._key, {"uploads": ""}, {"x-amz-checksum-algorithm": "SHA256", MARK: self._sha256}).xml()
            self._begun = {"upload_id": answer["UploadId"], "part_bytes": part_bytes}
            self._remember(self._begun)
        self._id = {"uploadId": self._begun["upload_id"]}
        count = -(-self._size // self._begun["part_bytes"])
        try:
            # By hand, so that one part that fails for good ends the others soon.
            with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
                futures = [pool.submit(self._part, number) for number in range(1, count + 1)]
                try:
                    done = [future.result() for future in futures]
                except BaseException:
                    for future in futures:
                        future.cancel()
                    raise
            return self._complete(done)
        except (Changed, S3Error, OSError) as error:
            # Of a lost connection the parts stay, to be gone on with.
            if not isinstance(error, S3Error) or 400 <= error.status < 500:
                self._remember(None)
                abort(self._bucket, self._key, self._begun["upload_id"])
            raise

    def _parts_there(self):
        """{number: (size, ETag, checksum)} of an upload that was begun; starts anew where it is gone."""
        found, query = {}, {"uploadId": self._begun["upload_id"]}
        try:
            while True:
                page = self._bucket.request("GET", self._key, query, right="s3:ListMultipartUploadParts").xml()
                for part in page.get("[Part]", ()):
                    found[int(part["PartNumber"])] = int(part["Size"]), part["ETag"], part.get("ChecksumSHA256")
                if page.get("IsTruncated") != "true":
                    return found
                query["part-number-marker"] = page["NextPartNumberMarker"]
        except S3Error as error:
            if error.status == 404:
                self._begun = None
                return {}
            if error.status == 403:
                return {}  # not allowed to look: all is sent again, into the same upload
            raise

    def _part(self, number):
        """(ETag, checksum) of the part once it is there."""
        begin = (number - 1) * self._begun["part_bytes"]
        wanted = min(self._begun["part_bytes"], self._size - begin)
        with open(self._path, "rb") as file:
            content = os.pread(file.fileno(), wanted, begin)
        if len(content) != wanted:
            raise Changed(self._path)
        digest = hashlib.sha256(content).hexdigest()
        there = self._there.get(number)
        if there and there[0] == wanted and there[2] == base64_of(digest):
            return there[1], base64_of(digest)
        answer = self._bucket.request(
            "PUT", self._key, dict(self._id, partNumber=number), {"x-amz-checksum-sha256": base64_of(digest)}, content, digest)
        self._sent(wanted)
        return answer.headers["etag"], base64_of(digest)

    def _complete(self, done):
        parts = "".join(
            "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag><ChecksumSHA256>%s</ChecksumSHA256></Part>" % (number, escape(etag), checksum)
            for number, (etag, checksum) in enumerate(done, 1))
        body = '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</CompleteMultipartUpload>' % parts
        try:
            found = self._bucket.request("POST", self._key, self._id, {"content-type": "application/xml"}, body.encode("utf-8")).xml()
            if found.get("Code"):
                # S3 begins to answer 200 before it knows.
                raise S3Error(500, found["Code"], "%s for %s: %s" % (found["Code"], self._bucket.uri(self._key), found.get("Message")))
        except S3Error as error:
            if error.status != 404:
                raise
            # Completed by a try whose answer was lost, most likely: the look at what is there will tell.
        self._remember(None)
        whole = hashlib.sha256(b"".join(base64.b64decode(checksum) for _, checksum in done)).digest()
        return "%s-%d" % (base64.b64encode(whole).decode("ascii"), len(done))


def is_there(bucket, key, size, sha256, checksum):
    """Whether S3 says that it has this content: its size, and its own checksum or (where it gives none) our mark."""
    headers = bucket.head(key)
    if headers is None or int(headers.get("content-length") or -1) != size:
        return False
    theirs = headers.get("x-amz-checksum-sha256")
    return theirs == checksum if theirs and checksum else headers.get(MARK) == sha256
