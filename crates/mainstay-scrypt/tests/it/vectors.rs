//! Hashes that other tools made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use mainstay_scrypt::{Error, Verdict};
use serde_json::Value;

use crate::quick;

/// Forms that are not read yet, by the names that the refusal has to give. A form that becomes
/// readable has to leave this list.
const NOT_READ: [(&str, &str); 3] = [
    ("$7$", "crypt `$7$`"),
    ("django", "Django"),
    ("werkzeug", "Werkzeug"),
];

#[test]
fn every_vector_has_the_expected_verdict() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 16);
    for vector in &vectors {
        let (id, format) = (text(vector, "id"), text(vector, "format"));
        let encoded = match format {
            "raw" => phc(vector),
            _ => text(vector, "encoded").to_owned(),
        };
        let hasher = quick().allow_nul().build().unwrap();
        let outcome = hasher.verify(unhex(text(vector, "password_hex")), &encoded);

        if let Some((_, name)) = NOT_READ.iter().find(|(other, _)| *other == format) {
            let error = outcome.unwrap_err();
            assert!(error.is_unknown_format(), "{id}: {error}");
            assert!(error.to_string().contains(name), "{id}: {error}");
            continue;
        }
        let expected = text(vector, "expect");
        let as_expected = match &outcome {
            Ok(Verdict::Match { .. }) => expected == "match",
            Ok(Verdict::Mismatch) => expected == "mismatch",
            Err(error) if error.is_malformed() => expected == "malformed",
            Err(error) => refused(error) && expected == "refused",
        };
        assert!(as_expected, "{id}: expected {expected}, got {outcome:?}");
    }
}

#[test]
fn the_cost_of_every_vector_is_read() {
    for vector in vectors() {
        let (Some(n), "simple" | "phc") = (vector["n"].as_u64(), text(&vector, "format")) else {
            continue;
        };
        let cost = mainstay_scrypt::cost(text(&vector, "encoded")).unwrap();
        let numbers = [
            cost.params.n(),
            cost.params.r().into(),
            cost.params.p().into(),
        ];
        let expected = [
            n,
            vector["r"].as_u64().unwrap(),
            vector["p"].as_u64().unwrap(),
        ];
        assert_eq!(numbers, expected, "{}", text(&vector, "id"));
    }
}

fn refused(error: &Error) -> bool {
    error.is_invalid_params() || error.is_over_limit()
}

/// A bare derivation, in the form that bounds the salt least.
fn phc(vector: &Value) -> String {
    let field = |name| STANDARD_NO_PAD.encode(unhex(text(vector, name)));
    let n = vector["n"].as_u64().unwrap();
    assert!(n.is_power_of_two());
    let (salt, key) = (field("salt_hex"), field("dk_hex"));
    format!(
        "$scrypt$ln={},r={},p={}${salt}${key}",
        n.ilog2(),
        vector["r"],
        vector["p"]
    )
}

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../data/scrypt.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

#[track_caller]
fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} in {vector}"))
}

fn unhex(digits: &str) -> Vec<u8> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        panic!("odd: {digits}")
    };
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
