"""S3, the instance's metadata service and a little of EC2 on one local port, checking every signature by its own reckoning. Breaks on demand."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

KEY_ID, SECRET, TOKEN = "ASIAROLE", "role+secret", "role-token"
REGION = "eu-central-1"


def base64_sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


class FakeS3:
    """`objects`: {key: {body, etag, headers}} of the one bucket `bench`. `calls`: [(method, key, query, headers)]."""

    def __init__(self, test):
        self.objects, self.uploads, self.calls, self.faults = {}, {}, [], []
        self.page, self.wrong, self.region, self.token_s, self.tokens = 1000, [], REGION, 3600, 0
        self.has_role, self.ids = True, 0
        # What the metadata service says further: {path below /latest/meta-data/: text, or a status}. `unsigned`: takes only requests without a signature.
        self.metadata, self.unsigned = {}, False
        # EC2: the spot prices that it tells, oldest first, as (time, text); the tags that instances gave themselves; what it refuses by name.
        self.spot_prices, self.tags, self.refused, self.ec2_calls = [], {}, set(), []
        self.lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            world = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]
        self.access = {"region": REGION, "endpoint": self.url}
        self.env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url}
        test.addCleanup(self._stop)
        test.addCleanup(lambda: test.assertEqual(self.wrong, []))

    def _stop(self):
        self._server.shutdown()
        self._server.server_close()

    def put(self, key, body, etag=None, **headers):
        self.objects[key] = {"body": body, "etag": etag or hashlib.md5(body).hexdigest(), "headers": headers}

    def fault(self, method, pattern, kind, *values, times=1):
        """Does this to the next such requests: `status` (number, code), `cut` (after n bytes), `corrupt`, `drop`,
        `hang up` (in the middle of the request), `slow` (seconds), `gate` (waits for the event)."""
        fault = {"method": method, "pattern": pattern, "kind": kind, "values": values, "left": times}
        self.faults.append(fault)
        return fault

    def count(self, method, pattern=""):
        return sum(1 for call in list(self.calls) if call[0] == method and re.search(pattern, call[1]))

    def body(self, key):
        return self.objects[key]["body"]

    def hangs_up(self, method, path):
        return self._fault(method, unquote(path), ("hang up",))[0] is not None

    def _fault(self, method, key, kinds=("status", "cut", "corrupt", "drop", "slow", "gate")):
        with self.lock:
            for fault in self.faults:
                if fault["kind"] in kinds and fault["left"] and fault["method"] in (method, "*") and re.search(fault["pattern"], key):
                    fault["left"] -= 1
                    return fault["kind"], fault["values"]
        return None, ()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world = None

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass

    def answer(self, status, body=b"", headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, str(value))
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, status, code, headers=None):
        self.answer(status, b"" if self.command == "HEAD" else b"<Error><Code>%s</Code><Message>no</Message></Error>" % code.encode(), headers)

    def do_any(self):
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        if self.world.hangs_up(self.command, self.path):
            self.rfile.read(min(length, 1000))
            self.close_connection = True
            return None
        self.body = self.rfile.read(length)
        if parts.path.startswith("/latest/"):
            return self.metadata(parts.path)
        if self.command == "POST" and parts.path == "/":
            return self.ec2(parts)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        bucket, _, self.key = unquote(parts.path)[1:].partition("/")
        self.world.calls.append((self.command, self.key, self.query, dict(self.headers)))
        kind, values = self.world._fault(self.command, self.key)
        if kind == "slow":
            time.sleep(values[0])
        elif kind == "gate":
            values[0].wait(30)
        elif kind == "drop":
            self.close_connection = True
            return None
        elif kind == "status":
            return self.fail(values[0], values[1], values[2] if len(values) > 2 else None)
        self.damage = (kind, values)
        scope = re.search(r"Credential=([^/]+)/(\d{8})/([^/]+)/s3/", self.headers["authorization"] or "")
        if scope and scope.group(3) != self.world.region:
            return self.fail(400, "AuthorizationHeaderMalformed", {"x-amz-bucket-region": self.world.region})
        if not (self.headers["authorization"] is None if self.world.unsigned else self.is_signed(parts, scope)):
            self.world.wrong.append(self.path)
            return self.fail(403, "SignatureDoesNotMatch")
        if bucket != "bench":
            return self.fail(404, "NoSuchBucket")
        return getattr(self, "s3_" + self.command.lower())()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_any

    def ec2(self, parts):
        world, asked = self.world, dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        world.ec2_calls.append(asked)
        scope = re.search(r"Credential=([^/]+)/(\d{8})/([^/]+)/ec2/", self.headers["authorization"] or "")
        if not scope or not self.is_signed(parts, scope, "ec2") or hashlib.sha256(self.body).hexdigest() != self.headers["x-amz-content-sha256"]:
            world.wrong.append(asked)
            return self.fail(401, "AuthFailure")
        if asked["Action"] in world.refused:
            return self.fail(403, "UnauthorizedOperation")
        if asked["Action"] == "CreateTags":
            keys = [name for name in asked if name.endswith(".Key")]
            world.tags.setdefault(asked["ResourceId.1"], {}).update((asked[name], asked[name[:-3] + "Value"]) for name in keys)
            return self.answer(200, b"<CreateTagsResponse><return>true</return></CreateTagsResponse>")
        items = "".join("<item><spotPrice>%s</spotPrice><timestamp>%s</timestamp></item>" % (price, moment) for moment, price in world.spot_prices)
        return self.answer(200, ("<R><spotPriceHistorySet>%s</spotPriceHistorySet></R>" % items).encode())

    def is_signed(self, parts, scope, service="s3"):
        """By the text of the specification, from what came over the wire."""
        names = re.search(r"SignedHeaders=([^,]+)", self.headers["authorization"]).group(1).split(";")
        pairs = sorted(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
        digest = self.headers["x-amz-content-sha256"]
        canonical = "\n".join(
            [self.command, parts.path, "&".join("%s=%s" % pair for pair in pairs)]
            + ["%s:%s" % (name, self.headers[name].strip()) for name in names] + ["", ";".join(names), digest])
        moment, day, region = self.headers["x-amz-date"], scope.group(2), scope.group(3)
        key = b"AWS4" + SECRET.encode()
        for text in (day, region, service, "aws4_request"):
            key = hmac.new(key, text.encode(), hashlib.sha256).digest()
        text = "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s" % (moment, day, region, service, hashlib.sha256(canonical.encode()).hexdigest())
        given = re.search(r"Signature=(\w+)", self.headers["authorization"]).group(1)
        all_signed = all(name.lower() in names for name in self.headers if name.lower().startswith("x-amz-")) and "host" in names
        return (all_signed and scope.group(1) == KEY_ID and self.headers["x-amz-security-token"] == TOKEN
                and hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == given)

    def metadata(self, path):
        world = self.world
        if self.command == "PUT":
            world.tokens += 1
            return self.answer(200, b"imds-%d" % world.tokens)
        if self.headers["x-aws-ec2-metadata-token"] != "imds-%d" % world.tokens:
            return self.answer(401)
        told = world.metadata.get(path[len("/latest/meta-data/"):])
        if told is not None:
            return self.answer(told) if isinstance(told, int) else self.answer(200, told.encode())
        if not world.has_role or "security-credentials" not in path:
            return self.answer(404)
        if path.endswith("/security-credentials/"):
            return self.answer(200, b"runctl-instance")
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + world.token_s))
        found = {"Code": "Success", "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "Token": TOKEN, "Expiration": expires}
        return self.answer(200, json.dumps(found).encode())

    def is_whole(self):
        given = self.headers["x-amz-checksum-sha256"]
        if hashlib.sha256(self.body).hexdigest() != self.headers["x-amz-content-sha256"]:
            self.fail(400, "XAmzContentSHA256Mismatch")
        elif given and given != base64_sha256(self.body):
            self.fail(400, "BadDigest")
        else:
            return True
        return False

    def s3_put(self):
        if not self.is_whole():
            return None
        etag = hashlib.md5(self.body).hexdigest()
        if "partNumber" in self.query:
            upload = self.world.uploads.get(self.query["uploadId"])
            if upload is None:
                return self.fail(404, "NoSuchUpload")
            upload["parts"][int(self.query["partNumber"])] = self.body
        else:
            kept = {name.lower(): value for name, value in self.headers.items() if name.lower().startswith(("x-amz-meta-", "x-amz-checksum-sha256"))}
            self.world.put(self.key, self.body, **kept)
        return self.answer(200, headers={"ETag": '"%s"' % etag})

    def s3_post(self):
        world = self.world
        if "uploads" in self.query:
            with world.lock:
                world.ids += 1
                upload_id = "upload-%d" % world.ids
            meta = {name.lower(): value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}
            world.uploads[upload_id] = {"key": self.key, "parts": {}, "meta": meta}
            return self.answer(200, b"<R xmlns='x'><UploadId>%s</UploadId></R>" % upload_id.encode())
        upload = world.uploads.get(self.query["uploadId"])
        if upload is None:
            return self.fail(404, "NoSuchUpload")
        listed = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>\"?([^<\"]+?)\"?</ETag><ChecksumSHA256>([^<]+)<", self.body.decode().replace("&quot;", '"'))
        parts = [upload["parts"][number] for number in sorted(upload["parts"])]
        wanted = [(str(number), hashlib.md5(part).hexdigest(), base64_sha256(part)) for number, part in sorted(upload["parts"].items())]
        if listed != wanted:
            return self.fail(400, "InvalidPart")
        whole = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
        checksum = base64_sha256(b"".join(hashlib.sha256(part).digest() for part in parts))
        headers = dict(upload["meta"], **{"x-amz-checksum-sha256": "%s-%d" % (checksum, len(parts))})
        world.put(self.key, b"".join(parts), "%s-%d" % (whole, len(parts)), **headers)
        world.objects[self.key]["part_bytes"] = len(parts[0])
        del world.uploads[self.query["uploadId"]]
        return self.answer(200, b"<R><ETag>x</ETag></R>")

    def s3_delete(self):
        if "uploadId" in self.query:
            self.world.uploads.pop(self.query["uploadId"], None)
        return self.answer(204)

    def s3_head(self):
        found = self.world.objects.get(self.key)
        if not found:
            return self.fail(404, "NotFound")
        headers = dict(found["headers"], ETag='"%s"' % found["etag"])
        length = len(found["body"])
        if "partNumber" in self.query and found.get("part_bytes"):
            headers["x-amz-mp-parts-count"], length = found["etag"].partition("-")[2], found["part_bytes"]
        return self.answer(200, b"", headers, length)

    def s3_get(self):
        world = self.world
        if "list-type" in self.query:
            return self.list_objects()
        if "uploadId" in self.query:
            return self.list_parts()
        found = world.objects.get(self.key)
        if not found:
            return self.fail(404, "NoSuchKey")
        if self.headers["if-match"] not in (None, '"%s"' % found["etag"]):
            return self.fail(412, "PreconditionFailed")
        body, status = found["body"], 200
        if self.headers["range"]:
            first, last = map(int, re.match(r"bytes=(\d+)-(\d+)", self.headers["range"]).groups())
            body, status = body[first:last + 1], 206
        kind, values = self.damage
        length = len(body)
        if kind == "corrupt":
            body = bytes([body[0] ^ 1]) + body[1:]
        if kind == "cut":
            body, self.close_connection = body[:values[0]], True
        return self.answer(status, body, dict(found["headers"], ETag='"%s"' % found["etag"]), length)

    def list_objects(self):
        world, after = self.world, self.query.get("continuation-token", "")
        keys = sorted(key for key in world.objects if key.startswith(self.query["prefix"]) and key > after)
        page = keys[:world.page]
        lines = ["<Contents><Key>%s</Key><Size>%d</Size><ETag>&quot;%s&quot;</ETag></Contents>" % (
            escape(quote(key, safe="/")), len(world.objects[key]["body"]), world.objects[key]["etag"]) for key in page]
        if len(keys) > len(page):
            lines.append("<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>" % escape(page[-1]))
        text = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>%s</ListBucketResult>' % "".join(lines)
        return self.answer(200, text.encode())

    def list_parts(self):
        upload = self.world.uploads.get(self.query["uploadId"])
        if upload is None:
            return self.fail(404, "NoSuchUpload")
        after = int(self.query.get("part-number-marker", 0))
        numbers = [number for number in sorted(upload["parts"]) if number > after]
        lines = ["<Part><PartNumber>%d</PartNumber><ETag>\"%s\"</ETag><Size>%d</Size><ChecksumSHA256>%s</ChecksumSHA256></Part>" % (
            number, hashlib.md5(upload["parts"][number]).hexdigest(), len(upload["parts"][number]), base64_sha256(upload["parts"][number]))
            for number in numbers[:self.world.page]]
        if len(numbers) > self.world.page:
            lines.append("<IsTruncated>true</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker>" % numbers[self.world.page - 1])
        return self.answer(200, ("<R>%s</R>" % "".join(lines)).encode())
