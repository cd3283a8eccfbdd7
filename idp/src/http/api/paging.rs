//! Lists are read a part at a time: `limit` says how much, `cursor` where the part begins.

use std::str::FromStr;

use super::refusal::{Refusal, Result};

/// How many a part has unless said otherwise.
const USUAL: u16 = 50;
/// The most that a part has.
pub(in crate::http) const MOST: u16 = 200;

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub(in crate::http) struct Part<I> {
    /// It begins after this one.
    pub(in crate::http) after: Option<I>,
    limit: u16,
}

impl<I: FromStr> Part<I> {
    /// What a request asks for.
    pub(in crate::http) fn new(limit: Option<u16>, cursor: Option<&str>) -> Result<Self> {
        let limit = limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Refusal::bad_request(format!("limit: must be 1 to {MOST}")));
        }
        let unknown = |_| Refusal::bad_request("cursor: must be the next_cursor of the part before");
        Ok(Self { after: cursor.map(str::parse).transpose().map_err(unknown)?, limit })
    }
}

impl<I> Part<I> {
    /// How many to read: one more than is shown, to know whether there is a next part.
    pub(in crate::http) fn reads(&self) -> u64 {
        u64::from(self.limit) + 1
    }

    /// What is shown of what was read, and where the next part begins.
    pub(in crate::http) fn shows<T>(&self, mut read: Vec<T>, id: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let limit = usize::from(self.limit);
        let more = read.len() > limit;
        read.truncate(limit);
        let next = read.last().filter(|_| more).map(id);
        (read, next)
    }
}
