use proptest::prelude::*;

use super::*;

const SALT: &str = "70c49c95ff3901ee998629e3e2287a66";
const KEY: &str = "1f2371347a68d2da1f743d31ccb21f86b15ab7261fb53bb796282ac5f48f4bd9";
const PHC_SALT: &str = "6l2rlbKW0tpb67239j5HaA";
const PHC_KEY: &str = "0gIUvTYfKmqR+XP/JECBAP9MkrvzAtffie9MOzKTKn0";

fn simple(n: &str, r: &str, p: &str) -> String {
    format!("{n}${r}${p}${SALT}${KEY}")
}

fn phc(numbers: &str) -> String {
    format!("$scrypt${numbers}${PHC_SALT}${PHC_KEY}")
}

#[track_caller]
fn params(text: &str) -> (u8, u32, u32) {
    let params = Encoded::parse(text)
        .unwrap_or_else(|e| panic!("{text}: {e}"))
        .params;
    (params.log_n(), params.r(), params.p())
}

#[track_caller]
fn refusal(text: &str) -> Error {
    match Encoded::parse(text) {
        Ok(hash) => panic!("{text:?} was read as {hash:?}"),
        Err(error) => error,
    }
}

#[test]
fn simple_scrypt_is_read_with_upper_case_and_leading_zeros() {
    assert_eq!(params(&simple("16384", "8", "1")), (14, 8, 1));
    assert_eq!(params(&simple("00016384", "08", "01")), (14, 8, 1));
    let upper = simple("16384", "8", "1").to_uppercase();
    let hash = Encoded::parse(&upper).unwrap();
    assert_eq!(hash.write(), upper.to_lowercase());
    assert_eq!(hash.write().len(), 107);
    let short_key = format!("16384$8$1${SALT}${}", &KEY[..32]);
    assert_eq!(Encoded::parse(&short_key).unwrap().key.len(), 16);
}

#[test]
fn simple_scrypt_in_any_other_spelling_is_malformed() {
    let good = simple("16384", "8", "1");
    for text in [
        String::new(),
        "$".repeat(4),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("${good}"),
        format!("{good}$"),
        good.replace("$8$", "$ 8$"),
        simple("+16384", "8", "1"),
        simple("-16384", "8", "1"),
        simple("1_024", "8", "1"),
        simple("0x400", "8", "1"),
        simple("", "8", "1"),
        simple("18446744073709551616", "8", "1"),
        simple("16384", "18446744073709551616", "1"),
        simple("16384", "8", "1f"),
        simple("16384", "8", "1.0"),
        simple("16384", "８", "1"),
        format!("16384$8$1${SALT}"),
        format!("16384$8$1${SALT}${KEY}a"),
        format!("16384$8$1${SALT}0${KEY}"),
        format!("16384$8$1$0x{SALT}${KEY}"),
        format!("16384$8$1${SALT}${}", KEY.replace('f', "g")),
        format!("{}16384$8$1${SALT}${KEY}", "0".repeat(1024)),
    ] {
        assert!(refusal(&text).is_malformed(), "{text:?}");
    }
}

#[test]
fn simple_scrypt_with_numbers_out_of_range_has_invalid_params() {
    for text in [
        simple("0", "8", "1"),
        simple("1", "8", "1"),
        simple("1000", "8", "1"),
        simple("16383", "8", "1"),
        simple("18446744073709551615", "8", "1"),
        simple("16384", "0", "1"),
        simple("16384", "8", "0"),
        simple("2", "65536", "65536"),
        simple("2", "4294967296", "1"),
        simple("2", "1", "1073741824"),
        // Ruby's gem, in which this says N = 1024, r = 8, p = 36.
        simple("400", "8", "24"),
        format!("16384$8$1$${KEY}"),
        format!("16384$8$1${}${KEY}", &SALT[..14]),
        format!("16384$8$1${SALT}$"),
        format!("16384$8$1${SALT}${}", &KEY[..30]),
    ] {
        assert!(
            refusal(&text).is_invalid_params(),
            "{text:?}: {}",
            refusal(&text)
        );
    }
}

#[test]
fn phc_is_read_as_written() {
    assert_eq!(params(&phc("ln=17,r=8,p=1")), (17, 8, 1));
    assert_eq!(params(&phc("ln=63,r=1,p=1")), (63, 1, 1));
    let unsalted = format!("$scrypt$ln=4,r=8,p=1$${PHC_KEY}");
    assert!(Encoded::parse(&unsalted).unwrap().salt.is_empty());
}

#[test]
fn phc_in_any_other_spelling_is_malformed() {
    let good = phc("ln=17,r=8,p=1");
    for text in [
        "$scrypt$".to_owned(),
        "$scrypt$$$".to_owned(),
        "$scrypt".to_owned(),
        good.replace("$scrypt$", "$SCRYPT$"),
        good.replace("$scrypt$", "scrypt,"),
        format!("{good}="),
        format!("{good}$"),
        format!("{good}\n"),
        format!(" {good}"),
        phc("v=1$ln=17,r=8,p=1"),
        phc("r=8,ln=17,p=1"),
        phc("ln=17,r=8"),
        phc("ln=17,r=8,p=1,"),
        phc("ln=17,r=8,p=1,k=1"),
        phc("ln=17,r=8,p=1,p=1"),
        phc("ln=017,r=8,p=1"),
        phc("ln=+17,r=8,p=1"),
        phc("ln=17, r=8,p=1"),
        phc("ln=,r=8,p=1"),
        phc("ln=17,r=8,p=18446744073709551616"),
        phc("n=17,r=8,p=1"),
        // Padding, the alphabet for addresses, unused bits that are not zero, a lone letter.
        format!("$scrypt$ln=4,r=8,p=1${PHC_SALT}==${PHC_KEY}"),
        good.replace('+', "-").replace('/', "_"),
        format!("$scrypt$ln=4,r=8,p=1${}B${PHC_KEY}", &PHC_SALT[..21]),
        format!("$scrypt$ln=4,r=8,p=1$A${PHC_KEY}"),
    ] {
        assert!(
            refusal(&text).is_malformed(),
            "{text:?}: {}",
            refusal(&text)
        );
    }
}

#[test]
fn phc_with_numbers_out_of_range_has_invalid_params() {
    for text in [
        phc("ln=0,r=8,p=1"),
        phc("ln=64,r=8,p=1"),
        phc("ln=256,r=8,p=1"),
        phc("ln=273,r=8,p=1"),
        phc("ln=17,r=0,p=1"),
        phc("ln=17,r=8,p=0"),
        phc("ln=1,r=65536,p=65536"),
        phc("ln=1,r=4294967297,p=1"),
        format!("$scrypt$ln=4,r=8,p=1${PHC_SALT}$"),
        format!("$scrypt$ln=4,r=8,p=1${PHC_SALT}$AAAAAAAAAAAA"),
        format!("$scrypt$ln=4,r=8,p=1${PHC_SALT}${}", "A".repeat(87)),
    ] {
        assert!(
            refusal(&text).is_invalid_params(),
            "{text:?}: {}",
            refusal(&text)
        );
    }
}

#[test]
fn hashes_of_others_are_refused_by_name() {
    for (text, name) in [
        (
            "$7$CU..../....gexFywDXRQGnqLDV.zpqf.$GK64BeExQknd3etXg8dO4EAaPMKCi/uQaWfel3//s8/",
            "$7$",
        ),
        (
            "scrypt$16384$TlTKnWXYZxaguenpJ9Kqvt$8$5$liIlNfx/SL8l/rU1FoAF6A==",
            "Django",
        ),
        ("scrypt:2048:8:1$s38etTWuEkO6F8vj$143bbccc", "Werkzeug"),
        (
            "$s0$e0801$epIxT/h6HbbwHaehFnh/bw==$7H0vsXlY8UxxyW/BWx/9GuY7jEvGjT71GFd6O4SZND0=",
            "$s0$",
        ),
        ("$s1$0E0801$AAAA$AAAA", "$s1$"),
        ("$100801$c2FsdA==$a2V5", "Spring"),
        ("$rscrypt$0$DggB$AAAA$AAAA$", "rust-crypto"),
        (
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
            "yescrypt",
        ),
        ("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA", "Argon2"),
        (
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "bcrypt",
        ),
        ("pbkdf2_sha256$600000$salt$key=", "PBKDF2"),
    ] {
        let error = refusal(text);
        assert!(error.is_unknown_format() && error.is_unreadable(), "{text}");
        assert!(error.to_string().contains(name), "{text}: {error}");
    }
}

#[test]
fn what_cannot_be_a_hash_is_refused_before_it_is_looked_at() {
    assert!(refusal(&"1".repeat(MAX_LEN + 1)).is_malformed());
    assert!(refusal("16384$8$1$пароль$ключ").is_malformed());
    assert!(refusal("hunter2").is_malformed());
}

fn hashes() -> impl Strategy<Value = Encoded> {
    let format = prop_oneof![Just(Format::Phc), Just(Format::SimpleScrypt)];
    let bytes = |range| prop::collection::vec(any::<u8>(), range);
    (
        format,
        1..=63u8,
        1..1u32 << 15,
        1..1u32 << 15,
        bytes(8..65),
        bytes(16..65),
    )
        .prop_map(|(format, log_n, r, p, salt, key)| {
            let params = Params::new(log_n, r, p).unwrap();
            Encoded {
                format,
                params,
                salt,
                key: Zeroizing::new(key),
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_is_read_back(hash in hashes()) {
        let text = hash.write();
        prop_assert!(text.len() <= MAX_LEN);
        let read = Encoded::parse(&text);
        prop_assert_eq!(read, Ok(hash));
    }

    /// A canonical string has one spelling: whatever is read is written the same, apart from the
    /// two liberties of simple-scrypt's form.
    #[test]
    fn what_is_read_is_written_back(hash in hashes(), at in any::<prop::sample::Index>(), byte in 0x20..0x7fu8) {
        let mut text = hash.write().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let text = String::from_utf8(text).unwrap();
        if let Ok(read) = Encoded::parse(&text) {
            let canonical = match read.format {
                Format::Phc => text,
                Format::SimpleScrypt => {
                    let zeros = |field: &str| match field.trim_start_matches('0') {
                        "" => "0".to_owned(),
                        digits => digits.to_owned(),
                    };
                    let mut fields: Vec<_> = text.to_lowercase().split('$').map(str::to_owned).collect();
                    for number in &mut fields[..3] {
                        *number = zeros(number);
                    }
                    fields.join("$")
                }
            };
            prop_assert_eq!(read.write(), canonical);
        }
    }

    #[test]
    fn no_string_panics(text in any::<String>()) {
        let _ = Encoded::parse(&text);
    }

    #[test]
    fn no_string_that_looks_like_a_hash_panics(text in r"(\$scrypt\$|\$|scrypt[:$])?([a-z=,]{0,3}[0-9A-Za-z+/.]{0,24}[$,:=]){0,7}[0-9a-f]{0,70}") {
        let _ = Encoded::parse(&text);
    }
}
