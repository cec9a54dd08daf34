//! Credentials, some of them good, and what becomes of them in the wrong hands.

use crate::dice::Dice;
use crate::mint::{Signer, base64url, header, now};
use crate::rig::{ADMIN, DEVICE, ISSUER, Rig};
use serde_json::{Value, json};

/// Which key vouches for it, or should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Device,
    Admin,
    App,
    Chief,
    Idp,
    OldIdp,
}

/// What is presented.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) text: String,
    /// The key vouches for it.
    pub(crate) good: bool,
    /// What was done to it.
    pub(crate) what: &'static str,
}

impl Mutant {
    fn bad(what: &'static str, text: String) -> Mutant {
        Mutant { text, good: false, what }
    }

    fn good(what: &'static str, text: String) -> Mutant {
        Mutant { text, good: true, what }
    }
}

/// Makes mutants; good ones are made once and used by many, as they may be.
pub(crate) struct Breeder<'r> {
    rig: &'r Rig,
    stranger: Signer,
    good: Vec<(Base, String)>,
}

impl Base {
    /// Those that let in by WebSocket.
    pub(crate) const CONNECTING: [Base; 7] =
        [Base::Device, Base::Device, Base::App, Base::App, Base::Idp, Base::Idp, Base::OldIdp];
    pub(crate) const MANAGING: [Base; 2] = [Base::Admin, Base::Chief];

    /// What a static key is.
    fn key(self) -> Option<&'static str> {
        match self {
            Base::Device => Some(DEVICE),
            Base::Admin => Some(ADMIN),
            Base::App | Base::Chief | Base::Idp | Base::OldIdp => None,
        }
    }
}

fn claims(subject: usize) -> Value {
    json!({"sub": format!("subject-{subject}"), "exp": now() + 600, "iss": ISSUER})
}

impl<'r> Breeder<'r> {
    pub(crate) fn new(rig: &'r Rig) -> Breeder<'r> {
        let mut breeder = Breeder { rig, stranger: Signer::ed25519(), good: Vec::new() };
        let signed = [Base::App, Base::Chief, Base::Idp, Base::OldIdp];
        for (base, number) in signed.into_iter().flat_map(|base| (0..24).map(move |n| (base, n))) {
            let token = breeder.signer(base).token(&claims(number));
            breeder.good.push((base, token));
        }
        breeder
    }

    fn signer(&self, base: Base) -> &Signer {
        match base {
            Base::App => &self.rig.app,
            Base::Chief => &self.rig.chief,
            Base::Idp => &self.rig.idp,
            Base::OldIdp => &self.rig.old_idp,
            Base::Device | Base::Admin => panic!("{base:?} signs nothing"),
        }
    }

    /// One of those that are good as they stand.
    pub(crate) fn plain(&self, base: Base, dice: &mut Dice) -> String {
        let of_base = |(one, text): &(Base, String)| (*one == base).then(|| text.clone());
        let tokens = || self.good.iter().filter_map(of_base).collect::<Vec<_>>();
        base.key().map_or_else(|| dice.pick(&tokens()).clone(), str::to_owned)
    }

    /// A mutant of what `base` vouches for; one in four is good.
    pub(crate) fn mutant(&self, base: Base, dice: &mut Dice) -> Mutant {
        let is_token = base.key().is_none();
        match dice.below(8) {
            0 => Mutant::good("nothing", self.plain(base, dice)),
            1 if is_token => self.unusual(base, dice),
            2 | 3 if is_token => self.wrongly_claimed(base, dice),
            4 if is_token => self.wrongly_headed(base, dice),
            5 if is_token => self.wrongly_signed(dice),
            1 => Mutant::good("nothing", self.plain(base, dice)),
            _ => garble(self.plain(base, dice), dice),
        }
    }

    /// Good, though few issuers do so.
    fn unusual(&self, base: Base, dice: &mut Dice) -> Mutant {
        let signer = self.signer(base);
        let mut claims = claims(dice.below(100));
        let what = match dice.below(6) {
            0 => {
                set(&mut claims, "exp", json!((now() + 600) as f64 + 0.5), "a fraction of a second")
            }
            1 => set(&mut claims, "exp", json!(99_999_999_999_u64), "the last second"),
            2 => set(&mut claims, "iat", json!(now() + 10), "a clock that is ahead"),
            3 => set(&mut claims, "aud", json!(["a", "b"]), "an audience"),
            4 => {
                let all =
                    json!({"connect": true, "subscribe": ["*"], "publish": [], "manage": true});
                set(&mut claims, "tidegate", all, "rights")
            }
            _ => {
                let algorithm = signer.algorithm();
                let header =
                    format!(r#"{{"typ":"at+jwt", "new":{{"a":[1]}},"alg":"{algorithm}"}}"#);
                let token = signer.token_of(&header, &format!(" {claims}"));
                return Mutant::good("an unusual header", token);
            }
        };
        Mutant::good(what, signer.token(&claims))
    }

    /// Well signed, and says what it must not.
    fn wrongly_claimed(&self, base: Base, dice: &mut Dice) -> Mutant {
        let signer = self.signer(base);
        let mut claims = claims(dice.below(100));
        let globs: Vec<String> = (0..101).map(|number| format!("room-{number}")).collect();
        let wrong = [
            ("exp", json!(now() - 1)),
            ("exp", json!(1)),
            ("exp", json!(0)),
            ("exp", json!((now() + 600).to_string())),
            ("exp", json!(-600)),
            ("exp", json!(1e300)),
            ("exp", json!(1_u64 << 53)),
            ("exp", json!([now() + 600])),
            ("exp", json!({})),
            ("exp", json!(true)),
            ("exp", Value::Null),
            ("nbf", json!(now() + 600)),
            ("nbf", json!("0")),
            ("nbf", json!(-1)),
            ("nbf", Value::Null),
            ("iat", json!(now() + 600)),
            ("iat", json!([])),
            ("iat", json!(1e300)),
            ("tidegate", json!("connect")),
            ("tidegate", json!([])),
            ("tidegate", json!({"connect": "true"})),
            ("tidegate", json!({"connect": true, "subscribe": "*"})),
            ("tidegate", json!({"connect": true, "subscribe": [1]})),
            ("tidegate", json!({"connect": true, "admin": true})),
            ("tidegate", json!({"connect": true, "subscribe": globs})),
        ];
        if dice.chance(20) {
            return self.hardly_claimed(base, dice);
        }
        if base == Base::App && dice.chance(20) {
            let issuer = dice.pick(&["", "https://id.example/", "https://ID.example", "x"]);
            claims["iss"] = json!(issuer);
            return Mutant::bad("another issuer", signer.token(&claims));
        }
        let (name, value) = dice.pick(&wrong);
        claims[name] = value.clone();
        Mutant::bad(name, signer.token(&claims))
    }

    /// Well signed, and hardly a set of claims.
    fn hardly_claimed(&self, base: Base, dice: &mut Dice) -> Mutant {
        let exp = now() + 600;
        let claims = [
            format!(r#"{{"iss":"{ISSUER}","sub":"a"}}"#),
            format!(r#"{{"iss":"{ISSUER}","exp":{exp},"exp":{exp}}}"#),
            format!(r#"{{"iss":"{ISSUER}","exp":1,"\u0065xp":{exp}}}"#),
            format!(r#"{{"iss":"{ISSUER}","sub":"a","exp":{exp},"sub":"b"}}"#),
            format!(r#"[{{"iss":"{ISSUER}","exp":{exp}}}]"#),
            format!(r#"{{"iss":"{ISSUER}","exp":{exp}}} x"#),
            format!(r#"{{"iss":"{ISSUER}","exp":{exp}"#),
            String::new(),
            "null".to_owned(),
        ];
        let signer = self.signer(base);
        let claims = &claims[dice.below(claims.len())];
        let token = signer.token_of(&header(signer.algorithm()), claims);
        Mutant::bad("hardly claims", token)
    }

    /// Well signed, with a header that must not be believed.
    fn wrongly_headed(&self, base: Base, dice: &mut Dice) -> Mutant {
        let signer = self.signer(base);
        let algorithm = signer.algorithm();
        let long = format!(r#""kid":"{}""#, "k".repeat(65));
        let more = [
            r#""kid":"nobody""#,
            r#""kid":"""#,
            r#""kid":"../../etc/passwd""#,
            r#""kid":"\u0000""#,
            r#""kid":7"#,
            &long,
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""jku":"http://127.0.0.1:1/keys""#,
            r#""jwk":{"kty":"oct","k":"YQ"}"#,
            r#""x5u":"http://127.0.0.1:1/key""#,
            r#""x5c":[]"#,
            r#""b64":false"#,
            r#""alg":"none""#,
        ];
        let header = match dice.below(20) {
            0 => r#"{"typ":"JWT"}"#.to_owned(),
            1 => format!(r#"{{"alg":["{algorithm}"]}}"#),
            2 => format!(r#"{{"alg":"{}"}}"#, algorithm.to_lowercase()),
            3 => format!(r#"["{algorithm}"]"#),
            4 => format!(r#"{{"alg":"{algorithm} "}}"#),
            _ => format!(r#"{{"alg":"{algorithm}",{}}}"#, dice.pick(&more)),
        };
        Mutant::bad("a header", signer.token_of(&header, &claims(1).to_string()))
    }

    /// Signed by somebody else, or by nobody, or in another way than it says.
    fn wrongly_signed(&self, dice: &mut Dice) -> Mutant {
        let rig = self.rig;
        let claims = claims(dice.below(100));
        let Signer::Hs256(secret) = &rig.app else { panic!("it is") };
        let public = [rig.idp.pem(), rig.old_idp.pem()];
        let none = *dice.pick(&["none", "None", "NONE", "nOnE", "", "HS256", "EdDSA", "RS256"]);
        let signer = match dice.below(8) {
            0 | 1 => &Signer::Nobody(none),
            2 => &Signer::Hs256(public[dice.below(2)].clone().into_bytes()),
            3 => &Signer::Hs512(secret.clone()),
            4 => &Signer::Hs384(secret.clone()),
            5 => &Signer::Hs256(b"another secret of enough characters".to_vec()),
            6 => &self.stranger,
            _ => {
                // It says that somebody else has signed.
                let algorithms = ["RS256", "EdDSA", "HS512", "PS256", "HS384"];
                let says = header(algorithms[dice.below(5)]);
                let token = rig.app.token_of(&says, &claims.to_string());
                return Mutant::bad("another's algorithm", token);
            }
        };
        Mutant::bad("another's signature", signer.token(&claims))
    }
}

fn set(claims: &mut Value, name: &str, value: Value, what: &'static str) -> &'static str {
    claims[name] = value;
    what
}

/// Changes the text itself, so that it is another one.
pub(crate) fn garble(text: String, dice: &mut Dice) -> Mutant {
    loop {
        let (what, changed) = garbled(&text, dice);
        let is_written = changed
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/= :".contains(&byte));
        if changed != text && is_written {
            return Mutant::bad(what, changed);
        }
    }
}

fn garbled(text: &str, dice: &mut Dice) -> (&'static str, String) {
    let at = dice.below(text.len());
    let mut bytes = text.as_bytes().to_vec();
    let what = match dice.below(12) {
        0 | 1 => {
            bytes[at] ^= 1 << dice.below(7);
            "a bit"
        }
        2 => {
            bytes.truncate(at);
            "its end is missing"
        }
        3 => {
            bytes.drain(..at);
            "its beginning is missing"
        }
        4 => {
            let byte = *dice.pick(b"Aa0._-=~");
            bytes.insert(*dice.pick(&[0, at, text.len()]), byte);
            "one character more"
        }
        5 => {
            bytes[at] ^= 0x20;
            "the case of a letter"
        }
        6 => {
            let other = dice.below(text.len());
            bytes.swap(at, other);
            "two characters"
        }
        7 => return ("twice", text.repeat(2)),
        8 => {
            // Inside it: outside of it means nothing in many places.
            let inside = at.clamp(1, text.len() - 1);
            bytes.insert(inside, b' ');
            "a space in it"
        }
        9 | 10 => return ("its segments", segments(text, dice)),
        _ => {
            bytes[at] = *dice.pick(b"ABCabc0189._-");
            "a character"
        }
    };
    (what, String::from_utf8(bytes).unwrap_or_default())
}

fn segments(text: &str, dice: &mut Dice) -> String {
    let mut parts: Vec<&str> = text.split('.').collect();
    let (one, other) = (dice.below(parts.len()), dice.below(parts.len()));
    let extra = base64url("{}");
    match dice.below(4) {
        0 => parts.swap(one, other),
        1 => _ = parts.remove(one),
        2 => parts.insert(one, &extra),
        _ => parts[one] = "",
    }
    parts.join(".")
}
