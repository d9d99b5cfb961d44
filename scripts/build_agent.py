"""Builds the agent: `python3 scripts/build_agent.py OUT`. The same sources give the same bytes, on any machine.

Comments and docstrings are left out, for the agent travels inside shell commands; line numbers stay, so that its
tracebacks fit the sources.
"""

import ast
import bz2
import hashlib
import io
import json
import os
import sys
import tokenize
import zipfile
from pathlib import Path

AGENT = Path(__file__).resolve().parent.parent / "agent"
# Where it does not fit into one command of a platform's shell, the client sends it in parts, once an instance, several at a time. It is kept
# small all the same: a first contact without a bucket should not take more than four of them.
MAX_BYTES = 72 * 1024
TIMESTAMP = (1980, 1, 1, 0, 0, 0)


# Small modules compress badly one by one: they travel as one block, and this finds them in it.
LOADER = """\
import bz2, json, os, sys
from importlib.machinery import ModuleSpec
root = os.path.dirname(os.path.abspath(__file__))
modules = json.loads(bz2.decompress(__loader__.get_data(os.path.join(root, "modules"))).decode())
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in modules:
            spec = ModuleSpec(name, self, origin=os.path.join(root, modules[name][0]), is_package=name == "runctl_agent")
            spec.has_location = True
            return spec
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(compile(modules[module.__name__][1], module.__file__, "exec", dont_inherit=True), module.__dict__)
    def get_source(self, name):
        return modules[name][1]
sys.meta_path.insert(0, Finder())
from runctl_agent.__main__ import main
main()
"""


def modules():
    """{name: [path in the archive, source]}, sorted."""
    found = {}
    for path in sorted((AGENT / "runctl_agent").glob("*.py")):
        name = "runctl_agent" if path.stem == "__init__" else "runctl_agent." + path.stem
        found[name] = ["runctl_agent/" + path.name, stripped(path.read_text("utf-8"))]
    return found


def stripped(text):
    """The source without comments, docstrings and trailing blanks, each statement still on its line, indented by one blank a level."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            first, last = docstring.lineno - 1, docstring.end_lineno - 1
            # A body must not become empty.
            needed = len(node.body) == 1 and not isinstance(node, ast.Module)
            lines[first] = lines[first][: docstring.col_offset] + ("0" if needed else "")
            for line in range(first + 1, last + 1):
                lines[line] = ""
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    result = "\n".join(_with_thin_indents(lines)).rstrip() + "\n"
    if ast.dump(ast.parse(result)) != ast.dump(_without_docstrings(ast.parse(text))):
        raise SystemExit("stripping changed the program")
    return result


def _with_thin_indents(lines):
    inside_string = set()
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
        if token.type == tokenize.STRING:
            inside_string.update(range(token.start[0] + 1, token.end[0] + 1))
    for number, line in enumerate(lines, 1):
        if number in inside_string:
            yield line
        else:
            line = line.rstrip()
            bare = line.lstrip(" ")
            yield " " * ((len(line) - len(bare)) // 4) + bare


def _without_docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False) is not None:
            node.body[:1] = [] if len(node.body) > 1 or isinstance(node, ast.Module) else ast.parse("0").body
    return tree


def build(out):
    """Writes the archive; returns its bytes."""
    block = bz2.compress(json.dumps(modules(), ensure_ascii=False, separators=(",", ":")).encode("utf-8"), 9)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data, method in (("__main__.py", LOADER.encode("ascii"), zipfile.ZIP_DEFLATED), ("modules", block, zipfile.ZIP_STORED)):
            entry = zipfile.ZipInfo(name, TIMESTAMP)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            entry.compress_type = method
            archive.writestr(entry, data, compresslevel=9)
    data = buffer.getvalue()
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(out.name + ".new")
    temporary.write_bytes(data)
    os.replace(str(temporary), str(out))
    return data


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: build_agent.py OUT")
    data = build(sys.argv[1])
    print("%s  %s  %d bytes" % (hashlib.sha256(data).hexdigest(), sys.argv[1], len(data)))
    if len(data) > MAX_BYTES:
        raise SystemExit("the agent is larger than %d bytes" % MAX_BYTES)


if __name__ == "__main__":
    main()
