"""Secrets in a diff: unchecked without the key, and with it never shown."""

import base64
from typing import Any

import pytest
from pyrage import x25519

from maintd.core.resource import Json
from maintd.objects.age import Identities
from tests.memory import remembered
from tests.recovery.conftest import Shop

OLD, NEW = (base64.b64encode(word).decode() for word in (b"canary-old", b"canary-new"))


def secret(**data: str) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": data}


@pytest.fixture
async def key(shop: Shop) -> Any:
    """The shop with a Secret that is in its backup for this key alone."""
    key = x25519.Identity.generate()
    await shop.make(secret(password=OLD, user=OLD))
    recipients = [str(key.to_public())]
    await shop.backup(kinds=["secrets", "configmaps"], secrets={"recipients": recipients})
    return key


async def test_secrets_without_the_key_are_unchecked_and_never_the_same(shop: Shop, key: Any) -> None:
    code, [line] = await shop.diff()
    assert code == 3
    assert line.startswith("? secrets in NS/secrets.yaml.age: file://")
    assert line.endswith("it is encrypted, and no --identity FILE was given to open it with")


async def test_secrets_with_the_key_are_compared_and_not_shown(shop: Shop, key: Any) -> None:
    identities = Identities(str(key))
    same = await shop.diff(identities=identities)
    await shop.change("secrets", "login", {"data": {"password": NEW, "user": None, "more": NEW}})

    changed = await shop.diff(identities=identities)

    assert same == (0, [])
    assert changed == (
        1,
        [
            "~ secrets NS/login",
            "    ~ data.password: (not shown) -> (not shown)",
            "    - data.user: (not shown)",
            "    + data.more: (not shown)",
        ],
    )
    assert not {OLD, NEW} & remembered()


async def test_secrets_for_another_key_say_so(shop: Shop, key: Any) -> None:
    code, [line] = await shop.diff(identities=Identities(str(x25519.Identity.generate())))
    assert code == 3
    assert "it is encrypted for others" in line


async def test_secrets_that_were_left_out_on_purpose_are_no_difference(shop: Shop) -> None:
    await shop.make(secret(password=OLD))
    await shop.backup(kinds=["configmaps"], count_secrets=False)
    assert await shop.diff() == (0, [])
    await shop.backup(count_secrets=True)
    assert await shop.diff() == (0, [])
