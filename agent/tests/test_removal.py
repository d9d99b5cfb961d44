import os

from runctl_agent import removal, tags
from runctl_agent.checkpoints import checkpoints
from runctl_agent.errors import AgentError
from tests.sample_checkpoints import safetensors
from tests.temp_home import HomeTestCase

class Removal(HomeTestCase):
    def setUp(self):
        super().setUp()
        for step in (1, 2, 3):
            self.write("ck/step_%d.json" % step, '{"step": %d}' % step, age_s=100 - step)
        self.write("ck/checkpoint-4/model.safetensors", safetensors(), age_s=90)
        self.write("ck/broken_step_5.json", "{", age_s=80)
        self.write("ck/old.pkl", b"opaque", age_s=500)

    def digests(self):
        """By name: a folder's checkpoints have whole paths."""
        return {os.path.relpath(one["path"], self.path("ck")): one["sha256"] for one in checkpoints({"dir": "ck"})["checkpoints"]}

    def remove(self, *names, **other):
        known = self.digests()
        asked = [{"path": self.path("ck", name), "sha256": other.get("sha256") or known.get(name, "0" * 64)} for name in names]
        answer = removal.remove_checkpoints({"dir": "ck", "remove": asked})
        return ([os.path.relpath(one["path"], self.path("ck")) for one in answer["removed"]],
                {os.path.relpath(one["path"], self.path("ck")): one["why"] for one in answer["kept"]})

    def test_removes_what_is_named_and_nothing_else(self):
        removed, kept = self.remove("step_1.json", "step_2.json")
        self.assertEqual((removed, kept), (["step_1.json", "step_2.json"], {}))
        self.assertEqual(self.tree("ck"), ["broken_step_5.json", "checkpoint-4/model.safetensors", "old.pkl", "step_3.json"])

    def test_the_latest_good_one_and_what_is_not_complete_stay(self):
        removed, kept = self.remove("checkpoint-4", "broken_step_5.json", "old.pkl", "step_9.json", "../x")
        self.assertEqual(removed, [])
        self.assertEqual(kept["checkpoint-4"], "it is the latest good one")
        self.assertRegex(kept["broken_step_5.json"], "it is partial")
        self.assertRegex(kept["old.pkl"], "it is unverified")
        self.assertRegex(kept["step_9.json"] + kept["../x"], "no such checkpoint.*no such checkpoint")

    def test_a_folder_goes_whole(self):
        self.write("ck/step_6.json", '{"step": 6}', age_s=10)
        self.assertEqual(self.remove("checkpoint-4")[0], ["checkpoint-4"])
        self.assertNotIn("checkpoint-4", os.listdir(self.path("ck")))

    def test_another_content_than_the_one_named_stays(self):
        self.assertEqual(self.remove("step_1.json", sha256="1" * 64), ([], {"step_1.json": "its content is another one by now"}))

    def test_what_is_written_again_meanwhile_is_put_back(self):
        known, real = self.digests(), os.rename

        def rename(old, new):
            if old.endswith("step_1.json"):
                self.write("ck/.new", '{"step": 100}')
                os.replace(self.path("ck/.new"), old)
            real(old, new)

        os.rename = rename
        self.addCleanup(setattr, os, "rename", real)
        answer = removal.remove_checkpoints({"dir": "ck", "remove": [{"path": self.path("ck/step_1.json"), "sha256": known["step_1.json"]}]})
        self.assertEqual([one["why"] for one in answer["kept"]], ["its content is another one by now"])
        self.assertEqual(self.read("ck/step_1.json"), b'{"step": 100}')
        self.assertEqual([name for name in os.listdir(self.path("ck")) if name.startswith(".")], [])

    def test_killed_in_the_middle_nothing_half_counts_and_the_next_call_finishes(self):
        class Killed(BaseException):
            pass

        self.write("ck/step_6.json", '{"step": 6}', age_s=10)
        real = removal.shutil.rmtree

        def killed(*_, **__):
            raise Killed()

        removal.shutil.rmtree = killed
        try:
            with self.assertRaises(Killed):
                self.remove("checkpoint-4")
        finally:
            removal.shutil.rmtree = real
        self.assertEqual([path for path in self.digests() if "checkpoint-4" in path], [])
        self.assertTrue(any(name.startswith(removal.GOING) for name in os.listdir(self.path("ck"))))
        self.remove("step_1.json")
        self.assertFalse(any(name.startswith(removal.GOING) for name in os.listdir(self.path("ck"))))

    def test_a_link_stays(self):
        self.write("elsewhere/step_7.json", '{"step": 7}', age_s=95)
        os.symlink(self.path("elsewhere/step_7.json"), self.path("ck/step_7.json"))
        self.assertEqual(self.remove("step_7.json")[1], {"step_7.json": "it is a link"})


class Tags(HomeTestCase):
    def test_names_are_added_and_taken_and_shown(self):
        self.write("ck/step_1.json", '{"step": 1}', age_s=10)
        sha256 = checkpoints({"dir": "ck"})["checkpoints"][0]["sha256"]
        self.assertEqual(tags.tag_checkpoint({"sha256": sha256, "add": ["paper", "best"], "remove": []}), {"tags": ["best", "paper"]})
        self.assertEqual(checkpoints({"dir": "ck"})["checkpoints"][0]["tags"], ["best", "paper"])
        self.assertEqual(tags.tag_checkpoint({"sha256": sha256, "add": [], "remove": ["paper", "none"]}), {"tags": ["best"]})
        self.assertEqual(tags.tag_checkpoint({"sha256": sha256, "add": [], "remove": ["best"]}), {"tags": []})
        self.assertEqual(tags.known(), {})

    def test_a_name_that_could_be_a_path_and_what_is_no_digest_are_refused(self):
        for sha256, name in (("a" * 64, "../x"), ("a" * 64, "x/y"), ("a" * 64, ""), ("a" * 64, "x" * 64), ("../", "x")):
            with self.assertRaises(AgentError):
                tags.tag_checkpoint({"sha256": sha256, "add": [name], "remove": []})
        for number in range(tags.MAX_NAMES):
            tags.tag_checkpoint({"sha256": "b" * 64, "add": ["t%d" % number], "remove": []})
        with self.assertRaises(AgentError):
            tags.tag_checkpoint({"sha256": "b" * 64, "add": ["more"], "remove": []})
