//! Ticks: an event at each boundary of five seconds, a minute and an hour.

use std::time::Duration;

use super::{Event, Kind};

const PERIODS: [(Kind, i64); 3] = [
    (Kind::TICK_5, 5),
    (Kind::TICK_60, 60),
    (Kind::TICK_3600, 3600),
];

/// Which slices of time have begun. Times are seconds since the epoch, by the wall clock.
#[derive(Debug)]
pub struct Ticks {
    slices: [i64; PERIODS.len()],
}

impl Ticks {
    /// Starts counting now; the first ticks come at the next boundaries.
    pub fn new(now: i64) -> Self {
        Self {
            slices: PERIODS.map(|(_, period)| slice(now, period)),
        }
    }

    /// The ticks of the slices that have begun since the last call: at most one of each kind, none
    /// for slices slept through.
    pub fn due(&mut self, now: i64) -> Vec<Event> {
        let mut events = Vec::new();
        for (last, (kind, period)) in self.slices.iter_mut().zip(PERIODS) {
            let this = slice(now, period);
            if this != *last {
                *last = this;
                events.push(Event::tick(kind, this));
            }
        }
        events
    }

    /// How long until the next boundary of the shortest wanted period; `None` if none is wanted.
    pub fn next(now: Duration, wanted: impl Fn(Kind) -> bool) -> Option<Duration> {
        let (_, period) = PERIODS.iter().find(|(kind, _)| wanted(*kind))?;
        // Positive: the periods are constants.
        let period = Duration::from_secs(period.unsigned_abs());
        let into = Duration::new(now.as_secs() % period.as_secs(), now.subsec_nanos());
        Some(period - into)
    }
}

const fn slice(now: i64, period: i64) -> i64 {
    now - now.rem_euclid(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_come_at_the_boundaries() {
        let mut ticks = Ticks::new(7_197);
        let mut names = |now| -> Vec<String> {
            ticks
                .due(now)
                .into_iter()
                .map(|event| {
                    format!(
                        "{} {}",
                        event.kind,
                        String::from_utf8(event.payload).unwrap()
                    )
                })
                .collect()
        };
        assert_eq!(names(7_199), [""; 0]);
        assert_eq!(
            names(7_200),
            [
                "TICK_5 when:7200",
                "TICK_60 when:7200",
                "TICK_3600 when:7200"
            ]
        );
        assert_eq!(names(7_204), [""; 0]);
        assert_eq!(names(7_205), ["TICK_5 when:7205"]);
        // Slept through: one tick, for the slice that it is now.
        assert_eq!(names(7_299), ["TICK_5 when:7295", "TICK_60 when:7260"]);
        // The clock was set back: a slice is a slice.
        assert_eq!(names(7_201), ["TICK_5 when:7200", "TICK_60 when:7200"]);
    }

    #[test]
    fn nobody_wakes_up_for_ticks_that_nobody_wants() {
        let at = Duration::from_millis(61_250);
        assert_eq!(Ticks::next(at, |_| false), None);
        assert_eq!(
            Ticks::next(at, |_| true),
            Some(Duration::from_millis(3_750))
        );
        let hourly = Ticks::next(at, |kind| kind == Kind::TICK_3600);
        assert_eq!(hourly, Some(Duration::from_millis(3_600_000 - 61_250)));
    }
}
