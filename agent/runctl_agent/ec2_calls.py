"""What the instance asks of EC2 about itself, by its role's rights: conveniences, no limit depends on them."""

import hashlib
import http.client
import os
import re
import time
from urllib.parse import urlsplit

from . import clock, imds
from .credentials import Credentials
from .errors import AgentError
from .sigv4 import encoded_query, sign

TIMEOUT_S = 5.0
VERSION = "2016-11-15"
_credentials = Credentials()


def call(access, action, parameters):
    """The answer's XML as text. `access`: {region, endpoint}. OSError with what was refused."""
    region = access["region"]
    address = urlsplit(access.get("endpoint") or "https://ec2.%s.amazonaws.com%s" % (region, ".cn" if region.startswith("cn-") else ""))
    body = encoded_query(dict(parameters, Action=action, Version=VERSION)).encode("ascii")
    try:
        keys = _credentials.current()
    except AgentError as error:
        raise OSError(error.message)
    request = {
        "method": "POST", "host": address.netloc, "path": "/", "query": {}, "sha256": hashlib.sha256(body).hexdigest(),
        "headers": {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
    }
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname, address.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", "/", body, sign(request, keys, region, "ec2"))
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise OSError("EC2 does not speak HTTP: %r" % error)
    finally:
        connection.close()
    if answer.status != 200:
        if answer.status in (401, 403):
            _credentials.expired()
        code = re.search(r"<Code>([\w.]{1,80})</Code>", text)
        raise OSError("EC2 answers %d to %s%s" % (answer.status, action, ": " + code.group(1) if code else ""))
    return text


def tag_self(access, tags):
    """`tags`: {key: value}; a value is cut to what EC2 takes."""
    instance = os.environ.get("RUNCTL_INSTANCE_ID") or imds.get("/latest/meta-data/instance-id")
    parameters = {"ResourceId.1": instance}
    for number, (key, value) in enumerate(sorted(tags.items()), 1):
        parameters["Tag.%d.Key" % number] = key
        parameters["Tag.%d.Value" % number] = "".join(one if one.isprintable() else " " for one in value)[:256]
    call(access, "CreateTags", parameters)


def spot_price(access, spot):
    """US dollars for an hour, as in force now. `spot`: {instance_type, zone}."""
    now = clock.iso(time.time())
    text = call(access, "DescribeSpotPriceHistory", {
        "InstanceType.1": spot["instance_type"], "AvailabilityZone": spot["zone"], "ProductDescription.1": "Linux/UNIX", "StartTime": now,
        "EndTime": now, "MaxResults": "100",
    })
    found = []
    for item in re.findall(r"<item>(.*?)</item>", text, re.S):
        price, since = re.search(r"<spotPrice>([\d.]+)</spotPrice>", item), re.search(r"<timestamp>([^<]+)</timestamp>", item)
        if price and since:
            found.append((since.group(1), float(price.group(1))))
    if not found:
        raise OSError("EC2 knows no spot price of %s in %s" % (spot["instance_type"], spot["zone"]))
    return max(found)[1]
