use tokio::task::LocalSet;

use super::*;
use crate::config::{Group, GroupKind, Level};
use crate::process::tests::program;

/// A bus with one pool and one listener, who is ready.
pub(crate) struct Pool {
    pub(crate) bus: Bus,
    seat: Seat,
    written: Rc<RefCell<Vec<u8>>>,
}

impl Pool {
    pub(crate) fn new(events: &str, buffer_size: usize) -> Self {
        let bus = Bus::new(MainLog::new(Level::Info), "id", 0);
        bus.add(&group("pool", events, buffer_size));
        let written = Rc::<RefCell<Vec<u8>>>::default();
        let sink = Rc::clone(&written);
        let outlet = move |bytes: &[u8]| {
            sink.borrow_mut().extend_from_slice(bytes);
            true
        };
        let seat = bus.join("pool", "cat", Box::new(outlet)).unwrap();
        seat.set_running(true);
        seat.ear().hear(b"READY\n");
        Self { bus, seat, written }
    }

    /// Has the listener answer until nothing more comes: header and payload of each event.
    pub(crate) fn envelopes(&self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let envelope = self.written.take();
            if envelope.is_empty() {
                return all;
            }
            all.push(String::from_utf8(envelope).unwrap());
            self.seat.ear().hear(b"RESULT 2\nOKREADY\n");
        }
    }

    /// As [`envelopes`](Self::envelopes), of the header the event's name alone.
    pub(crate) fn events(&self) -> Vec<String> {
        let short = |envelope: String| {
            let (header, payload) = envelope.split_once('\n').unwrap();
            let name = header
                .split(' ')
                .find_map(|word| word.strip_prefix("eventname:"))
                .unwrap();
            format!("{name} {payload}")
        };
        self.envelopes().into_iter().map(short).collect()
    }
}

fn group(name: &str, events: &str, buffer_size: usize) -> Group {
    Group {
        name: name.to_owned(),
        priority: -1,
        kind: GroupKind::Listeners {
            buffer_size,
            events: events.split(',').map(ToOwned::to_owned).collect(),
            result_handler: String::new(),
        },
        processes: vec![Arc::new(program("cat"))],
    }
}

fn remote(bus: &Bus, data: &str) {
    bus.publish(Kind::REMOTE_COMMUNICATION, || {
        Event::remote("x", data.as_bytes())
    });
}

#[tokio::test]
async fn headers_count_for_all_pools_and_for_each() {
    let work = async {
        let pool = Pool::new("REMOTE_COMMUNICATION", 10);
        pool.bus
            .add(&group("other", "PROCESS_GROUP,REMOTE_COMMUNICATION", 10));
        remote(&pool.bus, "a");
        pool.bus
            .publish(Kind::GROUP_ADDED, || Event::group(Kind::GROUP_ADDED, "g"));
        remote(&pool.bus, "bé");
        assert_eq!(
            pool.envelopes(),
            [
                "ver:3.0 server:id serial:0 pool:pool poolserial:0 eventname:REMOTE_COMMUNICATION \
             len:8\ntype:x\na",
                "ver:3.0 server:id serial:2 pool:pool poolserial:1 eventname:REMOTE_COMMUNICATION \
             len:10\ntype:x\nbé",
            ]
        );
        assert_eq!(pool.bus.serial(), 3);
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn what_nobody_wants_is_neither_made_nor_counted() {
    let work = async {
        let pool = Pool::new("TICK_3600", 10);
        pool.bus
            .publish(Kind::GROUP_ADDED, || unreachable!("nobody asked"));
        assert_eq!(pool.bus.serial(), 0);
        pool.bus.remove("pool");
        assert!(!pool.bus.wants(Kind::TICK_3600));
        // The seat's pool is gone; it may be used all the same.
        pool.seat.ear().hear(b"READY\n");
        pool.seat.set_running(true);
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn a_seat_that_goes_gives_its_event_back() {
    let work = async {
        let pool = Pool::new("REMOTE_COMMUNICATION", 10);
        remote(&pool.bus, "a");
        assert!(pool.bus.is_busy("pool"));
        let Pool { bus, seat, .. } = pool;
        let old = seat.ear();
        drop(seat);
        assert!(!bus.is_busy("pool"));
        tokio::time::timeout(Duration::from_secs(5), bus.calm())
            .await
            .unwrap();
        old.hear(b"last words");

        let written = Rc::<RefCell<Vec<u8>>>::default();
        let sink = Rc::clone(&written);
        let outlet = move |bytes: &[u8]| {
            sink.borrow_mut().extend_from_slice(bytes);
            true
        };
        let next = bus.join("pool", "cat", Box::new(outlet)).unwrap();
        next.ear().hear(b"READY\n");
        assert!(written.take().is_empty());
        next.set_running(true);
        assert!(written.take().ends_with(b"type:x\na"));
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn a_group_that_is_no_pool_has_no_seats() {
    let bus = Bus::new(MainLog::new(Level::Info), "id", 7);
    let mut plain = group("plain", "", 1);
    plain.kind = GroupKind::Programs;
    bus.add(&plain);
    assert!(bus.join("plain", "cat", Box::new(|_| true)).is_none());
    assert_eq!(bus.serial(), 7);
}

#[tokio::test(start_paused = true)]
async fn ticks_come_only_while_somebody_wants_them() {
    let work = async {
        let bus = Bus::new(MainLog::new(Level::Info), "id", 0);
        bus.add(&group("other", "PROCESS_STATE", 10));
        assert!(bus.0.ticker.borrow().is_none());
        bus.add(&group("pool", "TICK_5", 10));
        assert!(bus.0.ticker.borrow().is_some());
        bus.remove("pool");
        assert!(bus.0.ticker.borrow().is_none());
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn a_tick_is_a_multiple_of_its_period() {
    let work = async {
        let pool = Pool::new("TICK_5", 10);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let tick = loop {
            if let Some(tick) = pool.events().pop() {
                break tick;
            }
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let when: u64 = tick.strip_prefix("TICK_5 when:").unwrap().parse().unwrap();
        assert_eq!(when % 5, 0);
        assert!(wall_clock().as_secs().abs_diff(when) < 5, "{when}");
    };
    LocalSet::new().run_until(work).await;
}
