"""Classifies digits by softmax regression, in Python 3.8+ and its standard library; with NumPy where it is installed.

The data is MNIST or anything in its formats, from RUNCTL_DATA_DIR or --data; data/digits holds a small real set, and make_digits.py
draws one. Stops, saves and resumes as train_with_checkpoints.py does, and takes those parts from there.
"""
import argparse
import json
import os
import random
import sys

from digit_files import DataError, load
from softmax import model_for
from train_with_checkpoints import CheckpointError, StopRequests, folder_from, positive_number, say, shown, whole_number, write_json

FORMAT = "runctl-sample-digits/1"
CLASSES, BATCH = 10, 10


def load_state(path, pixels, samples):
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise CheckpointError("it is not a checkpoint of this script (format %s)" % FORMAT)
        if [len(row) for row in state["weights"]] != [pixels + 1] * CLASSES or state["samples"] != samples:
            raise CheckpointError("it was trained on other data")
        for key in ("epoch", "step", "done_in_epoch", "loss_sum"):
            state[key] + 0
        return state
    except OSError as error:
        raise CheckpointError(error.strerror or str(error))
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError("it is cut off or damaged (%s)" % error)


def save_state(state, model, name):
    state["weights"] = model.weights()
    path = os.path.join(folder_from("RUNCTL_CHECKPOINT_DIR", "checkpoints"), name)
    write_json(path, state)
    say("saved %s" % shown(path))


def train(options, stop):
    images, labels = [part[: options.limit] for part in load_required(options.data)]
    held_back = load(options.data, "test")
    size = len(images[0])
    state = {"format": FORMAT, "epoch": 0, "step": 0, "done_in_epoch": 0, "loss": None, "loss_sum": 0.0, "samples": len(images)}
    state["weights"] = [[0.0] * (size + 1) for _ in range(CLASSES)]
    if options.resume_from:
        state = load_state(options.resume_from, size, len(images))
        say("resumed from %s at epoch %d, step %d" % (options.resume_from, state["epoch"], state["step"]))
    model = model_for(state["weights"], images, labels, options.engine)
    say("training on %d images of %d pixels, with %s" % (len(images), size, model.name))
    while state["epoch"] < options.epochs:
        order = list(range(len(images)))
        # From the epoch's number alone: a resume in its middle finds the same order.
        random.Random("order-%d" % state["epoch"]).shuffle(order)
        while state["done_in_epoch"] < len(order):
            if stop.pending():
                save_state(state, model, "checkpoint_epoch_%(epoch)d_step_%(step)d.json" % state)
                say("stopped on request at epoch %(epoch)d, step %(step)d: resume from that checkpoint to go on" % state)
                return
            chosen = order[state["done_in_epoch"]:state["done_in_epoch"] + BATCH]
            state["loss_sum"] += model.train_batch(chosen, options.learning_rate)
            state["done_in_epoch"] += len(chosen)
            state["step"] += 1
            stop.sleep(options.step_seconds)
        state.update(epoch=state["epoch"] + 1, done_in_epoch=0, loss=state["loss_sum"] / len(order), loss_sum=0.0)
        part, judged = ("test", held_back) if held_back else ("training", (images, labels))
        share = model.accuracy(*judged)
        place = (state["epoch"], options.epochs, state["loss"], part, share, state["step"])
        say("epoch %d/%d loss %.4f %s accuracy %.3f (step %d)" % place)
        save_state(state, model, "checkpoint_epoch_%(epoch)d.json" % state)
    state["weights"] = model.weights()
    path = os.path.join(folder_from("RUNCTL_OUTPUT_DIR", "outputs"), "model.json")
    write_json(path, {key: state[key] for key in ("format", "epoch", "step", "weights", "loss")})
    say("finished %d epochs: wrote %s" % (state["epoch"], shown(path)))


def load_required(folder):
    if not folder:
        raise DataError("no data: give its folder with --data DIR, or let runctl set RUNCTL_DATA_DIR. %s" % TRY)
    loaded = load(folder, "train")
    if not loaded:
        raise DataError("%s has neither train-images-idx3-ubyte[.gz] with its labels nor train.csv. %s" % (folder, TRY))
    return loaded


TRY = "For a small set without a download: --data training/data/digits, or python3 training/make_digits.py DIR"


def main():
    stop = StopRequests()
    parser = argparse.ArgumentParser(description="Trains a classifier of digits on MNIST-like data.")
    parser.add_argument("--epochs", type=whole_number, default=3, help="epochs in all, those before a resume included (default 3)")
    parser.add_argument("--data", metavar="DIR", default=os.environ.get("RUNCTL_DATA_DIR"), help="default: $RUNCTL_DATA_DIR")
    parser.add_argument("--limit", type=whole_number, metavar="N", help="train on the first N images only (default: all)")
    parser.add_argument("--learning-rate", type=positive_number, default=0.1, metavar="F", help="default 0.1")
    parser.add_argument("--engine", choices=("auto", "numpy", "python"), default="auto", help="what computes (default: NumPy where it is installed)")
    parser.add_argument("--step-seconds", type=positive_number, default=0.0, metavar="F", help="rest after each step (default none)")
    parser.add_argument("--resume-from", metavar="PATH", default=os.environ.get("RUNCTL_RESUME_FROM"), help="default: $RUNCTL_RESUME_FROM")
    options = parser.parse_args()
    try:
        train(options, stop)
    except (DataError, ImportError) as error:
        print("error: %s" % error, file=sys.stderr)
        return 2
    except CheckpointError as error:
        print("error: cannot resume from %s: %s" % (options.resume_from, error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
