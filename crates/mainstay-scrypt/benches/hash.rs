//! What a hash costs here, and what is around it.
//!
//! Run with `cargo bench -p mainstay-scrypt`.

use divan::{Bencher, black_box};
use mainstay_scrypt::{Hasher, Params, cost};

fn main() {
    divan::main();
}

/// Against the time of the derivation alone, on the same machine in the same run.
const PRESETS: [&str; 6] = [
    "owasp",
    "64 MiB",
    "32 MiB",
    "16 MiB",
    "8 MiB",
    "simple-scrypt",
];

fn preset(name: &str) -> Params {
    match name {
        "owasp" => Params::OWASP,
        "64 MiB" => Params::OWASP_64_MIB,
        "32 MiB" => Params::OWASP_32_MIB,
        "16 MiB" => Params::OWASP_16_MIB,
        "8 MiB" => Params::OWASP_8_MIB,
        _ => Params::SIMPLE_SCRYPT,
    }
}

#[divan::bench(args = PRESETS, sample_count = 10, sample_size = 1)]
fn verify(bencher: Bencher<'_, '_>, name: &str) {
    let hasher = Hasher::builder().params(preset(name)).allow_weak().build();
    let hasher = hasher.unwrap_or_else(|error| panic!("{name}: {error}"));
    let stored = hasher
        .hash("password")
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    bencher.bench_local(|| hasher.verify(black_box("password"), black_box(&stored)));
}

#[divan::bench(args = PRESETS, sample_count = 10, sample_size = 1)]
fn derivation_alone(bencher: Bencher<'_, '_>, name: &str) {
    let params = preset(name);
    let params = scrypt::Params::new(params.log_n(), params.r(), params.p());
    let params = params.unwrap_or_else(|error| panic!("{name}: {error}"));
    bencher.bench_local(|| {
        let mut key = [0; 32];
        let result = scrypt::scrypt(black_box(b"password"), &[0; 16], &params, &mut key);
        (result.is_ok(), key)
    });
}

/// All four have to take the same time.
#[divan::bench(
    args = ["right", "wrong", "no such user", "damaged hash"],
    sample_count = 20,
    sample_size = 1
)]
fn login(bencher: Bencher<'_, '_>, case: &str) {
    let hasher = Hasher::builder().params(Params::OWASP_16_MIB).build();
    let hasher = hasher.unwrap_or_else(|error| panic!("{error}"));
    let stored = hasher
        .hash("password")
        .unwrap_or_else(|error| panic!("{error}"));
    bencher.bench_local(|| match case {
        "right" => hasher.verify(black_box("password"), &stored),
        "wrong" => hasher.verify(black_box("passwort"), &stored),
        "no such user" => hasher.dummy_verify(black_box("password")),
        _ => hasher.verify(black_box("password"), &stored[1..]),
    });
}

#[divan::bench(args = [
    "$scrypt$ln=17,r=8,p=1$6l2rlbKW0tpb67239j5HaA$0gIUvTYfKmqR+XP/JECBAP9MkrvzAtffie9MOzKTKn0",
    "16384$8$1$70c49c95ff3901ee998629e3e2287a66$1f2371347a68d2da1f743d31ccb21f86b15ab7261fb53bb796282ac5f48f4bd9",
    "scrypt$16384$TlTKnWXYZxaguenpJ9Kqvt$8$5$liIlNfx/SL8l/rU1FoAF6A==",
])]
fn parse(encoded: &str) -> bool {
    cost(black_box(encoded)).is_ok()
}
