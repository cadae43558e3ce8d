//! Large files: what reading them costs grows as they do. The daemon does nothing else meanwhile.

use std::fmt::Write as _;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::Site;
use crate::config::environment;

/// What this thread has used of the processor.
fn used() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .unwrap()
        .into()
}

/// Four times as much must cost about four times as much; what is quadratic costs sixteen times.
#[track_caller]
fn grows_evenly(run: impl Fn(usize)) {
    let cost = |size| {
        let once = || {
            let before = used();
            run(size);
            used() - before
        };
        once().min(once())
    };
    let (small, large) = (cost(1000), cost(4000));
    assert!(
        large < small * 9,
        "1000: {small:?}, 4000: {large:?}, {} times as much",
        large.as_secs_f64() / small.as_secs_f64()
    );
}

/// `count` lines.
fn lines(count: usize, mut line: impl FnMut(&mut String, usize)) -> String {
    let mut text = String::new();
    for number in 0..count {
        line(&mut text, number);
        text.push('\n');
    }
    text
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).unwrap();
}

#[test]
fn bad_lines() {
    grows_evenly(|count| {
        let site = Site::running(&lines(count, |text, _| text.push_str("nonsense")));
        assert_eq!(site.check().problems.len(), count);
    });
}

#[test]
fn bad_values() {
    grows_evenly(|count| {
        let site = Site::running(&lines(count, |text, number| {
            write(
                text,
                format_args!("[program:p{number}]\ncommand=a\nstartsecs=x"),
            );
        }));
        assert_eq!(site.check().problems.len(), count);
    });
}

#[test]
fn programs_that_all_have_the_defaults() {
    grows_evenly(|count| {
        let defaults = lines(count, |text, number| {
            write(text, format_args!("k{number}=v"));
        });
        let programs = lines(count, |text, number| {
            write(text, format_args!("[program:p{number}]\ncommand=a"));
        });
        let site = Site::running(&format!("{programs}[DEFAULT]\n{defaults}"));
        assert_eq!(site.config().groups.len(), count);
    });
}

#[test]
fn members_of_a_group() {
    grows_evenly(|count| {
        let programs = lines(count, |text, number| {
            write(text, format_args!("[program:p{number}]\ncommand=a"));
        });
        let names = lines(count, |text, number| {
            write(text, format_args!(" p{number},"));
        });
        let names = names.trim_end().trim_end_matches(',');
        let site = Site::running(&format!("{programs}[group:g]\nprograms=\n{names}\n"));
        assert_eq!(site.config().groups[0].processes.len(), count);
    });
}

#[test]
fn groups_of_strangers() {
    grows_evenly(|count| {
        let site = Site::running(&lines(count, |text, number| {
            write(
                text,
                format_args!(
                    "[program:p{number}]\ncommand=a\n[group:g{number}]\nprograms=q{number}"
                ),
            );
        }));
        assert_eq!(site.check().problems.len(), count);
    });
}

#[test]
fn variables_of_an_environment() {
    grows_evenly(|count| {
        let pairs = lines(count, |text, number| {
            write(text, format_args!("K{number}=v,"));
        });
        assert_eq!(environment::parse(&pairs).unwrap().len(), count);
        let site = Site::running(&format!(
            "environment={pairs}[program:x]\ncommand=a\nenvironment={pairs}",
            pairs = pairs.replace('\n', "") + "\n"
        ));
        assert_eq!(site.process().environment.len(), count);
    });
}
