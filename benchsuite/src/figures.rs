//! Medians, spreads and ratios, and the table they are printed in.

use std::fmt::Write as _;

/// One quantity, measured in every round for every peer.
pub(crate) struct Figure {
    /// What it is, with its unit.
    pub(crate) name: String,
    /// Whether less is better (times, memory) or more (rates).
    pub(crate) less_is_better: bool,
    /// Peer and its samples, in the order in which the peers were measured.
    samples: Vec<(&'static str, Vec<f64>)>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, less_is_better: bool) -> Self {
        Self {
            name: name.into(),
            less_is_better,
            samples: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, peer: &'static str, value: f64) {
        match self.samples.iter_mut().find(|(name, _)| *name == peer) {
            Some((_, values)) => values.push(value),
            None => self.samples.push((peer, vec![value])),
        }
    }

    /// The median of one peer.
    pub(crate) fn median(&self, peer: &str) -> Option<f64> {
        let (_, values) = self.samples.iter().find(|(name, _)| *name == peer)?;
        percentile(values, 0.5)
    }
}

/// A report: figures, printed as they are finished and kept for the file.
#[derive(Default)]
pub(crate) struct Report(pub(crate) String);

impl Report {
    pub(crate) fn say(&mut self, line: &str) {
        println!("{line}");
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// A line for each peer: median, least and most, and how many times better `ours` is.
    pub(crate) fn show(&mut self, figure: &Figure, ours: &str) {
        let mine = figure.median(ours);
        self.say(&format!("  {}", figure.name));
        for (peer, values) in &figure.samples {
            let at = |p| percentile(values, p).unwrap_or(f64::NAN);
            let mut line = format!(
                "    {peer:<12}{:>12} ({} to {})",
                short(at(0.5)),
                short(at(0.0)),
                short(at(1.0))
            );
            if let Some(mine) = mine.filter(|_| *peer != ours) {
                let factor = if figure.less_is_better {
                    at(0.5) / mine
                } else {
                    mine / at(0.5)
                };
                let _ = write!(line, "   {ours} is {} times better", short(factor));
            }
            self.say(&line);
        }
    }
}

/// The value below which a part of the samples lies; nearest rank.
pub(crate) fn percentile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    // Rounded and between 0 and `last`: the conversion is exact.
    sorted.get((last as f64 * part).round() as usize).copied()
}

/// Three significant digits.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_samples_themselves() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(percentile(&values, 0.5), Some(3.0));
        assert_eq!(percentile(&values, 0.0), Some(1.0));
        assert_eq!(percentile(&values, 1.0), Some(5.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn the_ratio_says_how_many_times_better_whichever_way_better_is() {
        for (less_is_better, ours, theirs) in [(true, 2.0, 8.0), (false, 8.0, 2.0)] {
            let mut figure = Figure::new("quantity", less_is_better);
            figure.add("ours", ours);
            figure.add("theirs", theirs);
            let mut report = Report::default();
            report.show(&figure, "ours");
            assert!(
                report.0.contains("ours is 4.00 times better"),
                "{}",
                report.0
            );
        }
    }
}
