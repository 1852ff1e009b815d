"""Tokens that somebody else has signed."""

import base64
import json
import time
from contextlib import asynccontextmanager

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jarvis.access import jwks
from jarvis.address import CannotListen
from tests.e2e.access.test_roles import GENERATE

ISSUER, AUDIENCE = "https://issuer.example", "jarvis"
LET_IN = "INVALID_ARGUMENT"
"""The code of a request with nothing in it."""


class Issuer:
    """Signs tokens."""

    def __init__(self, id_="one"):
        self.id = id_
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": self.id, "alg": "ES256", "use": "sig"}

    def token(self, *, key=None, algorithm="ES256", kid=None, **claims):
        now = int(time.time())
        full = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 60, "sub": "team", "roles": ["infer"], **claims}
        known = {name: value for name, value in full.items() if value is not None}
        return jwt.encode(known, key or self.key, algorithm, headers={"kid": kid or self.id})


def keys_of(*issuers):
    return json.dumps({"keys": [issuer.jwk() for issuer in issuers]})


def settings(where, *more):
    jwt_ = f'issuer="{ISSUER}", audience="{AUDIENCE}", jwks="{where}", algorithms=["ES256"]'
    return [f"auth.jwt={{{jwt_}}}", *more]


@pytest.fixture
def issuer():
    return Issuer()


@pytest.fixture
def where(tmp_path, issuer):
    path = tmp_path / "jwks.json"
    path.write_text(keys_of(issuer))
    return path


@pytest.fixture
async def server(start, where):
    async with start(*settings(where, 'callers.named.roles=["infer", "write"]')) as running:
        yield running


BAD = {
    "expired": {"exp": int(time.time()) - 60},
    "without an end": {"exp": None},
    "not yet valid": {"nbf": int(time.time()) + 600},
    "of another issuer": {"iss": "https://other.example"},
    "for another audience": {"aud": "others"},
    "without an audience": {"aud": None},
    "of nobody": {"sub": None},
    "of an empty name": {"sub": ""},
    "signed by another": {"key": ec.generate_private_key(ec.SECP256R1())},
    "signed with a key that is not known": {"kid": "two"},
    "with an algorithm that is not allowed": {
        "key": rsa.generate_private_key(65537, 2048),
        "algorithm": "RS256",
    },
    "signed with a text": {"key": "k" * 32, "algorithm": "HS256"},
}


@pytest.mark.parametrize("what", BAD)
async def test_a_token_is_refused_that_is(ask, issuer, what):
    code, said = await ask(GENERATE, f"Bearer {issuer.token(**BAD[what])}")
    assert code == "UNAUTHENTICATED"
    assert said.startswith("the token is not valid: ")


async def test_a_token_is_refused_that_nobody_has_signed(ask, issuer):
    unsigned = jwt.encode({"sub": "team", "iss": ISSUER, "aud": AUDIENCE}, "", "none", headers={"kid": "one"})
    signed = issuer.token()
    cut = signed.rpartition(".")[0]
    for text in (unsigned, cut, f"{cut}.", f"{signed[:-4]}AAAA", "a.b.c", "x" * 3000, "é"[:0] or "-"):
        assert (await ask(GENERATE, f"Bearer {text}"))[0] == "UNAUTHENTICATED"


@pytest.mark.parametrize("text", ["typo", "canary.with.dots", "jarvis_canary_canary"])
async def test_what_is_no_token_is_told_without_what_it_is(ask, text):
    code, said = await ask(GENERATE, f"Bearer {text}")
    assert code == "UNAUTHENTICATED"
    assert said == "what stands in `authorization` is neither an API key of this server nor a JWT"


@pytest.mark.parametrize("json_", ["[" * 2000, '{"kid":' * 1000, "[]", "1e999", '{"kid": [[]], "alg": {}}'])
async def test_a_token_is_refused_whose_header_is_odd(ask, issuer, json_):
    header = base64.urlsafe_b64encode(json_.encode()).decode().rstrip("=")
    token = f"{header}.{issuer.token().partition('.')[2]}"
    assert (await ask(GENERATE, f"Bearer {token}"))[0] == "UNAUTHENTICATED"
    assert (await ask(GENERATE, f"Bearer {issuer.token()}"))[0] == LET_IN


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({}, LET_IN),
        ({"roles": "write infer"}, LET_IN),
        ({"roles": ["cook"]}, "PERMISSION_DENIED"),
        ({"roles": []}, "PERMISSION_DENIED"),
        ({"roles": {"infer": True}}, "PERMISSION_DENIED"),
        ({"roles": None}, "PERMISSION_DENIED"),
        ({"roles": None, "sub": "named"}, LET_IN),
        ({"roles": [], "sub": "named"}, "PERMISSION_DENIED"),
    ],
)
async def test_roles_are_those_of_the_token_or_else_of_the_configuration(ask, issuer, claims, code):
    assert (await ask(GENERATE, f"Bearer {issuer.token(**claims)}"))[0] == code


async def test_claims_may_have_other_names(start, ask, issuer, where):
    names = ('auth.jwt.caller_claim="client_id"', 'auth.jwt.roles_claim="scope"')
    async with start(*settings(where, *names)) as server:
        good = issuer.token(sub=None, roles=None, client_id="team", scope="openid infer")
        assert (await ask(GENERATE, f"Bearer {good}", server.channel))[0] == LET_IN
        assert (await ask(GENERATE, f"Bearer {issuer.token()}", server.channel))[0] == "UNAUTHENTICATED"


async def test_keys_in_a_file_are_rotated(ask, issuer, where):
    new = Issuer("two")
    assert (await ask(GENERATE, f"Bearer {new.token()}"))[0] == "UNAUTHENTICATED"
    where.write_text(keys_of(issuer, new))
    for one in (issuer, new):
        assert (await ask(GENERATE, f"Bearer {one.token()}"))[0] == LET_IN
    where.write_text(keys_of(new))
    assert (await ask(GENERATE, f"Bearer {issuer.token()}"))[0] == "UNAUTHENTICATED"


def odd(issuer):
    """Sets of keys that nothing can be checked with."""
    rsa_ = rsa.generate_private_key(65537, 2048).public_key()
    return {
        "nothing": "",
        "no JSON": "{",
        "a list": "[]",
        "too deep": '{"keys":' + "[" * 100_000,
        "no keys": '{"keys": []}',
        "a damaged key": '{"keys": [{"kty": "EC"}]}',
        "a key that is a text": '{"keys": ["x"]}',
        "for encryption": json.dumps({"keys": [{**issuer.jwk(), "use": "enc"}]}),
        "a secret": json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}]}),
        "of another algorithm": jwt.algorithms.RSAAlgorithm.to_jwk(rsa_).join(['{"keys": [', "]}"]),
        "odd names": json.dumps({"keys": [{**issuer.jwk(), "use": ["sig"], "alg": ["ES256"]}]}),
    }


ODD = tuple(odd(Issuer()))


@pytest.mark.parametrize("what", ODD)
async def test_keys_that_nothing_can_be_checked_with_end_a_start_and_leave_those_before_in_force(
    start, ask, issuer, where, what
):
    assert (await ask(GENERATE, f"Bearer {issuer.token()}"))[0] == LET_IN
    where.write_text(odd(issuer)[what])
    assert (await ask(GENERATE, f"Bearer {issuer.token()}"))[0] == LET_IN
    with pytest.raises(CannotListen, match=r"auth\.jwt\.jwks: .*jwks\.json (is no JWKS|has no public key)"):
        async with start(*settings(where)):
            pass


class Address:
    """An address that gives keys."""

    def __init__(self):
        self.text = ""
        self.asked = 0

    @asynccontextmanager
    async def serve(self):
        async def answer(request):
            self.asked += 1
            return web.Response(text=self.text) if self.text else web.Response(status=503)

        app = web.Application()
        app.router.add_get("/keys", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
        finally:
            await runner.cleanup()


@pytest.mark.parametrize("what", [*ODD, "too large"])
async def test_an_address_that_gives_odd_keys_is_as_one_that_gives_none(
    start, ask, issuer, monkeypatch, what
):
    monkeypatch.setattr(jwks, "PAUSE_SECONDS", 0)
    address = Address()
    async with address.serve() as url, start(*settings(url)) as server:
        address.text = " " * (jwks.MAX_BYTES + 1) if what == "too large" else odd(issuer)[what]
        assert (await ask(GENERATE, f"Bearer {issuer.token()}", server.channel))[0] == "UNAVAILABLE"
        address.text = keys_of(issuer)
        assert (await ask(GENERATE, f"Bearer {issuer.token()}", server.channel))[0] == LET_IN


async def test_one_damaged_key_spoils_no_other_and_keys_may_have_no_names(ask, issuer, where):
    unnamed = {name: value for name, value in issuer.jwk().items() if name not in {"kid", "alg", "use"}}
    where.write_text(
        json.dumps({"keys": [{"kty": "EC"}, {**unnamed, "kid": ["a"], "alg": ["RS256"]}, unnamed]})
    )
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 60, "sub": "team", "roles": ["infer"]}
    token = jwt.encode(claims, issuer.key, "ES256")
    assert (await ask(GENERATE, f"Bearer {token}"))[0] == LET_IN


async def test_keys_that_were_withdrawn_while_nobody_came_are_good_no_more(start, ask, issuer, monkeypatch):
    address = Address()
    async with address.serve() as url, start(*settings(url)) as server:
        address.text = keys_of(issuer)
        assert (await ask(GENERATE, f"Bearer {issuer.token()}", server.channel))[0] == LET_IN
        address.text = keys_of(Issuer("two"))
        monkeypatch.setattr(jwks, "FRESH_SECONDS", 0)
        monkeypatch.setattr(jwks, "STALE_SECONDS", 0)
        assert (await ask(GENERATE, f"Bearer {issuer.token()}", server.channel))[0] == "UNAUTHENTICATED"


async def test_keys_at_an_address_are_rotated_and_made_up_ones_do_not_ask_for_them(
    start, ask, issuer, monkeypatch
):
    new, address = Issuer("two"), Address()
    async with address.serve() as url, start(*settings(url)) as server:

        async def code(token):
            return (await ask(GENERATE, f"Bearer {token}", server.channel))[0]

        assert address.asked == 0
        assert await code(issuer.token()) == "UNAVAILABLE", "the address answers 503"
        monkeypatch.setattr(jwks, "PAUSE_SECONDS", 0)
        address.text = keys_of(issuer)
        assert await code(issuer.token()) == LET_IN
        monkeypatch.setattr(jwks, "PAUSE_SECONDS", 60)
        asked = address.asked
        address.text = keys_of(issuer, new)
        for number in range(20):
            assert await code(issuer.token(kid=str(number))) == "UNAUTHENTICATED"
        assert address.asked == asked
        monkeypatch.setattr(jwks, "PAUSE_SECONDS", 0)
        assert await code(new.token()) == LET_IN
        address.text = ""
        assert await code(issuer.token(kid="three")) == "UNAVAILABLE", "it cannot be checked"
        assert await code(new.token()) == LET_IN, "what was fetched before stays in force"
