"""What a pickle would build, told from its opcodes alone: nothing that it names is imported, looked up or called.

Objects become inert nodes, references to storages and tensors what PyTorch's own functions would make of them.
Longer than most: the machine, its table of opcodes and what it makes of them are read together or not at all.
"""

import struct

from .finding import ITEM_BYTES, count, is_shape

MAX_OPCODES = 3000000
MAX_LINE = 4096
MAX_DEPTH = 16
MAX_INTEGER_BYTES = 16
MAX_KEY = 256

# By the name of a storage's class, or of a dtype in `torch`.
DTYPES = {
    "double": "F64", "float": "F32", "half": "F16", "bfloat16": "BF16", "long": "I64", "int": "I32", "short": "I16", "char": "I8", "byte": "U8",
    "bool": "BOOL", "complexfloat": "C64", "complexdouble": "C128", "qint8": "I8", "quint8": "U8", "qint32": "I32", "untyped": "U8",
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8",
    "uint16": "U16", "uint32": "U32", "uint64": "U64", "complex64": "C64", "complex128": "C128", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
}
_SCALARS = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i", "f2": "<e"}
_PLAIN = ("collections.OrderedDict", "collections.defaultdict", "builtins.dict", "builtins.list", "builtins.set", "__builtin__.set")


class Unreadable(Exception):
    """No pickle, or one that is not worth reading further."""


class Name(str):
    """A global."""


class Node:
    """A list, a dict, or an object of any class."""

    __slots__ = ("kind", "args", "items", "pairs", "state")

    def __init__(self, kind, args=()):
        self.kind, self.args, self.items, self.pairs, self.state = kind, args, [], [], None


class Storage:
    __slots__ = ("key", "dtype", "size_bytes")

    def __init__(self, key, dtype, size_bytes):
        self.key, self.dtype, self.size_bytes = key, dtype, size_bytes


class View:
    """A tensor: some elements of a storage."""

    __slots__ = ("dtype", "shape", "offset", "stride", "storage")

    def __init__(self, dtype, shape, offset, stride, storage):
        self.dtype, self.shape, self.offset, self.stride, self.storage = dtype, shape, offset, stride, storage

    @property
    def item_bytes(self):
        return ITEM_BYTES.get(self.dtype, 1)

    def is_whole(self, size_bytes):
        """Whether the storage of this size is this tensor, element by element."""
        expected, strides = 1, []
        for size in reversed(self.shape):
            strides.append(expected)
            expected *= max(size, 1)
        dense = all(size < 2 or given == wanted for size, given, wanted in zip(self.shape, self.stride, reversed(strides)))
        return self.offset == 0 and dense and count(self.shape) * self.item_bytes == size_bytes


class _Machine:
    def __init__(self, data):
        self.data, self.at = data, 0
        self.stack, self.marks, self.memo, self.storages = [], [], {}, {}

    def run(self):
        for _ in range(MAX_OPCODES):
            code = self.take(1)
            if code == b".":
                return self.pop()
            step = _STEPS.get(code)
            if step is None:
                raise Unreadable("no opcode %r" % code)
            step(self)
        raise Unreadable("too many opcodes")

    def take(self, length):
        end = self.at + length
        if end > len(self.data):
            raise Unreadable("it ends too early")
        piece = self.data[self.at:end]
        self.at = end
        return piece

    def number(self, length, signed=False):
        return int.from_bytes(self.take(length), "little", signed=signed)

    def line(self):
        end = self.data.find(b"\n", self.at, self.at + MAX_LINE)
        if end < 0:
            raise Unreadable("a line without end")
        return self.take(end + 1 - self.at)[:-1].decode("utf-8", "replace")

    def push(self, value):
        self.stack.append(value)

    def pop(self):
        if not self.stack or self.marks and self.marks[-1] == len(self.stack):
            raise Unreadable("nothing on the stack")
        return self.stack.pop()

    def top(self):
        self.push(self.pop())
        return self.stack[-1]

    def mark(self):
        self.marks.append(len(self.stack))

    def since_mark(self):
        if not self.marks:
            raise Unreadable("no mark")
        at = self.marks.pop()
        items = self.stack[at:]
        del self.stack[at:]
        return items

    def drop(self):
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.pop()

    def text(self, length):
        self.push(self.take(self.number(length)).decode("utf-8", "replace"))

    def blob(self, length):
        self.push(self.take(self.number(length)))

    def integer(self, length):
        data = self.take(self.number(length))
        self.push(int.from_bytes(data, "little", signed=True) if len(data) <= MAX_INTEGER_BYTES else None)

    def literal(self, kind):
        text = self.line()
        try:
            self.push({"00": False, "01": True}.get(text) if text in ("00", "01") else kind(text.rstrip("L")[:40]))
        except ValueError:
            raise Unreadable("no number")

    def get(self, key):
        if key not in self.memo:
            raise Unreadable("nothing under that number")
        self.push(self.memo[key])

    def put(self, key):
        self.memo[key] = self.top()

    def tuple(self, length):
        self.push(tuple([self.pop() for _ in range(length)][::-1]))

    def add_items(self, items):
        target = self.top()
        if isinstance(target, Node):
            target.items.extend(items)

    def add_pairs(self, items):
        target = self.top()
        if isinstance(target, Node):
            target.pairs.extend(zip(items[::2], items[1::2]))

    def filled(self, kind, items, pairs):
        self.push(Node(kind))
        (self.add_pairs if pairs else self.add_items)(items)

    def name(self):
        name, module = self.pop(), self.pop()
        self.push(Name("%s.%s" % (module, name)) if isinstance(name, str) and isinstance(module, str) else None)

    def instance(self, items, name=None):
        self.push(Node(name or (items[0] if items else None), tuple(items if name else items[1:])))

    def build(self):
        state, target = self.pop(), self.top()
        if isinstance(target, Node):
            target.state = state

    def reference(self, given):
        """A persistent id: PyTorch's are ('storage', class, key, location, number of elements)."""
        value = Node("persistent")
        if isinstance(given, tuple) and len(given) >= 5 and given[0] == "storage" and isinstance(given[1], Name) and isinstance(given[2], str):
            dtype = DTYPES.get(given[1].rpartition(".")[2].replace("Storage", "").lower(), "U8")
            if type(given[4]) is int and given[4] >= 0:
                value = Storage(given[2], dtype, given[4] * ITEM_BYTES[dtype])
                self.storages[value.key] = max(value.size_bytes, self.storages.get(value.key, 0))
        self.push(value)

    def call(self, function, args):
        args = args if isinstance(args, tuple) else ()
        self.push(_called(function if isinstance(function, Name) else Name(""), args))


def _called(name, args):
    short = name.rpartition(".")[2]
    if name in _PLAIN:
        node = Node(name)
        for given in args:
            for item in given.items if isinstance(given, Node) else ():
                pair = tuple(item.items) if isinstance(item, Node) else item
                if isinstance(pair, tuple) and len(pair) == 2:
                    node.pairs.append(pair)
        return node
    if name.startswith("torch.") and short.startswith("_rebuild_"):
        return _rebuilt(short, args) or Node(name, args)
    if name == "_codecs.encode" and len(args) == 2 and isinstance(args[0], str) and args[1] == "latin1":
        return args[0].encode("latin1", "replace")
    if name.startswith("numpy.") and short == "scalar" and len(args) == 2 and isinstance(args[0], Node) and isinstance(args[1], bytes):
        form = _SCALARS.get(args[0].args[0]) if args[0].args and isinstance(args[0].args[0], str) else None
        if form and struct.calcsize(form) == len(args[1]):
            return struct.unpack(form, args[1])[0]
    return Node(name, args)


def _rebuilt(short, args):
    if short == "_rebuild_from_type_v2" and len(args) > 2 and isinstance(args[0], Name) and isinstance(args[2], tuple):
        return _rebuilt(args[0].rpartition(".")[2], args[2])
    if short.startswith("_rebuild_parameter") and args and isinstance(args[0], View):
        return args[0]
    if short in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor") and len(args) > 3 and isinstance(args[0], Storage):
        storage, offset, shape, stride = args[:4]
        dtype = storage.dtype
        if short.endswith("v3") and len(args) > 6 and isinstance(args[6], Name):
            dtype = DTYPES.get(args[6].rpartition(".")[2], str(args[6])[:MAX_KEY])
        if is_shape(shape) and is_shape(stride) and len(shape) == len(stride) and is_shape((offset,)):
            return View(dtype, tuple(shape), offset, tuple(stride), storage)
    return None


def _steps():
    m = _Machine
    steps = {
        b"(": m.mark, b"0": m.drop, b"1": m.since_mark, b"2": lambda s: s.push(s.top()), b"N": lambda s: s.push(None),
        b"\x88": lambda s: s.push(True), b"\x89": lambda s: s.push(False), b"F": lambda s: s.literal(float), b"I": lambda s: s.literal(int),
        b"L": lambda s: s.literal(int), b"J": lambda s: s.push(s.number(4, True)), b"K": lambda s: s.push(s.number(1)),
        b"M": lambda s: s.push(s.number(2)), b"G": lambda s: s.push(struct.unpack(">d", s.take(8))[0]),
        b"\x8a": lambda s: s.integer(1), b"\x8b": lambda s: s.integer(4), b"S": lambda s: s.push(s.line()), b"V": lambda s: s.push(s.line()),
        b"P": lambda s: s.reference(s.line()), b"Q": lambda s: s.reference(s.pop()), b"c": lambda s: s.push(Name(s.line() + "." + s.line())),
        b"\x93": m.name, b"R": lambda s: s.call(*[s.pop(), s.pop()][::-1]), b"\x81": lambda s: s.call(*[s.pop(), s.pop()][::-1]),
        b"\x92": lambda s: s.call(*[s.pop(), s.pop(), s.pop()][:0:-1]), b"b": m.build, b"i": lambda s: _inst(s),
        b"o": lambda s: s.instance(s.since_mark()), b"]": lambda s: s.push(Node("list")), b"}": lambda s: s.push(Node("dict")),
        b"\x8f": lambda s: s.push(Node("set")), b")": lambda s: s.push(()), b"t": lambda s: s.push(tuple(s.since_mark())),
        b"l": lambda s: s.filled("list", s.since_mark(), False), b"d": lambda s: s.filled("dict", s.since_mark(), True),
        b"\x91": lambda s: s.filled("set", s.since_mark(), False), b"\x90": lambda s: s.add_items(s.since_mark()),
        b"a": lambda s: s.add_items([s.pop()]), b"e": lambda s: s.add_items(s.since_mark()),
        b"s": lambda s: s.add_pairs([s.pop(), s.pop()][::-1]), b"u": lambda s: s.add_pairs(s.since_mark()),
        b"\x80": lambda s: s.take(1), b"\x95": lambda s: s.take(8), b"\x94": lambda s: s.put(len(s.memo)), b"\x97": lambda s: s.push(None),
        b"\x98": lambda s: None, b"g": lambda s: s.get(s.line()), b"p": lambda s: s.put(s.line()),
        b"h": lambda s: s.get(s.number(1)), b"j": lambda s: s.get(s.number(4)), b"q": lambda s: s.put(s.number(1)), b"r": lambda s: s.put(s.number(4)),
    }
    for code, length in ((b"X", 4), (b"\x8c", 1), (b"\x8d", 8), (b"T", 4), (b"U", 1)):
        steps[code] = lambda s, length=length: s.text(length)
    for code, length in ((b"B", 4), (b"C", 1), (b"\x8e", 8), (b"\x96", 8)):
        steps[code] = lambda s, length=length: s.blob(length)
    for code, length in ((b"\x85", 1), (b"\x86", 2), (b"\x87", 3)):
        steps[code] = lambda s, length=length: s.tuple(length)
    for code, length in ((b"\x82", 1), (b"\x83", 2), (b"\x84", 4)):
        steps[code] = lambda s, length=length: s.push(Name("extension.%d" % s.number(length)))
    return steps


def _inst(machine):
    name = Name(machine.line() + "." + machine.line())
    machine.instance(machine.since_mark(), name)


_STEPS = _steps()


class Content:
    """What a pickle holds: `root`, `storages` (bytes that each must have, by key), `tensors` as (name, View, whether of an optimizer)."""

    def __init__(self, data):
        machine = _Machine(data)
        self.root = machine.run()
        self.storages = machine.storages
        self.has_optimizer = False
        self.tensors = self._find()

    def _find(self):
        """What is met again, or lies too deep, is passed over: so this ends, whatever refers to whatever."""
        found, seen, waiting = [], set(), [("", self.root, 0, False)]
        while waiting:
            name, value, depth, mine = waiting.pop()
            if isinstance(value, View):
                found.append((name, value, mine))
            elif isinstance(value, (Node, tuple)) and depth < MAX_DEPTH and id(value) not in seen:
                seen.add(id(value))
                keys = {key for key, _ in value.pairs if isinstance(key, str)} if isinstance(value, Node) else ()
                mine = mine or "param_groups" in keys and "state" in keys
                self.has_optimizer = self.has_optimizer or mine
                for key, child in _children(value):
                    if isinstance(child, (View, Node, tuple)):
                        inside = ".".join(part for part in (name, key) if part)
                        named = depth < 2 and "optim" in key.lower() and not _is_empty(child)
                        waiting.append((inside, child, depth + 1, mine or named))
                        self.has_optimizer = self.has_optimizer or named
        return sorted(found, key=lambda one: one[0])

    def numbers(self):
        """{name: number or View of one} of the outermost dict, of its `metrics`, and of Lightning's callbacks."""
        facts = _plain(self.root)
        numbers = {name: value for name, value in facts.items() if _is_figure(value)}
        numbers.update((name, value) for name, value in _plain(facts.get("metrics")).items() if name not in ("step", "epoch") and _is_figure(value))
        for state in _plain(facts.get("callbacks")).values():
            best = _plain(state).get("best_model_score")
            if _is_figure(best):
                numbers["best_model_score"] = best
        return numbers


def _is_empty(value):
    return value == () or isinstance(value, Node) and not (value.pairs or value.items or value.args or value.state)


def _is_figure(value):
    return type(value) in (int, float) or isinstance(value, View) and count(value.shape) == 1


def _plain(value):
    """{text: value} of a dict."""
    return {key: inside for key, inside in value.pairs if isinstance(key, str)} if isinstance(value, Node) else {}


def _children(value):
    if isinstance(value, tuple):
        return [(str(at), child) for at, child in enumerate(value)]
    pairs = [(str(key)[:MAX_KEY] if isinstance(key, (str, int)) else "?", child) for key, child in value.pairs]
    numbered = [(str(at), child) for at, child in enumerate(value.items)] + [(str(at), child) for at, child in enumerate(value.args)]
    return pairs + numbered + [("", value.state)]
