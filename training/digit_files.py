"""Reads labelled images of digits: IDX files as MNIST has them (plain or .gz), or CSV files with the label first."""
import csv
import gzip
import os
import struct

IDX_IMAGES, IDX_LABELS = 0x803, 0x801


class DataError(Exception):
    """There is no data set, or it breaks its format."""


def load(folder, part):
    """The images (bytes, one a pixel) and labels of `part`, "train" or "test"; None where there is no such part."""
    idx = "t10k" if part == "test" else part
    # Both spellings are about: MNIST's own, and that of archives which were unpacked by another tool.
    images = find(folder, [idx + "-images-idx3-ubyte", idx + "-images.idx3-ubyte"])
    labels = find(folder, [idx + "-labels-idx1-ubyte", idx + "-labels.idx1-ubyte"])
    if images and labels:
        loaded = read_idx(images, IDX_IMAGES), read_idx(labels, IDX_LABELS)
    else:
        table = find(folder, ["mnist_%s.csv" % part, "%s.csv" % part])
        if not table:
            return None
        loaded = read_csv(table)
    if len(loaded[0]) != len(loaded[1]) or not loaded[0]:
        raise DataError("%s has %d images and %d labels" % (folder, len(loaded[0]), len(loaded[1])))
    if max(loaded[1]) > 9 or len(set(map(len, loaded[0]))) != 1:
        raise DataError("%s: labels are 0 to 9, and all images have one size" % folder)
    return loaded


def find(folder, names):
    for name in names:
        for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
            if os.path.isfile(path):
                return path
    return None


def read_idx(path, magic):
    try:
        with (gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")) as file:
            content = file.read()
        found, count = struct.unpack_from(">II", content)
        header, size = 8, 1
        if magic == IDX_IMAGES:
            rows, columns = struct.unpack_from(">II", content, 8)
            header, size = 16, rows * columns
    except (OSError, EOFError, struct.error) as error:
        raise DataError("%s cannot be read: %s" % (path, error))
    if found != magic or len(content) != header + count * size:
        raise DataError("%s is not an IDX file of %s, or it is cut off" % (path, "images" if magic == IDX_IMAGES else "labels"))
    body = content[header:]
    return [body[start:start + size] for start in range(0, len(body), size)] if magic == IDX_IMAGES else list(body)


def read_csv(path):
    images, labels = [], []
    try:
        with (gzip.open(path, "rt") if path.endswith(".gz") else open(path, newline="")) as file:
            for number, row in enumerate(csv.reader(file)):
                if not row or (number == 0 and not row[0].isdigit()):
                    continue  # a header
                labels.append(int(row[0]))
                images.append(bytes(int(pixel) for pixel in row[1:]))
    except (OSError, EOFError, ValueError) as error:
        raise DataError("%s cannot be read: %s" % (path, error))
    return images, labels
