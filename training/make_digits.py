"""Writes a small data set in MNIST's format: digits of seven segments, moved about, with noise. The same every time.

    python3 training/make_digits.py data/digits
"""
import argparse
import gzip
import os
import random
import struct
import sys

SIZE = 28
# (left, top, right, bottom) in a box of 12 by 20 pixels; the letters name the segments as data sheets do.
SEGMENTS = {
    "a": (1, 0, 11, 2), "b": (10, 1, 12, 10), "c": (10, 10, 12, 19), "d": (1, 18, 11, 20),
    "e": (0, 10, 2, 19), "f": (0, 1, 2, 10), "g": (1, 9, 11, 11),
}
DIGITS = ["abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg"]


def draw(digit, rng):
    left, top = rng.randint(5, 11), rng.randint(1, 7)
    pixels = [[0] * SIZE for _ in range(SIZE)]
    for segment in DIGITS[digit]:
        x0, y0, x1, y1 = SEGMENTS[segment]
        for y in range(y0, y1):
            for x in range(x0, x1):
                pixels[top + y][left + x] = rng.randint(160, 255)
    for _ in range(30):
        pixels[rng.randrange(SIZE)][rng.randrange(SIZE)] = rng.randint(0, 200)
    return bytes(pixel for row in pixels for pixel in row)


def write(path, header, body):
    # mtime 0: otherwise the same data would be other bytes a second later, and be sent to the instance again.
    with open(path, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
        file.write(header + body)


def main():
    parser = argparse.ArgumentParser(description="Writes a small synthetic data set of digits in MNIST's format.")
    parser.add_argument("folder", metavar="DIR", help="where to; made if it does not exist")
    parser.add_argument("--train", type=int, default=1000, metavar="N", help="training images (default 1000)")
    parser.add_argument("--test", type=int, default=200, metavar="N", help="test images (default 200)")
    options = parser.parse_args()
    if options.train < 1 or options.test < 1:
        parser.error("--train and --test must be 1 or more")
    os.makedirs(options.folder, exist_ok=True)
    for part, count in (("train", options.train), ("t10k", options.test)):
        rng = random.Random("digits-%s" % part)
        labels = [index % 10 for index in range(count)]
        rng.shuffle(labels)
        images = b"".join(draw(label, rng) for label in labels)
        write(os.path.join(options.folder, part + "-images-idx3-ubyte.gz"), struct.pack(">IIII", 0x803, count, SIZE, SIZE), images)
        write(os.path.join(options.folder, part + "-labels-idx1-ubyte.gz"), struct.pack(">II", 0x801, count), bytes(labels))
    print("wrote %d training and %d test images to %s" % (options.train, options.test, options.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
