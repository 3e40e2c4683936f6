"""What the limits by address count under, and whom they spare."""

from __future__ import annotations

import pytest

from chatstream.security.addresses import UnnamedProxies, is_public, quota_key


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("::ffff:808:808", "8.8.8.8"),
        ("64:ff9b::808:808", "8.8.8.8"),
        ("2a00:1450:4001:81b::200e", "2a00:1450:4001:81b::/64"),
        ("2a00:1450:4001:81b:ffff:ffff:ffff:ffff", "2a00:1450:4001:81b::/64"),
        ("2A00:1450:4001:081b::1", "2a00:1450:4001:81b::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_what_costs_nothing_to_change_counts_as_one(address: str, key: str):
    assert quota_key(address) == key
    assert quota_key(key.partition("/")[0]) == key


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4001:81b::1", True),
        ("::ffff:8.8.8.8", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("10.1.2.3", False),
        ("172.17.0.1", False),
        ("192.168.0.9", False),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::ffff:10.0.0.1", False),
        ("testclient", False),
        ("", False),
    ],
)
def test_what_may_be_a_proxy_of_ours_is_not_public(address: str, public: bool):
    assert is_public(quota_key(address)) == public


def test_a_proxy_that_names_nobody_is_spared_and_told_once(caplog):
    proxies = UnnamedProxies()
    assert proxies.spares("10.0.0.7")
    assert proxies.spares("10.0.0.8")
    assert proxies.spares("")
    assert not proxies.spares("8.8.8.8")
    (line,) = caplog.messages
    assert line.startswith("10.0.0.7 ")
    assert "FORWARDED_ALLOW_IPS" in line
