//! Which matches ask for a new hash.

use mainstay_scrypt::{Format, Hasher, Params, Policy, Rehash, Verdict};

use crate::{params, quick};

#[track_caller]
fn rehash(hasher: &Hasher, stored: &str) -> Option<Rehash> {
    match hasher.verify("password", stored).unwrap() {
        Verdict::Match { rehash } => rehash,
        Verdict::Mismatch => panic!("{stored} does not match"),
    }
}

fn with(params: Params) -> Hasher {
    quick().params(params).build().unwrap()
}

#[test]
fn a_weaker_hash_is_replaced_once_and_says_why() {
    let now = with(params(5, 8, 2));
    for (old, why) in [
        (params(4, 8, 2), Rehash::Memory),
        (params(4, 8, 1), Rehash::Memory),
        (params(5, 8, 1), Rehash::Work),
    ] {
        let stored = with(old).hash("password").unwrap();
        assert_eq!(rehash(&now, &stored), Some(why), "{old:?}");
    }
    let new = now.hash("password").unwrap();
    assert_eq!(rehash(&now, &new), None);
}

#[test]
fn two_settings_do_not_rewrite_each_other() {
    let simple = || quick().format(Format::SimpleScrypt);
    for (a, b) in [
        (with(params(5, 8, 1)), with(params(6, 8, 1))),
        // More memory against more work: neither is weaker.
        (with(params(6, 8, 1)), with(params(4, 8, 8))),
        (quick().build().unwrap(), simple().build().unwrap()),
        (
            with(params(4, 8, 1)),
            simple().params(params(5, 8, 1)).build().unwrap(),
        ),
    ] {
        let mut stored = a.hash("password").unwrap();
        let mut rewrites = 0;
        for hasher in [&b, &a, &b, &a, &b, &a] {
            if rehash(hasher, &stored).is_some() {
                stored = hasher.hash("password").unwrap();
                rewrites += 1;
            }
        }
        assert!(rewrites <= 1, "{rewrites} between {a:?} and {b:?}");
    }
}

#[test]
fn a_short_salt_or_key_and_an_old_form_are_replaced() {
    let now = with(params(4, 8, 1));
    let simple = |salt_len, dk_len| {
        let params = mainstay_scrypt::simple::Params {
            n: 16,
            r: 8,
            p: 1,
            salt_len,
            dk_len,
        };
        mainstay_scrypt::simple::generate_from_password("password", &params).unwrap()
    };
    assert_eq!(rehash(&now, &simple(8, 32)), Some(Rehash::Salt));
    assert_eq!(rehash(&now, &simple(16, 16)), Some(Rehash::Key));
    assert_eq!(rehash(&now, &simple(16, 32)), Some(Rehash::Format));
    assert_eq!(rehash(&now, &simple(32, 64)), Some(Rehash::Format));
}

#[test]
fn the_exact_policy_replaces_whatever_differs() {
    let exact = quick().policy(Policy::Exact).build().unwrap();
    let stronger = with(params(5, 8, 1)).hash("password").unwrap();
    assert_eq!(rehash(&exact, &stronger), Some(Rehash::Differs));
    let own = exact.hash("password").unwrap();
    assert_eq!(rehash(&exact, &own), None);
}
