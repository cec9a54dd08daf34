//! The examples of RFC 7515, 7517 and 8037.

use super::*;
use crate::auth::jwk;

const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

/// The second before the examples expire.
const THEN_MS: u64 = 1_300_819_379_000;

/// A ring of the set with this key alone; what it says of the token, in time and after it.
fn verdicts(key: &str, token: &str) -> [Result<(), Why>; 2] {
    let mut ring = Keyring::default();
    let set = format!(r#"{{"keys":[{key}]}}"#);
    ring.add_jwks("rfc", None, Expected::default(), set.as_bytes(), Rights::usual()).unwrap();
    let at = |unix_ms| {
        let presented = Presented::Bearer(token);
        ring.examine(presented, &Door::default(), unix_ms).map(|_| ())
    };
    [at(THEN_MS), at(THEN_MS + 1000)]
}

#[test]
fn rfc_7515_a_1_hs256() {
    let key = r#"{"kty":"oct","alg":"HS256",
        "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let token = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.\
         dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    assert_eq!(verdicts(key, &token), [Ok(()), Err(Why::Expired)]);
}

#[test]
fn rfc_7515_a_2_rs256() {
    let key = format!(r#"{{"kty":"RSA","alg":"RS256","n":"{RSA_N}","e":"AQAB"}}"#);
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{RSA_SIGNATURE}");
    assert_eq!(verdicts(&key, &token), [Ok(()), Err(Why::Expired)]);
}

#[test]
fn rfc_7515_a_3_es256() {
    let key = format!(r#"{{"kty":"EC","crv":"P-256","x":"{EC_X}","y":"{EC_Y}"}}"#);
    let signature =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{signature}");
    assert_eq!(verdicts(&key, &token), [Ok(()), Err(Why::Expired)]);
}

/// Its payload is no JSON: the signature is good, the claims are none.
#[test]
fn rfc_8037_a_4_eddsa() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let token = format!("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.{signature}");
    assert_eq!(verdicts(key, &token), [Err(Why::Claims); 2]);
    let forged = token.replace("hgyY", "hgyZ");
    assert_eq!(verdicts(key, &forged), [Err(Why::Signature); 2]);
}

/// `alg` `none`.
#[test]
fn rfc_7515_a_5_unsecured() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(verdicts(key, &format!("eyJhbGciOiJub25lIn0.{PAYLOAD}.")), [Err(Why::NoKey); 2]);
}

/// The first key of the example is for encryption, the second for RS256.
#[test]
fn rfc_7517_a_1_a_set_of_public_keys() {
    let (x, y) = (
        "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    );
    let modulus = base64([0xff; 256]);
    let set = format!(
        r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","use":"enc","kid":"1"}},
        {{"kty":"RSA","n":"{modulus}","e":"AQAB","alg":"RS256","kid":"2011-04-29"}}]}}"#
    );
    let signers = jwk::signers(set.as_bytes(), None).unwrap();
    let read: Vec<_> = signers.iter().map(|it| (it.algorithm, it.id.as_deref())).collect();
    assert_eq!(read, [(Algorithm::RS256, Some("2011-04-29"))]);
    let alone = set.replace(r#""use":"enc","#, "");
    let signers = jwk::signers(alone.as_bytes(), None).unwrap();
    assert_eq!(signers[0].algorithm, Algorithm::ES256);
}
