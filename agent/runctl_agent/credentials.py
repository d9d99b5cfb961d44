"""Whose rights the agent's requests have: those in its environment, else those of the instance's role."""

import calendar
import json
import os
import threading
import time

from . import imds
from .errors import AgentError

ROLE = "/latest/meta-data/iam/security-credentials/"
# Before they expire: S3 judges by its own clock, and a large part takes its time.
REFRESH_S = 300
# New ones that are no fresher are asked for again after so long.
LEAST_REFRESH_S = 15
NO_ROLE = (
    "the instance has no role, and no AWS credentials are in its environment: attach an instance profile to it "
    "(`runctl aws setup` makes one), or pass AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")


class Credentials:
    def __init__(self):
        self._lock = threading.Lock()
        self._known, self._fresh_until = None, 0.0

    def current(self):
        """(key id, secret, session token or None). AgentError where there are none."""
        key_id, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
        if key_id and secret:
            return key_id, secret, os.environ.get("AWS_SESSION_TOKEN") or None
        with self._lock:
            if self._known is None or time.time() >= self._fresh_until:
                self._known, self._fresh_until = _of_role()
            return self._known

    def expired(self):
        """S3 refuses them as too old: asks for others the next time."""
        with self._lock:
            self._fresh_until = 0.0


def _of_role():
    try:
        role = (imds.get(ROLE) or "").split("\n")[0].strip()
        text = imds.get(ROLE + role) if role else None
    except OSError as error:
        raise AgentError("platform_failed", "%s (its metadata service does not answer: %s)" % (NO_ROLE, error))
    if not text:
        raise AgentError("platform_failed", NO_ROLE)
    try:
        found = json.loads(text)
        expires = calendar.timegm(time.strptime(found["Expiration"], "%Y-%m-%dT%H:%M:%SZ"))
        keys = found["AccessKeyId"], found["SecretAccessKey"], found["Token"]
    except (ValueError, KeyError, TypeError) as error:
        # Not the text itself: it may hold the secret, and this message goes into files and to others' screens.
        raise AgentError("platform_failed", "the instance's role %s gives no credentials: %s" % (role, _word(text, "Message") or _word(text, "Code") or repr(error)[:80])) from None
    return keys, max(expires - REFRESH_S, time.time() + LEAST_REFRESH_S)


def _word(text, name):
    """What IMDS says under a name that holds no secret, where the text is what it should be."""
    try:
        word = json.loads(text).get(name)
    except (ValueError, AttributeError):
        return None
    return word[:200] if isinstance(word, str) and word != "Success" else None
