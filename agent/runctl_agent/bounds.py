"""Answers that must not be longer than their way takes."""

import json

# Left to what stands around the list.
AROUND_BYTES = 4096
LEAST_BYTES = 1024


def room(request):
    """How many bytes of JSON the list in the answer may have; None for any number."""
    most = request.get("max_bytes")
    return None if most is None else max(LEAST_BYTES, most - AROUND_BYTES)


def fitting(items, room_bytes, least=0):
    """(the first of the items that fit, whether there are more). At least so many, whatever their size."""
    taken, left = [], room_bytes
    for item in items:
        if left is not None:
            left -= len(json.dumps(item, separators=(",", ":"))) + 1
            if left < 0 and len(taken) >= least:
                return taken, True
        taken.append(item)
    return taken, False
