"""A small but real training: a two-layer network learns Fisher's irises, in Python 3.8+ and its standard library alone.

It shows what a script needs so that stopping it loses nothing: checkpoints that are written atomically and hold all of
the state (weights, momentum, random numbers, position in the epoch), saving on SIGTERM or when the stop file appears,
and a resume that is exact to the last bit: 5 epochs in one go give the same model as 2, a stop, and the rest. All of it is in
this one file, long as it is, so that it can be copied and run alone, with its data set data/iris.csv or another (--data).
"""
import argparse
import csv
import hashlib
import json
import math
import os
import random
import signal
import sys
import time

FORMAT = "runctl-sample-mlp/2"
HIDDEN, BATCH, MOMENTUM, JITTER = 16, 6, 0.9, 0.05
# Every fifth row is kept from the training, to judge it by.
HELD_BACK = 5
DATA_FILE = "iris.csv"
DEFAULTS = {"learning_rate": 0.05, "steps_per_epoch": None, "seed": 0}


class CheckpointError(Exception):
    """The checkpoint to resume from cannot be used."""


class DataError(Exception):
    """There is no data set, or it cannot be used."""


class Diverged(Exception):
    """The weights have left the numbers: nothing that is saved from here on would be of use."""


class StopRequests:
    """Asked to save and leave: by SIGTERM or Ctrl-C, or by the file that RUNCTL_STOP_FILE names."""

    def __init__(self):
        self._signalled = False
        self._path = os.environ.get("RUNCTL_STOP_FILE")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, _number, _frame):
        self._signalled = True

    def pending(self):
        return self._signalled or bool(self._path and os.path.exists(self._path))

    def sleep(self, seconds):
        """In slices, so that a slow step does not delay the stop."""
        end = time.monotonic() + seconds
        while not self.pending():
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.1))


def write_json(path, value):
    """All or nothing: a reader sees the old file or the new one, also after a crash. The same value gives the same bytes."""
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    # The leading dot and `.tmp` keep a half-written file from being taken for a checkpoint.
    temporary = os.path.join(folder, ".%s.%d.tmp" % (os.path.basename(path), os.getpid()))
    try:
        with open(temporary, "w", encoding="ascii") as file:
            json.dump(value, file, sort_keys=True, separators=(",", ":"), allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def folder_from(variable, default):
    return os.path.abspath(os.environ.get(variable) or default)


def shown(path):
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def say(line):
    print(line, flush=True)


def find_data(given):
    """A file as it is; in a folder iris.csv, or its only CSV file."""
    if given and os.path.isdir(given):
        tables = sorted(name for name in os.listdir(given) if name.endswith(".csv"))
        if DATA_FILE not in tables and len(tables) != 1:
            raise DataError("%s holds neither %s nor one single .csv file" % (given, DATA_FILE))
        return os.path.join(given, DATA_FILE if DATA_FILE in tables else tables[0])
    if given:
        return given
    here = os.path.dirname(os.path.abspath(__file__))
    folders = [os.environ.get("RUNCTL_DATA_DIR"), os.path.join(here, "data"), os.path.join(here, "training", "data")]
    found = [path for path in (os.path.join(folder, DATA_FILE) for folder in folders if folder) if os.path.isfile(path)]
    if not found:
        raise DataError("there is no data/%s beside this script: give a CSV file with --data FILE" % DATA_FILE)
    return found[0]


class Data:
    """Rows of numbers with a class at their end, each column scaled to mean 0 and deviation 1."""

    def __init__(self, path):
        try:
            with open(path, "rb") as file:
                content = file.read()
            rows = [row for row in csv.reader(content.decode("utf-8").splitlines()) if row]
            if rows and not is_number(rows[0][0]):
                rows = rows[1:]  # a header
            points = [[float(cell) for cell in row[:-1]] for row in rows]
        except OSError as error:
            raise DataError("%s: %s" % (path, error.strerror or error))
        except (ValueError, csv.Error) as error:
            raise DataError("%s is not a table of numbers with a class at the end of each row: %s" % (path, error))
        self.classes = sorted({row[-1] for row in rows})
        widths = set(map(len, points))
        if len(points) < HELD_BACK * 2 or len(self.classes) < 2 or len(widths) != 1 or 0 in widths:
            raise DataError("%s needs rows of one length, ten at least, and two classes" % path)
        if not all(math.isfinite(x) for point in points for x in point):
            raise DataError("%s holds numbers that are not finite" % path)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.inputs = widths.pop()
        samples = list(zip(points, (self.classes.index(row[-1]) for row in rows)))
        train = [sample for at, sample in enumerate(samples) if at % HELD_BACK != HELD_BACK - 1]
        columns = list(zip(*(point for point, _ in train)))
        means = [math.fsum(column) / len(column) for column in columns]
        spreads = [math.sqrt(math.fsum((x - mean) ** 2 for x in column) / len(column)) or 1.0 for column, mean in zip(columns, means)]
        scaled = [([(x - m) / d for x, m, d in zip(point, means, spreads)], label) for point, label in samples]
        self.train = [sample for at, sample in enumerate(scaled) if at % HELD_BACK != HELD_BACK - 1]
        self.held_back = [sample for at, sample in enumerate(scaled) if at % HELD_BACK == HELD_BACK - 1]

    def shapes(self):
        # The last column of each matrix is the bias.
        return {"hidden": (HIDDEN, self.inputs + 1), "output": (len(self.classes), HIDDEN + 1)}


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def new_state(seed, data):
    rng = random.Random(seed)
    weights = {}
    for name, (rows, columns) in data.shapes().items():
        scale = math.sqrt(2.0 / columns)
        weights[name] = [[rng.gauss(0, scale) for _ in range(columns)] for _ in range(rows)]
    momentum = {name: [[0.0] * len(row) for row in rows] for name, rows in weights.items()}
    state = {"format": FORMAT, "epoch": 0, "step": 0, "step_in_epoch": 0, "loss": None, "accuracy": None, "data_sha256": data.sha256}
    state.update(weights=weights, momentum=momentum, loss_sum=0.0)
    return state, rng


def forward(weights, point):
    row = point + [1.0]
    hidden = [max(0.0, sum(w * x for w, x in zip(unit, row))) for unit in weights["hidden"]] + [1.0]
    scores = [sum(w * x for w, x in zip(unit, hidden)) for unit in weights["output"]]
    top = max(scores)
    odds = [math.exp(score - top) for score in scores]
    total = sum(odds)
    return row, hidden, [odd / total for odd in odds]


def train_step(state, rng, batch, learning_rate):
    """One mini-batch of gradient descent with momentum. All chance comes from `rng`, whose state is in the checkpoint."""
    weights, momentum = state["weights"], state["momentum"]
    gradient = {name: [[0.0] * len(row) for row in rows] for name, rows in weights.items()}
    for point, label in batch:
        row, hidden, chances = forward(weights, [x + rng.gauss(0, JITTER) for x in point])
        state["loss_sum"] -= math.log(max(chances[label], 1e-12))
        errors = [chance - (unit == label) for unit, chance in enumerate(chances)]
        for error, sums in zip(errors, gradient["output"]):
            for column, value in enumerate(hidden):
                sums[column] += error * value
        for unit, sums in enumerate(gradient["hidden"]):
            if hidden[unit] > 0:
                back = sum(error * weights["output"][k][unit] for k, error in enumerate(errors))
                for column, value in enumerate(row):
                    sums[column] += back * value
    for name, rows in weights.items():
        for row, speeds, sums in zip(rows, momentum[name], gradient[name]):
            for column, total in enumerate(sums):
                speeds[column] = MOMENTUM * speeds[column] - learning_rate * total / BATCH
                row[column] += speeds[column]
            if not all(map(math.isfinite, row)):
                raise Diverged("the training diverged at step %d: try a smaller --learning-rate" % (state["step"] + 1))
    state["step"] += 1
    state["step_in_epoch"] += 1


def load_state(path, data):
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise CheckpointError("it is not a checkpoint of this script (format %s)" % FORMAT)
        version, numbers, gauss_next = state.pop("rng")
        rng = random.Random()
        rng.setstate((version, tuple(numbers), gauss_next))
        if state["data_sha256"] != data.sha256:
            raise CheckpointError("it was trained on other data")
        for part in ("weights", "momentum"):
            for name, (rows, columns) in data.shapes().items():
                matrix = state[part][name]
                if len(matrix) != rows or not all(len(row) == columns and all(isinstance(x, float) for x in row) for row in matrix):
                    raise CheckpointError("its %s are not of this network's shape" % part)
        for key in ("epoch", "step", "step_in_epoch", "loss_sum", "loss", "accuracy", "settings"):
            state[key]
        return state, rng
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(error.strerror or str(error))
    except KeyError as error:
        raise CheckpointError("it lacks %s" % error)
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError("it is cut off or damaged (%s)" % error)


def save_state(name, state, rng, settings):
    path = os.path.join(folder_from("RUNCTL_CHECKPOINT_DIR", "checkpoints"), name)
    write_json(path, dict(state, rng=rng.getstate(), settings=settings))
    say("saved %s" % shown(path))


def settings_for(options, saved, data):
    """A flag wins; otherwise what the checkpoint was trained with, so that a resume without flags is exact."""
    settings = dict(DEFAULTS, **saved)
    settings.update((key, value) for key, value in vars(options).items() if key in DEFAULTS and value is not None)
    if saved and settings["seed"] != saved["seed"]:
        raise CheckpointError("it was trained with --seed %s: other random numbers" % saved["seed"])
    # One pass over the training rows.
    settings["steps_per_epoch"] = settings["steps_per_epoch"] or math.ceil(len(data.train) / BATCH)
    return settings


def epoch_order(settings, epoch, rows):
    order = list(range(rows))
    # From the seed and the epoch's number alone: a resume in its middle finds the same order.
    random.Random("order-%d-%d" % (settings["seed"], epoch)).shuffle(order)
    return order


def share_right(weights, samples):
    right = 0
    for point, label in samples:
        chances = forward(weights, point)[2]
        right += chances.index(max(chances)) == label
    return right / len(samples)


def finish_epoch(state, data):
    seen = state["step_in_epoch"] * BATCH
    state["epoch"] += 1
    state.update(loss=state["loss_sum"] / seen, accuracy=share_right(state["weights"], data.held_back))
    state.update(step_in_epoch=0, loss_sum=0.0)
    # A trace for people and tests: an epoch that stands here twice was computed twice.
    trace = os.path.join(folder_from("RUNCTL_OUTPUT_DIR", "outputs"), "epochs.log")
    os.makedirs(os.path.dirname(trace), exist_ok=True)
    with open(trace, "a", encoding="ascii") as file:
        file.write("epoch %d\n" % state["epoch"])


def train(options, stop):
    data = Data(find_data(options.data))
    if options.resume_from:
        state, rng = load_state(options.resume_from, data)
        settings = settings_for(options, state.pop("settings"), data)
        say("resumed from %s at epoch %d, step %d" % (options.resume_from, state["epoch"], state["step"]))
    else:
        settings = settings_for(options, {}, data)
        state, rng = new_state(settings["seed"], data)
    rest = max(options.step_seconds, options.epoch_seconds / settings["steps_per_epoch"])
    while state["epoch"] < options.epochs:
        order = epoch_order(settings, state["epoch"], len(data.train))
        while state["step_in_epoch"] < settings["steps_per_epoch"]:
            if stop.pending():
                save_state("checkpoint_epoch_%(epoch)d_step_%(step)d.json" % state, state, rng, settings)
                say("stopped on request at epoch %(epoch)d, step %(step)d: resume from that checkpoint to go on" % state)
                return
            first = state["step_in_epoch"] * BATCH
            batch = [data.train[order[at % len(order)]] for at in range(first, first + BATCH)]
            train_step(state, rng, batch, settings["learning_rate"])
            stop.sleep(rest)
        finish_epoch(state, data)
        place = (state["epoch"], options.epochs, state["loss"], state["accuracy"], state["step"])
        say("epoch %d/%d loss %.4f accuracy %.2f (step %d)" % place)
        if state["epoch"] % options.checkpoint_interval == 0 or state["epoch"] == options.epochs:
            save_state("checkpoint_epoch_%(epoch)d.json" % state, state, rng, settings)
    path = os.path.join(folder_from("RUNCTL_OUTPUT_DIR", "outputs"), "model.json")
    write_json(path, {key: state[key] for key in ("format", "epoch", "step", "weights", "loss", "accuracy")})
    say("finished %d epochs: wrote %s" % (state["epoch"], shown(path)))


def whole_number(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def positive_number(text):
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of 0 or more")
    return value


def parse_options(arguments):
    parser = argparse.ArgumentParser(description="Trains a small network on Fisher's irises, with checkpoints that resume exactly.")
    parser.add_argument("--epochs", type=whole_number, default=3, help="epochs in all, those before a resume included (default 3)")
    parser.add_argument("--checkpoint-interval", type=whole_number, default=1, metavar="N", help="save every N epochs (default 1)")
    parser.add_argument("--learning-rate", type=positive_number, metavar="F", help="default 0.05, or that of the checkpoint")
    parser.add_argument("--steps-per-epoch", type=whole_number, metavar="N", help="default: one pass over the data, or those of the checkpoint")
    parser.add_argument("--seed", type=int, help="default 0, or that of the checkpoint")
    parser.add_argument("--resume-from", metavar="PATH", help="a checkpoint to go on from (default: $RUNCTL_RESUME_FROM, else none)")
    parser.add_argument("--step-seconds", type=positive_number, default=0.025, metavar="F", help="rest after each step (default 0.025)")
    parser.add_argument("--epoch-seconds", type=positive_number, default=0.0, metavar="F", help="make an epoch last at least so long (default 0)")
    parser.add_argument("--data", metavar="FILE|DIR", help="CSV, the class last (default: iris.csv of $RUNCTL_DATA_DIR, else the one that comes with this script)")
    options = parser.parse_args(arguments)
    options.resume_from = options.resume_from or os.environ.get("RUNCTL_RESUME_FROM") or None
    return options


def main():
    # First of all: a stop that comes during start-up is a stop, too.
    stop = StopRequests()
    options = parse_options(sys.argv[1:])
    try:
        train(options, stop)
    except DataError as error:
        print("error: %s" % error, file=sys.stderr)
        return 2
    except CheckpointError as error:
        print("error: cannot resume from %s: %s" % (options.resume_from, error), file=sys.stderr)
        return 2
    except Diverged as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
