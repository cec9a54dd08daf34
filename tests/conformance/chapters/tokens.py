"""Credentials: Tokens."""

import time

from ..cases import alone
from ..doors import AS_MANAGER, GUARDED, KID_SECRET, SECRET, bearer, holder, signed, token
from ..server import Server
from ..wire import equal

SERVER = ((), GUARDED)
HEAD = {"alg": "HS256"}
ISSUED = {"iss": "https://issuer.example", "aud": "tidegate"}


def _good(tg, *tokens: str) -> None:
    for one in tokens:
        tg.get("/page", bearer(one)).ok()


def _refused(tg, code: str, *tokens: str) -> None:
    for one in tokens:
        tg.get("/page", bearer(one)).problem(401, code)


def _later(seconds: float) -> int:
    return int(time.time() + seconds)


def test_a_good_token(tg):
    """A JSON Web Token in compact form, signed with HS256"""
    _good(tg, token(), token(sub="alice", jti="1", unknown=[1]), signed(HEAD, {"exp": _later(60)}))


def test_a_bad_signature(tg):
    """credentials-invalid: it is not good here, for whatever reason"""
    good = token()
    head, claims, signature = good.split(".")
    other = token(sub="mallory").split(".")[1]
    _refused(
        tg,
        "credentials-invalid",
        token("wrong-0123456789abcdef-0123456789abcdef"),
        f"{head}.{other}.{signature}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        good + "=",
        good + ".x",
        signed({"alg": "none"}, {"exp": _later(60)}),
    )


def test_the_algorithm_must_be_that_of_the_key(tg):
    """the alg of the token must be that of the key"""
    for algorithm in ("none", "HS384", "hs256", "RS256", ""):
        _refused(tg, "credentials-invalid", signed({"alg": algorithm}, {"exp": _later(60)}))


def test_exp_must_be_there(tg):
    """exp: must be there; from then on the token is good for nothing"""
    _refused(tg, "credentials-invalid", token(exp=None), token(exp="soon"), token(exp=-1))
    _refused(tg, "credentials-expired", token(lasts=-1), token(exp=0), token(lasts=-3600))


def test_times_are_numbers(tg):
    """numbers of seconds since 1970, from 0 to less than 100,000,000,000, fractions allowed"""
    _good(tg, token(exp=time.time() + 60.5), token(exp=99_999_999_999), token(exp=99_999_999_999.5), token(iat=0, nbf=0.5))
    _refused(tg, "credentials-invalid", token(exp=100_000_000_000), token(iat=-1), token(nbf="0"), token(iat=10**11))


def test_nbf_and_iat(tg):
    """nbf, iat: may be up to 30 s in the future (--token-leeway)"""
    _good(tg, token(nbf=_later(20)), token(iat=_later(20)))
    _refused(tg, "credentials-not-yet-valid", token(nbf=_later(100)), token(iat=_later(100)))


def test_iss_and_aud(tg):
    """iss, aud: must be what the key asks for, if it does"""
    kid = {"kid": "k1"}
    _good(tg, token(KID_SECRET, kid, **ISSUED), token(KID_SECRET, kid, **ISSUED | {"aud": ["x", "tidegate"]}))
    _refused(
        tg,
        "credentials-invalid",
        token(KID_SECRET, kid),
        token(KID_SECRET, kid, **ISSUED | {"iss": "x"}),
        token(KID_SECRET, kid, **ISSUED | {"aud": "x"}),
        token(KID_SECRET, kid, **ISSUED | {"aud": None}),
    )


def test_kid(tg):
    """A token with kid is verified by a key of exactly that id; one without by a key without"""
    _refused(
        tg,
        "credentials-invalid",
        token(KID_SECRET, **ISSUED),
        token(SECRET, {"kid": "k1"}),
        token(SECRET, {"kid": "unknown"}),
        token(SECRET, {"kid": "x" * 65}),
        token(SECRET, {"kid": 7}),
    )


def test_refused_members_of_the_header(tg):
    """a token with crit, jku, jwk, x5u, x5c or b64 is refused"""
    for name in ("crit", "jku", "jwk", "x5u", "x5c", "b64"):
        _refused(tg, "credentials-invalid", token(head={name: "x"}))
    _good(tg, token(head={"cty": "x", "other": {"a": 1}}))


def test_members_twice(tg):
    """and so is one with a member twice"""
    exp = _later(60)
    _refused(
        tg,
        "credentials-invalid",
        signed('{"alg":"HS256","alg":"HS256"}', {"exp": exp}),
        signed(HEAD, f'{{"exp":{exp},"exp":{exp}}}'),
        signed(HEAD, f'{{"exp":{exp},"tidegate":{{"connect":true,"connect":true}}}}'),
    )


def test_the_claim_with_the_rights(tg):
    """In tidegate a right that is not there is not given"""
    tg.upgrade("/ws/a", holder(subscribe=["*"])).problem(403, "not-allowed")
    tg.connect("/ws/a", holder(connect=True)).close()


def test_without_the_object_the_rights_are_those_of_the_key(tg):
    """Without the object the rights are those of the key."""
    tg.connect("/ws/a", bearer(token())).close()
    tg.get("/api/rooms", bearer(token())).problem(403, "not-allowed")


def test_a_token_cannot_give_what_its_key_does_not(tg):
    """A key has rights, a token may have fewer; what both give is given."""
    tg.get("/api/rooms", holder(manage=True)).problem(403, "not-allowed")


def test_the_object_of_bad_form(tg):
    """connect and manage are booleans, subscribe and publish lists of patterns; no other member; at most 100 patterns"""
    for rights in (
        {"connect": "yes"},
        {"subscribe": "*"},
        {"publish": [1]},
        {"other": True},
        {"connectionId": 7},
        {"subscribe": ["x"] * 60, "publish": ["x"] * 41},
        [],
        "x",
    ):
        _refused(tg, "credentials-invalid", token(tidegate=rights))
    _good(tg, token(tidegate={"subscribe": ["x"] * 60, "publish": ["x"] * 40}))


def test_4_kib(tg):
    """At most 4 KiB."""
    size = len(token(pad=""))
    _good(tg, token(pad="x" * ((4096 - size) * 3 // 4 - 4)))
    _refused(tg, "credentials-invalid", token(pad="x" * ((4096 - size) * 3 // 4 + 8)))


def test_connection_id_as_text_or_list(tg):
    """connectionId a pattern or a list of them; without connectionId any name is allowed"""
    for names in ("a*", ["b", "a1"]):
        with tg.connect("/ws/r", bearer(token(tidegate={"connect": True, "publish": ["*"], "connectionId": names}))) as ws:
            ws.text({"connectionId": "x"})
            ws.expect_error("not-allowed")
            ws.text({"connectionId": "a1"})
            ws.close()
    with tg.connect("/ws/r", holder(connect=True, publish=["*"])) as ws:
        ws.text({"connectionId": "anything"})
        ws.settled()


def test_the_token_is_in_effect_for_websockets(tg):
    """key, the name of the key that vouched for it, and where they exist subject and expiresAt"""
    exp = _later(600)
    with tg.connect("/ws/r?connectionId=listed", bearer(token(exp=exp, sub="alice"))):
        one = tg.get("/api/connections/listed", AS_MANAGER).ok().json()
        equal((one["key"], one["subject"], one["expiresAt"]), ("tokens", "alice", exp * 1000))


@alone
def test_other_hashes():
    """signed with HS256, HS384, HS512, ..., whichever its key is for"""
    config = "".join(
        f'[[key]]\nname = "k{bits}"\nalgorithm = "HS{bits}"\nsecret = {{ env = "T_{bits}" }}\n' for bits in (384, 512)
    )
    secrets = {f"T_{bits}": f"{bits}-" + "0123456789abcdef" * 5 for bits in (384, 512)}
    with Server(config=config, env=secrets) as tg:
        for bits in (384, 512):
            head, claims = {"alg": f"HS{bits}"}, {"exp": _later(60)}
            good = signed(head, claims, secrets[f"T_{bits}"], f"sha{bits}")
            tg.get("/nowhere", bearer(good)).problem(404)
            tg.get("/nowhere", bearer(signed(head, claims, secrets[f"T_{bits}"]))).problem(401, "credentials-invalid")
