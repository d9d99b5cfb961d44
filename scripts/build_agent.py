"""Builds the agent: `python3 scripts/build_agent.py OUT`. The same sources give the same bytes, on any machine.

Comments and docstrings are left out, for the agent travels inside one shell command; line numbers stay, so that its
tracebacks fit the sources.
"""

import ast
import hashlib
import io
import os
import sys
import tokenize
import zipfile
from pathlib import Path

AGENT = Path(__file__).resolve().parent.parent / "agent"
# As base64 it has to fit, with the script around it, into one command of the platforms' shells.
MAX_BYTES = 24 * 1024
TIMESTAMP = (1980, 1, 1, 0, 0, 0)


def sources():
    """(name in the archive, file), sorted."""
    files = [AGENT / "__main__.py"] + list((AGENT / "runctl_agent").glob("*.py"))
    return sorted((path.relative_to(AGENT).as_posix(), path) for path in files)


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
            node.body[:1] = [] if len(node.body) > 1 or isinstance(node, ast.Module) else [ast.Expr(ast.Constant(0))]
    return tree


def build(out):
    """Writes the archive; returns its bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in sources():
            entry = zipfile.ZipInfo(name, TIMESTAMP)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, stripped(path.read_text("utf-8")).encode("utf-8"), compresslevel=9)
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
