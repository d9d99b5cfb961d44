"""Times as the protocol writes them."""

import calendar
import time
from datetime import datetime, timezone


def iso(timestamp):
    """Seconds since 1970 as ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(timestamp, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (moment.microsecond // 1000)


def seconds(text):
    """Seconds since 1970 of such a time, with or without milliseconds; None where it is none."""
    whole, _, rest = str(text).rstrip("Z").partition(".")
    try:
        return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (rest or "0"))
    except ValueError:
        return None
