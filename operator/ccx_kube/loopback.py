"""Whether a host is this machine alone: what goes there meets no proxy, and no stranger comes."""

import ipaddress


def is_loopback(host: str) -> bool:
    """`host` as in a URL, without brackets."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
