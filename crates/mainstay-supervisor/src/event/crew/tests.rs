use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::*;
use crate::process::tests::program;

/// A pool with the listeners `one` and `two`, who have joined with these numbers.
struct Bench {
    crew: Crew,
    /// What was written to whom, by number.
    written: Rc<RefCell<Vec<(u64, String)>>>,
    closed: Rc<Cell<u64>>,
    serial: u64,
}

impl Bench {
    fn new(buffer_size: usize) -> Self {
        let process = |name: &str| {
            let mut process = program("listen");
            process.name = name.to_owned();
            Arc::new(process)
        };
        let group = config::Group {
            name: "pool".to_owned(),
            priority: -1,
            kind: GroupKind::Listeners {
                buffer_size,
                events: vec!["REMOTE_COMMUNICATION".to_owned()],
                result_handler: String::new(),
            },
            processes: vec![process("one"), process("two")],
        };
        let mut bench = Self {
            crew: Crew::new(&group).unwrap(),
            written: Rc::default(),
            closed: Rc::default(),
            serial: 0,
        };
        // The order of joining is not the order of the pool.
        bench.join(2, "two");
        bench.join(1, "one");
        bench
    }

    fn join(&mut self, id: u64, process: &str) {
        let (written, closed) = (Rc::clone(&self.written), Rc::clone(&self.closed));
        let outlet = move |bytes: &[u8]| {
            if closed.get() == id {
                return false;
            }
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let data = text.rsplit('\n').next().unwrap().to_owned();
            written.borrow_mut().push((id, data));
            true
        };
        self.crew.join(id, process, Box::new(outlet));
    }

    fn ready(&mut self, id: u64) {
        self.crew.set_running(id, true);
        self.hear(id, "READY\n");
    }

    fn hear(&mut self, id: u64, text: &str) -> Option<Duration> {
        let pause = self.crew.hear(id, text.as_bytes());
        self.crew.dispatch("id");
        pause
    }

    /// Events with the data `a`, `b`, …
    fn happen(&mut self, data: &str) {
        for letter in data.chars() {
            let event = Arc::new(Event::remote("x", letter.to_string().as_bytes()));
            self.crew.take(&event, self.serial);
            self.serial += 1;
        }
        self.crew.dispatch("id");
    }

    #[track_caller]
    fn wrote(&self, expected: &[(u64, &str)]) {
        let written = self.written.take();
        let written: Vec<_> = written
            .iter()
            .map(|(id, data)| (*id, data.as_str()))
            .collect();
        assert_eq!(written, expected);
    }

    #[track_caller]
    fn said(&mut self, expected: &[&str]) {
        let notes = std::mem::take(&mut self.crew.notes);
        let lines: Vec<_> = notes
            .iter()
            .map(|note| format!("{:?} {}", note.level, note.message))
            .collect();
        assert_eq!(lines, expected);
    }
}

#[test]
fn events_go_in_order_to_the_first_listener_that_is_ready() {
    let mut bench = Bench::new(10);
    bench.happen("ab");
    bench.wrote(&[]);
    bench.said(&[]);

    bench.ready(2);
    bench.wrote(&[(2, "a")]);
    bench.said(&[
        "Debug two: ACKNOWLEDGED -> READY",
        "Debug event 0 sent to listener two",
    ]);

    bench.ready(1);
    bench.hear(2, "RESULT 2\nOKREADY\n");
    bench.wrote(&[(1, "b")]);
    bench.happen("cd");
    bench.wrote(&[(2, "c")]);

    bench.hear(1, "RESULT 2\nOK");
    bench.wrote(&[]);
    bench.hear(1, "READY\n");
    bench.wrote(&[(1, "d")]);
    bench.hear(1, "RESULT 2\nOKREADY\n");
    bench.hear(2, "RESULT 2\nOKREADY\n");
    bench.happen("e");
    bench.wrote(&[(1, "e")]);
    assert!(bench.crew.is_busy());
    bench.hear(1, "RESULT 2\nOK");
    assert!(!bench.crew.is_busy());
}

#[test]
fn a_listener_must_be_running_as_well() {
    let mut bench = Bench::new(10);
    bench.happen("a");
    bench.hear(1, "READY\n");
    bench.wrote(&[]);
    bench.crew.set_running(1, true);
    bench.crew.dispatch("id");
    bench.wrote(&[(1, "a")]);
}

#[test]
fn a_rejected_event_comes_first_again() {
    let mut bench = Bench::new(10);
    bench.ready(1);
    bench.happen("ab");
    bench.crew.notes.clear();
    assert_eq!(bench.hear(1, "RESULT 4\nFAILREADY\n"), None);
    bench.said(&[
        "Warn one: event was rejected",
        "Debug one: BUSY -> ACKNOWLEDGED",
        "Debug rebuffering event 0 for pool pool (buf size=1, max=10)",
        "Debug one: ACKNOWLEDGED -> READY",
        "Debug event 0 sent to listener one",
    ]);
    bench.wrote(&[(1, "a"), (1, "a")]);
}

#[test]
fn one_that_rejects_everything_is_slowed_down() {
    let mut bench = Bench::new(10);
    bench.ready(1);
    bench.happen("a");
    for _ in 0..AT_ONCE {
        assert_eq!(bench.hear(1, "RESULT 4\nFAILREADY\n"), None);
    }
    bench.written.take();
    for millis in [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 100] {
        let pause = bench.hear(1, "RESULT 4\nFAILREADY\n");
        assert_eq!(pause, Some(Duration::from_millis(millis)));
        bench.crew.dispatch("id");
        bench.wrote(&[]);
        bench.crew.release();
        bench.crew.dispatch("id");
        bench.wrote(&[(1, "a")]);
    }
    // Once something is processed, it is forgiven.
    bench.hear(1, "RESULT 2\nOKREADY\n");
    bench.happen("b");
    assert_eq!(bench.hear(1, "RESULT 4\nFAILREADY\n"), None);
}

#[test]
fn what_a_listener_had_when_it_died_goes_to_another() {
    let mut bench = Bench::new(10);
    bench.ready(1);
    bench.happen("ab");
    bench.ready(2);
    bench.wrote(&[(1, "a"), (2, "b")]);
    bench.crew.leave(1);
    bench.crew.dispatch("id");
    bench.wrote(&[]);
    bench.hear(2, "RESULT 2\nOKREADY\n");
    bench.wrote(&[(2, "a")]);
    // The next process of that name begins anew; the old one's last words mean nothing to it.
    bench.join(3, "one");
    assert_eq!(bench.hear(1, "rubbish"), None);
    bench.ready(3);
    bench.happen("c");
    bench.wrote(&[(3, "c")]);
}

#[test]
fn one_that_breaks_the_protocol_gets_nothing_more() {
    for (words, line) in [
        ("hello", None),
        ("READY\nmore", None),
        ("READY\n", Some("FOO x")),
    ] {
        let mut bench = Bench::new(10);
        bench.crew.set_running(1, true);
        if let Some(line) = line {
            bench.happen("a");
            bench.hear(1, words);
            bench.crew.notes.clear();
            bench.hear(1, &format!("{line}\n"));
            bench.said(&[
                &format!("Warn one: bad result line: '{line}'"),
                "Debug one: BUSY -> UNKNOWN",
                &format!("Warn one: {UNKNOWN}"),
                "Debug rebuffering event 0 for pool pool (buf size=0, max=10)",
            ]);
            bench.wrote(&[(1, "a")]);
        } else {
            bench.hear(1, words);
            bench.happen("a");
        }
        bench.hear(1, "READY\n");
        bench.wrote(&[]);
        assert!(!bench.crew.is_busy());
        // The event is not lost.
        bench.ready(2);
        bench.wrote(&[(2, "a")]);
    }
}

#[test]
fn a_full_buffer_is_said() {
    let mut bench = Bench::new(2);
    bench.happen("abc");
    bench.said(&["Error pool pool event buffer overflowed, discarding event 0"]);
    bench.ready(1);
    bench.happen("d");
    bench.crew.notes.clear();
    bench.hear(1, "RESULT 4\nFAIL");
    bench.said(&[
        "Warn one: event was rejected",
        "Debug one: BUSY -> ACKNOWLEDGED",
        "Debug rebuffering event 1 for pool pool (buf size=2, max=2)",
        "Error pool pool event buffer overflowed, discarding event 2",
    ]);
}

#[test]
fn one_that_has_closed_its_input_is_passed_over() {
    let mut bench = Bench::new(10);
    bench.closed.set(1);
    bench.ready(1);
    bench.happen("a");
    bench.crew.notes.clear();
    bench.ready(2);
    bench.wrote(&[(2, "a")]);
    bench.said(&[
        "Debug two: ACKNOWLEDGED -> READY",
        "Debug epipe occurred while sending event 0 to listener one, listener state unchanged",
        "Debug event 0 sent to listener two",
    ]);
}
