//! What is refused, and in which order.

use mainstay_scrypt::{Format, Hasher, Limits, Params, Verdict};

use crate::{params, quick};

#[test]
fn a_hash_verifies_its_own_password_and_no_other() {
    for format in [Format::Phc, Format::SimpleScrypt] {
        let hasher = quick().format(format).build().unwrap();
        let stored = hasher.hash("пароль").unwrap();
        assert_eq!(mainstay_scrypt::cost(&stored).unwrap().format, format);
        assert_eq!(
            hasher.verify("пароль", &stored),
            Ok(Verdict::Match { rehash: None })
        );
        assert_eq!(hasher.verify("Пароль", &stored), Ok(Verdict::Mismatch));
        assert_eq!(hasher.verify("", &stored), Ok(Verdict::Mismatch));
        assert_ne!(
            hasher.hash("пароль").unwrap(),
            stored,
            "the salt is new every time"
        );
    }
}

#[test]
fn the_written_forms_are_exactly_these() {
    let phc = quick().build().unwrap().hash("a").unwrap();
    assert!(phc.starts_with("$scrypt$ln=4,r=8,p=1$"), "{phc}");
    assert_eq!(phc.len(), "$scrypt$ln=4,r=8,p=1$".len() + 22 + 1 + 43);
    let simple = quick()
        .format(Format::SimpleScrypt)
        .build()
        .unwrap()
        .hash("a")
        .unwrap();
    assert!(simple.starts_with("16$8$1$"), "{simple}");
    assert_eq!(simple.len(), "16$8$1$".len() + 32 + 1 + 64);
}

#[test]
fn passwords_are_refused_for_what_they_are_and_never_cut_off() {
    let hasher = quick().build().unwrap();
    let longest = "x".repeat(1024);
    let stored = hasher.hash(&longest).unwrap();
    assert!(hasher.verify(&longest, &stored).unwrap().is_match());
    assert_eq!(
        hasher.verify(&longest[..1023], &stored),
        Ok(Verdict::Mismatch)
    );

    let too_long = "x".repeat(1025);
    for password in [too_long.as_str(), "before\0after", "\0"] {
        let name = password.len();
        assert!(
            hasher.hash(password).unwrap_err().is_password_rejected(),
            "{name}"
        );
        // The same answer for every account, so that it tells nothing about any of them.
        for stored in [stored.as_str(), "nonsense"] {
            let error = hasher.verify(password, stored).unwrap_err();
            assert!(error.is_password_rejected(), "{name}: {error}");
        }
        assert!(
            hasher
                .dummy_verify(password)
                .unwrap_err()
                .is_password_rejected(),
            "{name}"
        );
    }
    assert!(hasher.hash("").unwrap_err().is_password_rejected());
    assert_eq!(hasher.dummy_verify(""), Ok(Verdict::Mismatch));
}

#[test]
fn bytes_with_nul_are_taken_on_request_and_collide_as_documented() {
    let hasher = quick().allow_nul().build().unwrap();
    let stored = hasher.hash(b"key").unwrap();
    assert!(hasher.verify(b"key\0\0", &stored).unwrap().is_match());
    assert_eq!(hasher.verify(b"key\0a", &stored), Ok(Verdict::Mismatch));
}

#[test]
fn the_longest_password_is_a_setting() {
    let hasher = quick().max_password_len(4).build().unwrap();
    assert!(hasher.hash("1234").is_ok());
    assert!(hasher.hash("12345").unwrap_err().is_password_rejected());
}

#[test]
fn weak_parameters_for_new_hashes_need_a_word() {
    let weak = [params(4, 8, 1), Params::SIMPLE_SCRYPT, params(14, 8, 4)];
    for params in weak {
        assert!(
            Hasher::builder()
                .params(params)
                .build()
                .unwrap_err()
                .is_too_weak(),
            "{params:?}"
        );
        assert!(
            Hasher::builder()
                .params(params)
                .allow_weak()
                .build()
                .is_ok(),
            "{params:?}"
        );
    }
    assert!(
        Hasher::builder()
            .params(Params::OWASP_16_MIB)
            .build()
            .is_ok()
    );
}

#[test]
fn a_hasher_that_could_not_read_its_own_hashes_is_not_built() {
    let beyond = Hasher::builder().params(params(19, 8, 1));
    assert!(beyond.clone().build().unwrap_err().is_over_limit());
    assert!(
        beyond
            .limits(Limits::new(512 << 20, 1 << 23))
            .build()
            .is_ok()
    );
    let below = Hasher::builder().limits(Limits::new(64 << 20, 1 << 23));
    assert!(
        below.build().unwrap_err().is_over_limit(),
        "the default is 128 MiB"
    );
}

#[test]
fn limits_are_those_of_the_verifier_and_the_floor_is_not() {
    let (salt, key) = (
        "6l2rlbKW0tpb67239j5HaA",
        "0gIUvTYfKmqR+XP/JECBAP9MkrvzAtffie9MOzKTKn0",
    );
    let stored = |numbers| format!("$scrypt${numbers}${salt}${key}");
    let strict = quick()
        .limits(Limits::new(1 << 20, 1 << 13))
        .build()
        .unwrap();
    assert_eq!(
        strict.verify("a", &stored("ln=1,r=1,p=1")),
        Ok(Verdict::Mismatch)
    );
    assert_eq!(
        strict.verify("a", &stored("ln=10,r=8,p=1")),
        Ok(Verdict::Mismatch)
    );
    for numbers in [
        "ln=11,r=8,p=1",
        "ln=10,r=8,p=2",
        "ln=10,r=9,p=1",
        "ln=63,r=8,p=1",
    ] {
        let error = strict.verify("a", &stored(numbers)).unwrap_err();
        assert!(
            error.is_over_limit() && error.is_unreadable(),
            "{numbers}: {error}"
        );
    }
    let wrapped = strict
        .verify("a", &stored("ln=1,r=65536,p=65536"))
        .unwrap_err();
    assert!(wrapped.is_invalid_params(), "{wrapped}");
}

#[test]
fn nothing_that_is_printed_has_a_secret_in_it() {
    let hasher = quick().build().unwrap();
    let password = "s3cr3t-s3cr3t\0";
    let stored = "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$c3RvcmVk";
    let mut printed = format!("{hasher:?}{:?}", hasher.verify("x", stored));
    for error in [
        hasher.hash(password).unwrap_err(),
        hasher.verify("x", stored).unwrap_err(),
    ] {
        printed += &format!("{error}{error:?}");
    }
    assert!(
        !printed.contains("s3cr3t") && !printed.contains("c2FsdHNhbHQ"),
        "{printed}"
    );
}
