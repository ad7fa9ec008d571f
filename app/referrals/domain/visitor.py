"""Visitors: telling two people apart for a day without knowing either.

A visitor is an HMAC, under a key that lives for a day, of a cookie or else of the network and the full user
agent. The address and the agent themselves are not kept anywhere.
"""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

_HOST: Final = re.compile(
    r"https?://(?:[^/?#@]*@)?([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::\d*)?(?:[/?#]|$)", re.IGNORECASE
)
_IPV4_BITS: Final = 8
_IPV6_BITS: Final = 80


def client_address(remote: str, forwarded_for: str, hops: int) -> str:
    """The address of the client behind ``hops`` proxies of our own.

    Each proxy appends the address it saw to ``X-Forwarded-For``, so the ``hops``-th from the right was
    written by our outermost one; what stands left of it was sent by the client and may be invented.
    """
    if hops:
        seen = forwarded_for.split(",")
        if len(seen) >= hops and (address := seen[-hops].strip()):
            return address
    return remote


@lru_cache(maxsize=8192)
def network_of(address: str) -> str:
    """The /24 (IPv4) or /48 (IPv6) of an address, empty for what is none ("198.51.100.0", "2001:db8:1::")."""
    host = address.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        parsed = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = _IPV6_BITS if isinstance(parsed, IPv6Address) else _IPV4_BITS
    return str(type(parsed)(int(parsed) >> bits << bits))


def visitor_hash(day_key: bytes, *parts: str) -> str:
    """32 hex characters that mean the same visitor while the day's key lives, then nothing.

    Only the last part comes from outside: the others hold no NUL, so no two visitors make the same message.
    """
    mac = _keyed(day_key).copy()
    mac.update("\0".join(parts).encode(errors="replace"))
    return mac.hexdigest()[:32]


@lru_cache(maxsize=8192)
def network_hash(day_key: bytes, network: str) -> str:
    """What stands for a network of :func:`network_of` on that day; empty for none. Never equal to a visitor's hash."""
    return visitor_hash(day_key, "only-network", network) if network else ""


@lru_cache(maxsize=4)
def _keyed(day_key: bytes) -> hmac.HMAC:
    """The key, made ready once: copying costs a fraction of starting anew."""
    return hmac.new(day_key, digestmod="sha256")


@lru_cache(maxsize=4096)
def source_host(referer: str) -> str:
    """The host of a ``Referer`` header in lower case, empty where there is none."""
    match = _HOST.match(referer)
    return match[1].lower() if match else ""
