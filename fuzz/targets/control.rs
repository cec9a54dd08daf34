//! The keys that a server is told something with: against serde_json.
//!
//! Knows: all of the input is a text message.
//! Must not know: how the keys are found.
//!
//! Where the two may differ by right stands with the envelope's target.

use super::naive::members::Members;
use serde_json::value::RawValue;
use tidegate::json::{Control, Fault, Member, control, scan};

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let verdict = control(data);
    let Ok(text) = str::from_utf8(data) else { return };
    // What both scans ask of a text they find in the same place.
    if let Err(fault @ (Fault::NotJson { .. } | Fault::NotAnObject | Fault::TooDeep)) = scan(data) {
        assert_eq!(verdict, Err(fault));
    }
    let members = serde_json::from_str::<&RawValue>(text);
    let members = members.and_then(|_| serde_json::from_str::<Members<'_>>(text));
    let found = match verdict {
        Err(Fault::TooDeep) => return,
        Err(_) => return assert!(members.is_err(), "it is an object"),
        Ok(found) => found,
    };
    let members = members.expect("both read it").0;
    let Control { join, leave, to, since } = found;
    let ours: [(&[u8], Member); 4] =
        [(b"join", join), (b"leave", leave), (b"to", to), (b"since", since)];
    for (key, member) in ours {
        let values: Vec<&str> =
            members.iter().filter(|(other, _)| other == key).map(|(_, value)| *value).collect();
        match (values.as_slice(), member) {
            ([], member) => assert_eq!(member, Member::Absent),
            ([value], Member::Text(place)) => {
                assert_eq!(format!("\"{}\"", &text[place.start..place.end]), **value);
                assert_eq!(place.escaped, value.contains('\\'));
            }
            ([value], Member::Odd) => assert!(!value.starts_with('"')),
            ([_, _, ..], member) => assert_eq!(member, Member::Odd),
            ([_], Member::Absent) => panic!("a key is missed"),
        }
    }
}
