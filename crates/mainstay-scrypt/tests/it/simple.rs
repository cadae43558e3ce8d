//! simple-scrypt's names, with its behaviour where it is known.

use mainstay_scrypt::simple::{
    DEFAULT_PARAMS, Error, Params, compare_hash_and_password, cost, generate_from_password,
};

const QUICK: Params = Params {
    n: 16,
    ..DEFAULT_PARAMS
};
/// Made by the original.
const STORED: &str = "16384$8$1$70c49c95ff3901ee998629e3e2287a66\
                      $1f2371347a68d2da1f743d31ccb21f86b15ab7261fb53bb796282ac5f48f4bd9";
const PASSWORD: &str = "correct horse battery staple";

#[test]
fn a_hash_of_the_original_is_compared() {
    assert_eq!(compare_hash_and_password(STORED, PASSWORD), Ok(()));
    assert_eq!(
        compare_hash_and_password(STORED, "Correct"),
        Err(Error::Mismatch)
    );
    assert_eq!(cost(STORED), Ok(DEFAULT_PARAMS));
    let short_key = &STORED[..STORED.len() - 32];
    assert_eq!(
        compare_hash_and_password(short_key, PASSWORD),
        Ok(()),
        "as the original does"
    );
}

#[test]
fn the_three_errors_are_those_of_the_original() {
    for (hash, expected) in [
        ("", Error::InvalidHash),
        (
            "16384$8$1$70c49c95ff3901ee998629e3e2287a66",
            Error::InvalidHash,
        ),
        (
            "$scrypt$ln=4,r=8,p=1$6l2rlbKW0tpb67239j5HaA$0gIUvTYfKmqR+XP/JECBAA",
            Error::InvalidHash,
        ),
        ("scrypt:2048:8:1$s38etTWuEkO6F8vj$143b", Error::InvalidHash),
        (
            "16384$8$1$$1f2371347a68d2da1f743d31ccb21f86",
            Error::InvalidParams,
        ),
        (
            "1000$8$1$70c49c95ff3901ee$1f2371347a68d2da1f743d31ccb21f86",
            Error::InvalidParams,
        ),
    ] {
        assert_eq!(
            compare_hash_and_password(hash, "a"),
            Err(expected),
            "{hash}"
        );
        assert_eq!(cost(hash), Err(expected), "{hash}");
    }
    let terabyte = "1073741824$8$1$70c49c95ff3901ee$1f2371347a68d2da1f743d31ccb21f86";
    assert_eq!(
        compare_hash_and_password(terabyte, "a"),
        Err(Error::InvalidParams)
    );
    assert_eq!(cost(terabyte).map(|params| params.n), Ok(1 << 30));
}

#[test]
fn parameters_are_checked_before_anything_is_made() {
    for params in [
        Params { n: 0, ..QUICK },
        Params { n: 1, ..QUICK },
        Params { n: 1000, ..QUICK },
        Params {
            n: 1 << 30,
            ..QUICK
        },
        Params { r: 0, ..QUICK },
        Params { p: 0, ..QUICK },
        Params {
            n: 2,
            r: 1 << 15,
            p: 1 << 15,
            ..QUICK
        },
        Params {
            salt_len: 7,
            ..QUICK
        },
        Params {
            dk_len: 15,
            ..QUICK
        },
        Params {
            salt_len: usize::MAX,
            ..QUICK
        },
        Params {
            dk_len: usize::MAX,
            ..QUICK
        },
        Params {
            salt_len: 200,
            dk_len: 200,
            ..QUICK
        },
    ] {
        assert_eq!(params.check(), Err(Error::InvalidParams), "{params:?}");
        assert_eq!(
            generate_from_password("a", &params),
            Err(Error::InvalidParams),
            "{params:?}"
        );
    }
}

#[test]
fn lengths_of_salt_and_key_are_kept_and_read_back() {
    let params = Params {
        salt_len: 9,
        dk_len: 24,
        ..QUICK
    };
    let hash = generate_from_password("a", &params).unwrap();
    assert_eq!(cost(&hash), Ok(params));
    assert_eq!(compare_hash_and_password(&hash, "a"), Ok(()));
    let longest = Params {
        salt_len: 128,
        dk_len: 128,
        ..QUICK
    };
    let hash = generate_from_password("a", &longest).unwrap();
    assert_eq!(compare_hash_and_password(&hash, "a"), Ok(()));
}

#[test]
fn passwords_that_the_original_takes_are_taken() {
    for password in [&b""[..], b"before\0after", &[b'x'; 5000]] {
        let hash = generate_from_password(password, &QUICK).unwrap();
        assert_eq!(compare_hash_and_password(&hash, password), Ok(()));
    }
}
