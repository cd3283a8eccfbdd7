//! What counts and measures: atomics, one each. Nothing here takes a lock or allocates once it is made.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::labels::Label;

/// How often something happened.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Once more.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many times more.
    pub fn add(&self, times: u64) {
        self.0.fetch_add(times, Ordering::Relaxed);
    }

    /// How often so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How much of something there is now.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// One more.
    pub fn increase(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn decrease(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How much.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper ends of a histogram's buckets, in microseconds.
pub(super) type Bounds = [u64; 12];

/// For what takes milliseconds: half of one to five seconds.
pub(super) const MILLISECONDS: Bounds =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];
/// For what takes microseconds: one to a tenth of a second.
pub(super) const MICROSECONDS: Bounds = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 25_000, 100_000];

/// How long something takes.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static Bounds,
    /// One more than there are bounds: the last has no end.
    counts: [AtomicU64; 13],
    nanoseconds: AtomicU64,
}

impl Histogram {
    /// Empty, with these buckets.
    pub fn new(bounds: &'static Bounds) -> Self {
        Self { bounds, counts: Default::default(), nanoseconds: AtomicU64::default() }
    }

    /// It took so long.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.bounds.partition_point(|bound| *bound < micros);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// For each bucket but the last its upper end in microseconds, and how many were at most that.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.bounds.iter().zip(&self.counts).scan(0, |sum, (bound, count)| {
            *sum += count.load(Ordering::Relaxed);
            Some((*bound, *sum))
        })
    }

    /// How many there were in all.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How long all of them took.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }
}

/// A counter for each value of a label.
#[derive(Debug)]
pub struct Counters<L> {
    counters: Box<[Counter]>,
    label: PhantomData<L>,
}

impl<L: Label> Default for Counters<L> {
    fn default() -> Self {
        Self { counters: L::ALL.iter().map(|_| Counter::default()).collect(), label: PhantomData }
    }
}

impl<L: Label> Counters<L> {
    /// One more of this value.
    pub fn count(&self, value: L) {
        self.add(value, 1);
    }

    /// So many more of this value.
    pub fn add(&self, value: L, times: u64) {
        if let Some(counter) = self.counters.get(value.index()) {
            counter.add(times);
        }
    }

    /// Each value, and how often.
    pub fn all(&self) -> impl Iterator<Item = (L, u64)> {
        L::ALL.iter().copied().zip(self.counters.iter().map(Counter::get))
    }

    /// How often there was this value.
    pub fn get(&self, value: L) -> u64 {
        self.counters.get(value.index()).map_or(0, Counter::get)
    }
}

/// A counter for each pair of values of two labels.
#[derive(Debug)]
pub struct Table<A, B>(Box<[Counters<B>]>, PhantomData<A>);

impl<A: Label, B: Label> Default for Table<A, B> {
    fn default() -> Self {
        Self(A::ALL.iter().map(|_| Counters::default()).collect(), PhantomData)
    }
}

impl<A: Label, B: Label> Table<A, B> {
    /// One more of this pair.
    pub fn count(&self, first: A, second: B) {
        if let Some(row) = self.0.get(first.index()) {
            row.count(second);
        }
    }

    /// Each pair, and how often.
    pub fn all(&self) -> impl Iterator<Item = (A, B, u64)> {
        A::ALL
            .iter()
            .copied()
            .zip(&self.0)
            .flat_map(|(first, row)| row.all().map(move |(second, n)| (first, second, n)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Histogram, MILLISECONDS};

    #[test]
    fn a_bucket_holds_its_upper_end_and_all_below() {
        let histogram = Histogram::new(&MILLISECONDS);
        for micros in [1, 500, 501, 1_000, 5_000_000, 5_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets.first(), Some(&(500, 2)));
        assert_eq!(buckets.get(1), Some(&(1_000, 4)));
        assert_eq!(buckets.last(), Some(&(5_000_000, 5)));
        assert_eq!(histogram.count(), 6);
        assert_eq!(histogram.sum(), Duration::from_micros(10_002_003));
    }
}
