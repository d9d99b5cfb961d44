"""The examples of "Authenticating Requests: Using the Authorization Header" in Amazon's S3 API reference."""

import calendar
import hashlib
import time
import unittest

from runctl_agent.sigv4 import EMPTY_SHA256, encoded_path, encoded_query, sign

CREDENTIALS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None)
THEN = calendar.timegm(time.strptime("20130524T000000Z", "%Y%m%dT%H%M%SZ"))


def signature(method, path, query=None, headers=None, body=b"", credentials=CREDENTIALS):
    request = {
        "method": method, "host": "examplebucket.s3.amazonaws.com", "path": path, "query": query or {}, "headers": headers or {},
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return sign(request, credentials, "us-east-1", now=THEN)


class SigV4(unittest.TestCase):
    def signed(self, *arguments, **options):
        return signature(*arguments, **options)["authorization"].rpartition("Signature=")[2]

    def test_get_object(self):
        self.assertEqual(self.signed("GET", "/test.txt", headers={"Range": "bytes=0-9"}),
                         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")

    def test_put_object(self):
        headers = {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}
        self.assertEqual(self.signed("PUT", "/test$file.text", headers=headers, body=b"Welcome to Amazon S3."),
                         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")

    def test_get_bucket_lifecycle(self):
        self.assertEqual(self.signed("GET", "/", {"lifecycle": ""}), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")

    def test_list_objects(self):
        self.assertEqual(self.signed("GET", "/", {"prefix": "J", "max-keys": 2}), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")

    def test_all_that_matters_is_signed(self):
        headers = signature("GET", "/a b", credentials=CREDENTIALS[:2] + ("token",), headers={"X-Amz-Meta-A": "  1   2 "})
        self.assertEqual((headers["x-amz-security-token"], headers["x-amz-content-sha256"], headers["x-amz-meta-a"]), ("token", EMPTY_SHA256, "1 2"))
        self.assertIn("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token,", headers["authorization"])
        self.assertIn("Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request", headers["authorization"])

    def test_names_are_encoded_once(self):
        self.assertEqual(encoded_path("/a b/ü%41+~"), "/a%20b/%C3%BC%2541%2B~")
        self.assertEqual(encoded_query({"b": "x/y=z", "a": ""}), "a=&b=x%2Fy%3Dz")


if __name__ == "__main__":
    unittest.main()
