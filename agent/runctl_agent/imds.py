"""The instance's own metadata, by IMDSv2."""

import http.client
import os
import threading
import time
from urllib.parse import urlsplit

DEFAULT_ENDPOINT = "http://169.254.169.254"
TIMEOUT_S = 2.0
TRIES = 3
TOKEN_S = 21600
_lock = threading.Lock()
_token = [None, 0.0]


def get(path):
    """The text at a path such as `/latest/meta-data/instance-id`, None where there is none (404). OSError where that cannot be known."""
    for attempt in range(TRIES):
        status, text = _request("GET", path, {"x-aws-ec2-metadata-token": _current_token()})
        if status == 401:
            _token[1] = 0.0  # a token of an instance that was stopped since
            continue
        if status in (200, 404):
            return text if status == 200 else None
        time.sleep(0.2 * (attempt + 1))
    raise OSError("the instance's metadata service answers %d" % status)


def _current_token():
    with _lock:
        if time.monotonic() >= _token[1]:
            status, text = _request("PUT", "/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_S)})
            if status != 200:
                raise OSError("the instance's metadata service answers %d to a request for a token" % status)
            _token[:] = [text, time.monotonic() + TOKEN_S - 300]
        return _token[0]


def _request(method, path, headers):
    address = urlsplit(os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or DEFAULT_ENDPOINT)
    connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise OSError("the instance's metadata service does not speak HTTP: %r" % error)
    finally:
        connection.close()
