import unittest
from unittest import mock

from runctl_agent import probe
from runctl_agent.errors import AgentError

from .fake_s3 import FakeS3
from .temp_home import HomeTestCase


class Probe(HomeTestCase):
    def setUp(self):
        super().setUp()
        self.s3 = FakeS3(self)
        patch = mock.patch.dict("os.environ", self.s3.env)
        patch.start()
        self.addCleanup(patch.stop)

    def probe(self):
        return probe.probe_store({"uri": "s3://bench/tmp/doctor-1", "access": self.s3.access})

    def test_writes_and_reads_with_the_role_of_the_instance(self):
        self.assertEqual(self.probe(), {"uri": "s3://bench/tmp/doctor-1"})
        self.assertEqual((self.s3.count("PUT"), self.s3.count("GET", "doctor-1")), (1, 1))

    def test_says_what_was_refused(self):
        self.s3.fault("PUT", "doctor", "status", 403, "AccessDenied")
        with self.assertRaises(AgentError) as caught:
            self.probe()
        self.assertIn("s3:PutObject", str(caught.exception))
        self.assertEqual(self.s3.count("GET", "doctor-1"), 0)

    def test_says_when_other_bytes_come_back(self):
        self.s3.fault("GET", "doctor", "corrupt")
        with self.assertRaisesRegex(AgentError, "other bytes"):
            self.probe()


if __name__ == "__main__":
    unittest.main()
