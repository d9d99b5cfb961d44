"""What was found out about a checkpoint, and the figures that it tells of itself."""

import math
import re

MAX_METRICS = 20
MAX_NAME = 64
ITEM_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
    "C64": 8, "C128": 16, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1,
}

_STEP = re.compile(r"(?:(?<![a-z])(?:step|iter|iteration)s?[-_=]?|(?<![a-z])(?:checkpoint|ckpt)[-_])(\d{1,15})(?!\d)", re.I)
_EPOCH = re.compile(r"(?<![a-z])epochs?[-_=]?(\d{1,15})(?!\d)", re.I)
_IN_NAME = re.compile(r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9_]*)=(-?\d{1,15}(?:\.\d+)?(?:e[-+]?\d{1,3})?)(?![A-Za-z0-9])", re.I)
# What counts and what was set are no results.
_NO_METRIC = re.compile(
    r"step|epoch|iter|(?:^|[_./])(?:lr|wd|seed|rank|version|id|pid)(?:$|[_./])|learning_rate|weight_decay|momentum|beta|gamma|size|count"
    r"|(?:^|[_./])(?:num|n|max|min|total)_|time|second|runtime|_at$|dropout|alpha|^eps|epsilon|dim$|layers|heads|vocab|warmup|world|bytes", re.I)
_METRIC = re.compile(
    r"(?:^|[_./@ -])(?:loss|acc|accuracy|error|err|score|f1|bleu|rouge\w*|reward|return|perplexity|ppl|auc|auroc|iou|miou|map|mae|mse|rmse|wer|cer"
    r"|psnr|ssim|fid|precision|recall|metrics?|dice|nll|bpb|bpc|r2|top\d+|kl|elbo|mrr|ndcg)(?:$|[_./@ -]|\d)", re.I)


class Finding:
    """`facts`: what the content says of itself, by name. `tensors` is None where there are no tables that could be read."""

    def __init__(self, state, detail=None, kind=None, facts=None, metrics=None, tensors=None, has_optimizer=None):
        self.state, self.detail, self.kind = state, detail, kind
        self.facts, self.metrics = facts or {}, metrics or {}
        self.tensors, self.has_optimizer = tensors, has_optimizer
        self.files, self.sha256 = [], None

    def judgement(self, name):
        """[state, detail, format, step, epoch, metrics] of what has this name."""
        named_step, named_epoch = step_and_epoch_of_name(name)
        step = whole(self.facts.get("step"), self.facts.get("global_step"), named_step)
        metrics = dict(self.metrics)
        for key, value in _IN_NAME.findall(name):
            if key not in metrics:
                _put(metrics, key, value)
        return [self.state, self.detail, self.kind, step, whole(self.facts.get("epoch"), named_epoch), metrics]


class Tensor:
    """`storage` tells which share their bytes; None: its own. `view`: what it is a part of, where it is a part."""

    __slots__ = ("name", "dtype", "shape", "digest", "size_bytes", "storage", "of_optimizer", "view")

    def __init__(self, name, dtype, shape, size_bytes, digest=None, storage=None, of_optimizer=False):
        self.name, self.dtype, self.shape, self.size_bytes, self.digest = name, dtype, shape, size_bytes, digest
        self.storage, self.of_optimizer, self.view = storage, of_optimizer, None


def count(shape):
    return math.prod(shape)


def is_shape(value):
    return isinstance(value, (list, tuple)) and len(value) <= 64 and all(type(size) is int and 0 <= size < 1 << 63 for size in value)


def step_and_epoch_of_name(name):
    step, epoch = _STEP.search(name), _EPOCH.search(name)
    return (int(step.group(1)) if step else None, int(epoch.group(1)) if epoch else None)


def whole(*candidates):
    """The first that is a whole number, or its text; an epoch of 2.7 is the third one, not yet done: 2."""
    for value in candidates:
        try:
            if value is not None and not isinstance(value, bool) and 0 <= float(value) < 1 << 53:
                return int(float(value))
        except (TypeError, ValueError, OverflowError):
            pass
    return None


def _put(metrics, name, value):
    if isinstance(value, bool) or not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or len(metrics) >= MAX_METRICS:
        return
    try:
        value = float(value)
    except (TypeError, ValueError, OverflowError):
        return
    if math.isfinite(value) and not _NO_METRIC.search(name):
        metrics[name] = value


def metrics_of(facts):
    """Of what is named by a person: fractions, and whatever has the name of a metric; all of an object `metrics`."""
    metrics = {}
    named = facts.get("metrics")
    for name, value in named.items() if isinstance(named, dict) else ():
        _put(metrics, name, value if isinstance(value, (int, float)) else None)
    for name, value in facts.items():
        if isinstance(value, float) or isinstance(name, str) and isinstance(value, (int, str)) and _METRIC.search(name):
            _put(metrics, name, value)
    return metrics


def metrics_of_texts(facts):
    return metrics_of({name: value for name, value in facts.items() if isinstance(value, str)})


def metrics_of_trainer(facts):
    """Of a trainer_state.json: the best, and what was logged last."""
    metrics = {}
    _put(metrics, "best_metric", facts.get("best_metric"))
    history = facts.get("log_history")
    for entry in reversed(history if isinstance(history, list) else []):
        for name, value in entry.items() if isinstance(entry, dict) else ():
            if name not in metrics and isinstance(value, (int, float)) and (name == "loss" or str(name).startswith("eval_")):
                _put(metrics, name, value)
    return metrics
