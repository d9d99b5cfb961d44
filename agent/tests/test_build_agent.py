import ast
import os
import tempfile
import unittest

from tests import agent_case
from tests.agent_case import build_agent

SOURCE = '''"""Module docstring
of two lines."""

import os  # a comment


class Thing:
    """Docstring alone."""


def work(value):
    """Docstring.

    More."""
    # a comment line
    text = """kept  # not a comment
        as it is
"""
    return text + "# kept" + os.sep * value  # gone


def nothing():
    """Docstring alone."""
'''


class BuildAgent(unittest.TestCase):
    def test_the_same_sources_give_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            first = build_agent.build(os.path.join(folder, "a.pyz"))
            os.utime(str(build_agent.AGENT / "runctl_agent" / "errors.py"))
            self.assertEqual(first, build_agent.build(os.path.join(folder, "new", "b.pyz")))
            self.assertLessEqual(len(first), build_agent.MAX_BYTES)

    def test_line_numbers_and_meaning_stay(self):
        small = build_agent.stripped(SOURCE)
        self.assertNotIn("comment line", small)
        self.assertNotIn("ocstring", small)
        self.assertIn('"# kept"', small)
        places = [(type(node).__name__, node.lineno) for node in ast.walk(ast.parse(small)) if isinstance(node, (ast.FunctionDef, ast.Return, ast.ClassDef))]
        self.assertEqual(places, [(type(node).__name__, node.lineno) for node in ast.walk(ast.parse(SOURCE))
                                  if isinstance(node, (ast.FunctionDef, ast.Return, ast.ClassDef))])
        names = {}
        exec(compile(small, "small", "exec"), names)
        self.assertEqual(names["work"](1), "kept  # not a comment\n        as it is\n# kept" + os.sep)
        self.assertIsNone(names["nothing"]())

    def test_no_module_is_left_out(self):
        here = {path.stem for path in (agent_case.ROOT / "agent" / "runctl_agent").glob("*.py")} - {"__init__"}
        self.assertEqual({name.partition(".")[2] for name in build_agent.modules()} - {""}, here)
