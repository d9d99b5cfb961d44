"""Softmax regression, one row of weights a class with the bias last. With NumPy where the machine has it, else in plain Python.

Both do the same arithmetic in 64-bit floats; they differ in the order of sums, so in the last digits. A checkpoint of one goes on in the other.
"""
import math

try:
    import numpy
except ImportError:
    numpy = None

# What a logarithm of the chance may fall to.
LEAST = 1e-12


def model_for(weights, images, labels, engine):
    """`engine`: "numpy", "python", or "auto" for NumPy where it is installed."""
    if engine == "numpy" and numpy is None:
        raise ImportError("NumPy is not installed for this Python")
    return PlainModel(weights, images, labels) if numpy is None or engine == "python" else NumpyModel(weights, images, labels)


class PlainModel:
    name = "plain Python"

    def __init__(self, weights, images, labels):
        self._weights, self._images, self._labels = weights, images, labels
        self._scale = brightest(images)

    def weights(self):
        return self._weights

    def train_batch(self, chosen, learning_rate):
        """One step of gradient descent; the sum of the losses before it."""
        loss, changes = 0.0, []
        for sample in chosen:
            pixels = self._lit(self._images[sample])
            chances = self._chances(pixels)
            loss -= math.log(max(chances[self._labels[sample]], LEAST))
            changes.append((pixels, [chance - (unit == self._labels[sample]) for unit, chance in enumerate(chances)]))
        rate = learning_rate / len(chosen)
        for pixels, errors in changes:
            for row, error in zip(self._weights, errors):
                row[-1] -= rate * error
                for index, value in pixels:
                    row[index] -= rate * error * value
        return loss

    def accuracy(self, images, labels):
        right = 0
        for image, label in zip(images, labels):
            chances = self._chances(self._lit(image))
            right += chances.index(max(chances)) == label
        return right / len(labels)

    def _lit(self, image):
        """Only the pixels that are not black: of MNIST, four of five are."""
        return [(index, value / self._scale) for index, value in enumerate(image) if value]

    def _chances(self, pixels):
        scores = [row[-1] + sum(row[index] * value for index, value in pixels) for row in self._weights]
        top = max(scores)
        odds = [math.exp(score - top) for score in scores]
        total = sum(odds)
        return [odd / total for odd in odds]


class NumpyModel:
    name = "NumPy"

    def __init__(self, weights, images, labels):
        self._scale = brightest(images)
        self._weights = numpy.array(weights, dtype=numpy.float64)
        self._rows, self._labels = self._with_bias(images), numpy.array(labels)

    def weights(self):
        return self._weights.tolist()

    def train_batch(self, chosen, learning_rate):
        rows, labels = self._rows[chosen], self._labels[chosen]
        chances = self._chances(rows)
        at = numpy.arange(len(chosen))
        loss = -float(numpy.log(numpy.maximum(chances[at, labels], LEAST)).sum())
        chances[at, labels] -= 1.0
        self._weights -= learning_rate / len(chosen) * chances.T.dot(rows)
        return loss

    def accuracy(self, images, labels):
        return float((self._chances(self._with_bias(images)).argmax(axis=1) == numpy.array(labels)).mean())

    def _with_bias(self, images):
        pixels = numpy.frombuffer(b"".join(images), dtype=numpy.uint8).reshape(len(images), -1) / self._scale
        return numpy.hstack([pixels, numpy.ones((len(images), 1))])

    def _chances(self, rows):
        scores = rows.dot(self._weights.T)
        odds = numpy.exp(scores - scores.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def brightest(images):
    """255 with MNIST; other sets have other scales."""
    return float(max(map(max, images)) or 1)
