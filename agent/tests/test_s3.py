import hashlib
import os
import time
import unittest
from unittest import mock

from runctl_agent import imds, s3, s3_upload
from runctl_agent.credentials import Credentials
from runctl_agent.errors import AgentError
from runctl_agent.s3_uri import data_folder, parse_uri
from tests.fake_s3 import KEY_ID, SECRET, TOKEN, FakeS3
from tests.temp_home import HomeTestCase

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class S3Case(HomeTestCase):
    def setUp(self):
        super().setUp()
        self.world = FakeS3(self)
        self.set_env(**dict(dict.fromkeys(KEYS), **self.world.env))
        imds._token[:] = [None, 0.0]
        patch = mock.patch.multiple(s3, FIRST_WAIT_S=0.01, LONGEST_WAIT_S=0.02)
        patch.start()
        self.addCleanup(patch.stop)
        self.bucket = s3.Bucket("bench", self.world.access)

    def tearDown(self):
        self.bucket.close()

    def failure(self, *arguments, **options):
        with self.assertRaises(s3.S3Error) as caught:
            self.bucket.request(*arguments, **options)
        return caught.exception


class Requests(S3Case):
    def test_names_with_everything_in_them(self):
        for key in ("a b/ü+%41~(1).txt", "x//y", "=&?#"):
            self.bucket.request("PUT", key, None, {}, b"content")
            self.assertEqual(self.bucket.request("GET", key).body, b"content")

    def test_a_store_that_wants_no_signature_gets_none_and_nobody_is_asked_for_credentials(self):
        self.world.unsigned = True
        bucket = s3.Bucket("bench", dict(self.world.access, unsigned=True))
        self.addCleanup(bucket.close)
        bucket.request("PUT", "a b", None, {}, b"content")
        self.assertEqual((bucket.request("GET", "a b").body, bucket.head("a b")["content-length"], self.world.tokens), (b"content", "7", 0))

    def test_a_bucket_elsewhere_is_followed(self):
        self.world.region = "ap-south-1"
        self.bucket.request("PUT", "a", None, {}, b"1")
        self.assertEqual(self.bucket.head("a")["content-length"], "1")
        self.assertEqual((self.bucket.region, len(self.world.calls)), ("ap-south-1", 3))

    def test_what_passes_is_tried_again(self):
        self.world.put("a", b"1")
        for fault in (("status", 503, "SlowDown"), ("status", 500, "InternalError"), ("drop",)):
            self.world.fault("GET", "a", *fault)
        self.assertEqual(self.bucket.request("GET", "a").body, b"1")
        self.assertEqual(self.world.count("GET"), 4)

    def test_what_does_not_pass_is_told_plainly(self):
        self.world.fault("PUT", "a", "status", 403, "AccessDenied")
        error = self.failure("PUT", "a", body=b"1")
        self.assertEqual((error.status, error.reason, self.world.count("PUT")), (403, "AccessDenied", 1))
        self.assertEqual(error.message, "403 AccessDenied for s3://bench/a: the instance's role may not s3:PutObject there; "
                                        "`runctl aws setup --bucket bench` allows it")
        self.world.fault("GET", "a", "status", 403, "AccessDenied")
        self.assertIn("`runctl aws setup --read-bucket bench` allows it", self.failure("GET", "a").message)
        body = ("<Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::1:assumed-role/r/i-1 is not authorized to perform: "
                "kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:1:key/k because no identity-based policy allows it</Message></Error>")
        error = self.bucket._failure(mock.Mock(status=403, reason="Forbidden", headers={}), body, "PUT", "s3://bench/a", None)
        self.assertRegex(error.message, "may not kms:GenerateDataKey with it")
        self.assertIn("404 NoSuchKey for s3://bench/b", self.failure("GET", "b").message)
        self.assertIsNone(self.bucket.head("b"))
        other = s3.Bucket("absent", self.world.access)
        with self.assertRaisesRegex(s3.S3Error, "NoSuchBucket"):
            other.request("GET", "a")

    def test_nothing_listens(self):
        bucket = s3.Bucket("bench", {"region": "eu-west-1", "endpoint": "http://127.0.0.1:9"})
        with self.assertRaisesRegex(s3.S3Error, "cannot be reached at 127.0.0.1:9.*a way from the instance"):
            bucket.request("GET", "a")

    def test_it_can_be_called_off(self):
        stopped = []
        bucket = s3.Bucket("bench", self.world.access, should_stop=lambda: bool(stopped))
        stopped.append(1)
        with self.assertRaisesRegex(s3.S3Error, "called off"):
            bucket.request("GET", "a")
        self.assertEqual(self.world.calls, [])

    def test_lists_are_read_to_their_end(self):
        for number in range(2345):
            self.world.put("p/%04d ü" % number, b"")
        self.world.put("q", b"")
        self.assertEqual([one["key"] for one in self.bucket.list("p/")], ["p/%04d ü" % number for number in range(2345)])
        self.assertEqual(self.world.count("GET"), 3)

    def test_where_a_bucket_is_found(self):
        def address(name, region="eu-west-1", endpoint=None):
            return s3.Bucket(name, {"region": region, "endpoint": endpoint})._address("k")

        self.assertEqual(address("plain"), ("https", "plain.s3.eu-west-1.amazonaws.com", "/k"))
        self.assertEqual(address("with.dots"), ("https", "s3.eu-west-1.amazonaws.com", "/with.dots/k"))
        self.assertEqual(address("plain", "cn-north-1")[1], "plain.s3.cn-north-1.amazonaws.com.cn")
        self.assertEqual(address("plain", endpoint="http://127.0.0.1:1/base/"), ("http", "127.0.0.1:1", "/base/plain/k"))

    def test_uris(self):
        self.assertEqual(parse_uri("s3://bench"), ("bench", ""))
        self.assertEqual(parse_uri("s3://bench/a/b/"), ("bench", "a/b/"))
        for wrong in ("bench/a", "s3://", "s3://B/a", "s3://../a", "s3://bench/a\0", None):
            with self.assertRaises(AgentError):
                parse_uri(wrong)
        self.assertRegex(data_folder("s3://bench/a"), "/data/s3-bench-[0-9a-f]{8}$")
        self.assertNotEqual(data_folder("s3://bench/a"), data_folder("s3://bench/a/"))


class Rights(S3Case):
    def test_the_environment_comes_first(self):
        self.set_env(AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="s")
        self.assertEqual(Credentials().current(), ("AKIA", "s", None))
        self.assertEqual(self.world.tokens, 0)

    def test_the_role_is_asked_again_before_its_keys_expire(self):
        credentials = Credentials()
        self.assertEqual([credentials.current() for _ in range(3)], [(KEY_ID, SECRET, TOKEN)] * 3)
        self.assertLess(credentials._fresh_until, time.time() + 3600 - 200)
        self.world.fault("GET", "a", "status", 400, "ExpiredToken")
        self.world.put("a", b"1")
        with mock.patch.object(s3.Credentials, "expired", autospec=True, side_effect=Credentials.expired) as expired:
            self.assertEqual(self.bucket.request("GET", "a").body, b"1")
        self.assertEqual(expired.call_count, 1)

    def test_a_token_from_before_a_restart_is_replaced(self):
        imds._token[:] = ["old", time.monotonic() + 1000]
        self.assertEqual(Credentials().current()[0], KEY_ID)

    def test_what_cannot_be_read_is_told_without_its_secret(self):
        whole = '{"Code": "Success", "AccessKeyId": "%s", "SecretAccessKey": "%s", "Token": "%s", "Expiration": "%s"}'
        for text, told in (
            (whole % (KEY_ID, SECRET, TOKEN, "in an hour"), "in an hour"),
            ('{"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}', "EC2 cannot assume the role"),
            ("not JSON", "JSONDecodeError"),
        ):
            with mock.patch.object(imds, "get", side_effect=["runctl-instance", text]), self.assertRaisesRegex(AgentError, "gives no credentials: .*" + told) as caught:
                Credentials().current()
            self.assertFalse([secret for secret in (KEY_ID, SECRET, TOKEN) if secret in caught.exception.message])

    def test_no_role(self):
        self.world.has_role = False
        with self.assertRaisesRegex(AgentError, "no role.*runctl aws setup"):
            self.bucket.request("GET", "a")
        self.set_env(AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9")
        with self.assertRaisesRegex(AgentError, "does not answer"):
            self.bucket.request("GET", "a")


class Uploads(S3Case):
    def setUp(self):
        super().setUp()
        patch = mock.patch.multiple(s3_upload, SINGLE_BYTES=1000, PART_BYTES=1 << 20)
        patch.start()
        self.addCleanup(patch.stop)
        self.remembered = []

    def put(self, path, begun=None, sha256=None):
        with open(path, "rb") as file:
            content = file.read()
        sha256 = sha256 or hashlib.sha256(content).hexdigest()
        checksum = s3_upload.put(self.bucket, "k", path, len(content), sha256, begun, self.remembered.append)
        return s3_upload.is_there(self.bucket, "k", len(content), sha256, checksum)

    def test_in_one_piece(self):
        self.assertTrue(self.put(self.write("small", b"x" * 1000)))
        self.assertTrue(self.put(self.write("empty", b"")))
        self.assertEqual((self.world.count("PUT"), self.remembered), (2, []))

    def test_in_parts(self):
        content = os.urandom(3500000)
        self.assertTrue(self.put(self.write("large", content)))
        self.assertEqual(self.world.body("k"), content)
        self.assertEqual((self.world.count("PUT"), self.world.uploads, self.remembered[-1]), (4, {}, None))

    def test_one_part_that_fails_is_sent_again(self):
        self.world.fault("PUT", "k", "status", 503, "SlowDown", times=2)
        self.world.fault("PUT", "k", "drop")
        self.assertTrue(self.put(self.write("large", os.urandom(3500000))))
        self.assertEqual(self.world.count("PUT"), 7)

    def test_a_broken_upload_is_gone_on_with(self):
        path = self.write("large", os.urandom(3500000))
        self.world.fault("PUT", "k", "drop", times=100)
        with self.assertRaises(s3.S3Error):
            self.put(path)
        begun = self.remembered[-1]
        self.world.faults.clear()
        upload = self.world.uploads[begun["upload_id"]]
        with open(path, "rb") as file:
            content = file.read()
        upload["parts"].update({1: content[:1 << 20], 2: b"y" * (1 << 20), 3: content[2 << 20:3 << 20]})
        self.world.calls.clear()
        self.world.page = 2
        self.assertTrue(self.put(path, begun))
        self.assertEqual((self.world.body("k") == content, self.world.count("PUT"), self.world.count("POST")), (True, 2, 1))

    def test_an_upload_that_is_gone_begins_anew(self):
        self.assertTrue(self.put(self.write("large", os.urandom(3500000)), {"upload_id": "forgotten", "part_bytes": 1 << 20}))

    def test_a_refusal_gives_the_parts_up(self):
        self.world.fault("PUT", "k", "status", 403, "AccessDenied", times=100)
        with self.assertRaises(s3.S3Error):
            self.put(self.write("large", os.urandom(3500000)))
        self.assertEqual((self.world.uploads, self.remembered[-1]), ({}, None))

    def test_another_content_is_not_taken(self):
        wrong = hashlib.sha256(b"other").hexdigest()
        with self.assertRaises(s3_upload.Changed):
            self.put(self.write("small", b"x" * 10), sha256=wrong)
        self.assertEqual(self.world.objects, {})

    def test_a_file_that_shrinks(self):
        path = self.write("small", b"x" * 10)
        with self.assertRaises(s3_upload.Changed):
            s3_upload.put(self.bucket, "k", path, 20, hashlib.sha256(b"").hexdigest(), None, self.remembered.append)

    def test_what_is_not_there_as_sent(self):
        path = self.write("small", b"x" * 10)
        self.put(path)
        self.world.put("k", b"y" * 10)
        sha256 = hashlib.sha256(b"x" * 10).hexdigest()
        self.assertFalse(s3_upload.is_there(self.bucket, "k", 10, sha256, s3_upload.base64_of(sha256)))

    def test_ten_thousand_parts_are_the_most(self):
        parts = s3_upload._Parts(self.bucket, "k", "nowhere", 20 << 40, "0" * 64, None, self.remembered.append, print)
        with self.assertRaises(OSError):
            parts.put()
        part_bytes = self.remembered[0]["part_bytes"]
        self.assertLessEqual((20 << 40) / part_bytes, 10000)
        self.assertEqual(part_bytes % (1 << 20), 0)


if __name__ == "__main__":
    unittest.main()
