import os
import sys
import time
import zipfile

from tests.agent_case import AgentCase, eventually, side_by_side

load_tests = side_by_side

SHOW = "import sys\nprint(sys.prefix)\n"
FAKE_UV = """#!/bin/sh
echo "uv $*" >> "$HOME/uv.log"
case "$*" in
  "sync --help") echo "  --script SCRIPT" ;;
  *broken*) exit 3 ;;
  "run --script "*) shift 2; exec %s "$@" ;;
  "run python -c "*) ;;
  "run python "*) shift 2; exec %s "$@" ;;
esac
""" % (sys.executable, sys.executable)
WHEEL = {
    "tiny_module.py": "def main():\n    print('tiny program')\n",
    "tiny_package-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1.0\n",
    "tiny_package-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny_package-1.0.dist-info/entry_points.txt": "[console_scripts]\ntiny = tiny_module:main\n",
    "tiny_package-1.0.dist-info/RECORD": "",
}


class Dependencies(AgentCase):
    def setUp(self):
        super().setUp()
        # No uv of the machine that the tests run on.
        self.bin = self.home / "bin"
        self.bin.mkdir()
        (self.bin / "python3").symlink_to(sys.executable)
        self.env["PATH"] = "%s:/usr/bin:/bin" % self.bin

    def ended(self, script="train.py", **changes):
        request = self.request(script, **dict({"python": None}, **changes))
        answer = self.agent("start", request)
        self.assertNotIn("error", answer)
        return self.wait_for(request["run_id"])

    def fake_uv(self):
        folder = self.home / ".local" / "bin"
        folder.mkdir(parents=True)
        (folder / "uv").write_text(FAKE_UV)
        (folder / "uv").chmod(0o755)

    def uv_calls(self):
        return (self.home / "uv.log").read_text().splitlines()

    def tiny_package(self):
        name = "tiny_package-1.0-py3-none-any.whl"
        with zipfile.ZipFile(str(self.project / name), "w") as wheel:
            for path, text in WHEEL.items():
                wheel.writestr(path, text)
        self.script("# local\n--no-index\n./%s\n" % name, "requirements.txt")

    def test_an_environment_is_made_once_from_requirements(self):
        self.tiny_package()
        self.script("import subprocess, sys, tiny_module\nprint(sys.prefix)\nsubprocess.run(['tiny'], check=True)\n")
        run = self.ended()
        log = self.log(run["run_id"]).decode()
        self.assertEqual(run["reason"], "completed", log)
        venvs = [name for name in os.listdir(str(self.home / ".runctl" / "venvs")) if not name.endswith(".lock")]
        self.assertEqual(len(venvs), 1)
        self.assertEqual(log.splitlines()[-2:], [str(self.home / ".runctl" / "venvs" / venvs[0]), "tiny program"])
        again = self.ended()
        self.assertEqual(self.log(again["run_id"]).decode().splitlines(), log.splitlines()[-2:], "nothing is installed again")

    def test_a_failed_installation_ends_the_run_and_names_the_command(self):
        self.script("--no-index\nno-such-package-anywhere\n", "requirements.txt")
        self.script("open('ran', 'w')\n")
        run = self.ended()
        self.assertEqual((run["reason"], run["exit_code"], run["started_at"]), ("failed", None, None))
        self.assertRegex(run["detail"], r"pip install .*requirements.txt ended with exit status 1")
        self.assertIn(b"no-such-package-anywhere", self.log(run["run_id"]))
        self.assertFalse((self.project / "ran").exists())
        self.assertEqual([name for name in os.listdir(str(self.home / ".runctl" / "venvs")) if not name.endswith(".lock")], [])

    def test_an_empty_requirements_file_installs_nothing(self):
        self.script("# nothing\n\n", "requirements.txt")
        self.script(SHOW)
        self.assertEqual(self.log(self.ended()["run_id"]).decode().strip(), sys.prefix)

    def test_the_interpreter_that_is_asked_for_is_used(self):
        self.fake_uv()
        self.tiny_package()
        self.script("[project]\nname = 'x'\n", "pyproject.toml")
        self.script("#!/bin/sh\necho mine $1\n", "my-python")
        (self.project / "my-python").chmod(0o755)
        self.script(SHOW)
        self.assertEqual(self.log(self.ended(python="./my-python")["run_id"]), b"mine ./train.py\n")
        self.assertEqual(self.log(self.ended(python="python3")["run_id"]).decode().strip(), sys.prefix)
        self.assertFalse((self.home / "uv.log").exists())

    def test_uv_runs_scripts_with_their_own_dependencies(self):
        self.fake_uv()
        self.script("# /// script\n# dependencies = []\n# ///\nimport sys\nprint(sys.argv)\n")
        self.assertEqual(self.log(self.ended(args=["-x"])["run_id"]).decode().splitlines()[-1], "['./train.py', '-x']")
        self.assertEqual(self.uv_calls(), ["uv sync --help", "uv sync --script ./train.py", "uv run --script ./train.py -x"])

    def test_uv_runs_the_scripts_of_a_project(self):
        self.fake_uv()
        self.script("[project]\nname = 'x'\n", "pyproject.toml")
        self.script("import sys\nprint(sys.argv)\n", "src/train.py")
        self.assertEqual(self.log(self.ended("src/train.py", args=["-x"])["run_id"]).decode().splitlines()[-1], "['src/train.py', '-x']")
        self.assertEqual(self.uv_calls(), ["uv run python -c ", "uv run python src/train.py -x"])

    def test_a_pyproject_without_a_project_is_not_one(self):
        self.fake_uv()
        self.script("[tool.black]\nline-length = 100\n", "pyproject.toml")
        self.script(SHOW)
        self.assertEqual(self.log(self.ended()["run_id"]).decode().strip(), sys.prefix)

    def test_what_uv_cannot_install_ends_the_run(self):
        self.fake_uv()
        self.script("# /// script\n# ///\n", "broken.py")
        run = self.ended("broken.py")
        self.assertEqual((run["reason"], run["started_at"]), ("failed", None))
        self.assertIn("uv sync --script ./broken.py ended with exit status 3", run["detail"])


class Preparing(AgentCase):
    def preparing(self):
        """A run whose installation does not end."""
        self.script("#!/bin/sh\necho installing\nsleep 600\n", "slow")
        bin_dir = self.home / ".local" / "bin"
        bin_dir.mkdir(parents=True)
        (self.project / "slow").rename(bin_dir / "uv")
        (bin_dir / "uv").chmod(0o755)
        self.env["PATH"] = "/usr/bin:/bin"
        self.script("[project]\n", "pyproject.toml")
        self.script("open('ran', 'w')\n")
        request = self.request(python=None)
        self.assertEqual(self.agent("start", request)["run"]["state"], "preparing")
        self.wait_for_log(request["run_id"], b"installing")
        return request["run_id"]

    def test_stop_calls_the_installation_off(self):
        run_id = self.preparing()
        self.assertEqual(self.status(run_id)["processes_alive"], 2)
        early = self.stop(run_id, verb="save")["reports"][0]
        self.assertEqual((early["ok"], early["ended"]), (True, "running"))
        begin = time.monotonic()
        report = self.stop(run_id)["reports"][0]
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual((report["ok"], report["ended"], report["asked"]), (True, "graceful", None))
        run = self.status(run_id)
        self.assertEqual((run["state"], run["reason"], run["processes_alive"], run["started_at"]), ("stopped", "user", 0, None))
        self.assertFalse((self.project / "ran").exists())

    def test_the_next_supervisor_begins_the_installation_anew(self):
        run_id = self.preparing()
        old = self.supervisor_pid(run_id)
        self.kill(old)
        eventually(lambda: self.is_zombie(old))
        self.status(run_id)
        eventually(lambda: self.log(run_id).count(b"installing") == 2)
        eventually(lambda: self.status(run_id)["processes_alive"] == 2, "the first installation's end")
