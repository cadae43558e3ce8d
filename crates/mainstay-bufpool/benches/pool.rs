//! One answer: get a buffer, write it in pieces of 64 bytes, give it back. Against a `Vec` that
//! grows and a `Vec` of the right size. `cargo bench -p mainstay-bufpool`

#![allow(missing_docs)]

use bytes::Bytes;
use divan::{Bencher, black_box};
use mainstay_bufpool::{BufferPool, Sizing};

const SIZES: [usize; 3] = [1 << 10, 16 << 10, 256 << 10];

fn main() {
    divan::main();
}

fn fill(buf: &mut Vec<u8>, len: usize) {
    for _ in 0..len / 64 {
        buf.extend_from_slice(black_box(&[7; 64]));
    }
}

fn pool(size: usize) -> BufferPool {
    BufferPool::builder().size(Sizing::Fixed(size)).build()
}

#[divan::bench(args = SIZES)]
fn vec_new(len: usize) {
    let mut buf = Vec::new();
    fill(&mut buf, len);
    black_box(buf);
}

#[divan::bench(args = SIZES)]
fn vec_with_capacity(len: usize) {
    let mut buf = Vec::with_capacity(len);
    fill(&mut buf, len);
    black_box(buf);
}

#[divan::bench(args = SIZES, threads = [1, 2])]
fn pooled(bencher: Bencher<'_, '_>, len: usize) {
    let pool = pool(len);
    bencher.bench(|| {
        let mut buf = pool.get();
        fill(&mut buf, len);
        black_box(&buf);
    });
}

#[divan::bench(args = SIZES)]
fn pooled_as_bytes(bencher: Bencher<'_, '_>, len: usize) {
    let pool = pool(len);
    bencher.bench(|| {
        let mut buf = pool.get();
        fill(&mut buf, len);
        black_box(buf.freeze());
    });
}

/// Many answers at once, then all gone: where glibc gives memory back to the kernel each time.
mod in_flight {
    use super::*;

    const FLIGHT: usize = 64;

    #[divan::bench(args = SIZES, sample_count = 20)]
    fn vec_with_capacity(len: usize) {
        let answers: Vec<Bytes> = (0..FLIGHT)
            .map(|_| {
                let mut buf = Vec::with_capacity(len);
                fill(&mut buf, len);
                Bytes::from(buf)
            })
            .collect();
        black_box(answers);
    }

    #[divan::bench(args = SIZES, sample_count = 20)]
    fn pooled_as_bytes(bencher: Bencher<'_, '_>, len: usize) {
        let pool = pool(len);
        bencher.bench(|| {
            let answers: Vec<Bytes> = (0..FLIGHT)
                .map(|_| {
                    let mut buf = pool.get();
                    fill(&mut buf, len);
                    buf.freeze()
                })
                .collect();
            black_box(answers);
        });
    }
}
