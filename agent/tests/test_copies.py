import unittest

from runctl_agent.copies import only_here, record_copy, with_places
from runctl_agent.errors import AgentError

from .temp_home import HomeTestCase

SHA = "a" * 64


def place(**changes):
    return dict({"kind": "client", "where": "laptop", "path": "/x", "verified_at": "2026-01-01T00:00:00.000Z"}, **changes)


def checkpoint(**changes):
    return dict({"path": "c.pt", "state": "complete", "sha256": SHA}, **changes)


class Copies(HomeTestCase):
    def record(self, **changes):
        return record_copy({"copies": [{"path": "c.pt", "sha256": SHA, "place": place(**changes)}]})

    def test_a_complete_checkpoint_is_only_here_until_a_copy_is_recorded(self):
        self.assertEqual([one["path"] for one in only_here([checkpoint()])], ["c.pt"])
        self.assertEqual(self.record(), {"recorded": 1})
        self.assertEqual(only_here([checkpoint()]), [])
        self.assertEqual(len(only_here([checkpoint(sha256="b" * 64)])), 1)

    def test_what_is_not_complete_is_no_loss(self):
        self.assertEqual(only_here([checkpoint(state=state) for state in ("partial", "corrupt", "unverified")]), [])

    def test_a_copy_here_or_one_that_nobody_verified_is_none(self):
        self.set_env(RUNCTL_INSTANCE_ID="local-1")
        self.record(kind="instance", where="local-1")
        self.record(verified_at=None)
        self.assertEqual(len(only_here([checkpoint()])), 1)
        self.record(kind="instance", where="local-2")
        self.assertEqual(only_here([checkpoint()]), [])

    def test_the_same_place_is_kept_once_with_its_last_time(self):
        self.record()
        self.record(verified_at="2026-02-02T00:00:00.000Z")
        self.record(path="/y")
        places = with_places([checkpoint()])[0]["places"]
        self.assertEqual([(one["path"], one["verified_at"][:7]) for one in places], [("/x", "2026-02"), ("/y", "2026-01")])

    def test_refuses_what_is_no_copy_and_survives_a_broken_file(self):
        for changes in ({"kind": "moon"}, {"kind": None}):
            with self.assertRaises(AgentError):
                self.record(**changes)
        with self.assertRaises(AgentError):
            record_copy({"copies": [{"path": "c", "sha256": "short", "place": place()}]})
        self.write(".runctl/copies.json", "{broken")
        self.assertEqual(len(only_here([checkpoint()])), 1)
        self.record()
        self.assertEqual(only_here([checkpoint()]), [])


if __name__ == "__main__":
    unittest.main()
