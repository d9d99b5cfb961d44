"""Reads the step and the epoch that a training script logs. The cases are in test/support/log-steps.json.

A number counts as a step only where it is one of the whole training, as far as a line tells:

- the word stands for itself: `step 120`, `step=120`, `global_step: 120`, `"step": 120`, `iter 120`. Not `max_step`, `steps`, `warmup step 10`,
  `step 0.05`, `step 12ms`, and nothing with a word before it that makes it another figure (max, total, every, best, last, …).
- `step 120/600` in a line that has an epoch too counts within that epoch: no step.
- a bar as tqdm or Keras draw it, `120/1000 [`, with nothing before it but its percents or `train`, `training`, `step`.

An epoch likewise: `epoch 3`, `Epoch 3/10`, `Epoch [3/10]`, `'epoch': 2.7` (2).
"""

import re

_NOT_THIS = re.compile(r"(?:\b|_)(?:max|min|total|num|number of|of|per|every|each|warm-?up|save|saving|eval|log|logging|best|last|previous|prev|until)[\s_:-]*$", re.I | re.A)
_NUMBER = r"[\"']?\s*[:=#]?\s*[\[(]?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})%s(?![0-9]|[.,][0-9]|[A-Za-z%%_])(?:\s*(?:/|of)\s*([0-9]{1,12}))?"
_GLOBAL = re.compile(r"(?<![A-Za-z0-9_.-])global[_ ]?step" + _NUMBER % "", re.I | re.A)
_STEP = re.compile(r"(?<![A-Za-z0-9_.-])(?:step|iteration|iter)" + _NUMBER % "", re.I | re.A)
_EPOCH = re.compile(r"(?<![A-Za-z0-9_.-])epoch" + _NUMBER % r"(?:\.[0-9]+)?", re.I | re.A)
_BAR = re.compile(r"\s*(?:(?:train|training|step|steps)\s*:?\s*)?(?:[0-9]{1,3}%\|[^|]*\|\s*)?([0-9]{1,12})/([0-9]{1,12})\s*\[", re.I | re.A)
# Longer ones are data, not words.
MAX_LINE = 2000


def _number(pattern, line):
    """(number, the total after it or None); (None, None) where there is none."""
    for match in pattern.finditer(line):
        if not _NOT_THIS.search(line[: match.start()]):
            return int(match.group(1).replace(",", "")), int(match.group(2)) if match.group(2) else None
    return None, None


def read(line):
    """(step, total or None, epoch, whether it is a bar's) of a line of the log."""
    line = line[:MAX_LINE]
    epoch, _ = _number(_EPOCH, line)
    step, total = _number(_GLOBAL, line)
    if step is not None:
        return step, total, epoch, False
    step, total = _number(_STEP, line)
    if step is not None:
        return (None, None, epoch, False) if total is not None and epoch is not None else (step, total, epoch, False)
    bar = _BAR.match(line) if epoch is None else None
    return (int(bar.group(1)), int(bar.group(2)), None, True) if bar else (None, None, epoch, False)


def step_and_epoch(line):
    step, _, epoch, _ = read(line)
    return step, epoch
