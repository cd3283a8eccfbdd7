//! What can go wrong: with the benchmark itself, and with one operation of a load.

use std::{borrow::Cow, io};

use hyper::StatusCode;

/// How much of a wrong answer is shown, in bytes.
pub(crate) const SHOWN: usize = 300;

/// Why the benchmark, or one of its measures, can't be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: Cow<'static, str>,
        /// How it was refused.
        source: io::Error,
    },
    /// A server or a tool didn't do what the benchmark needs before it can measure.
    #[error("{0}")]
    Setup(String),
    /// A request that prepares a measure failed.
    #[error("in preparation, {0}")]
    Preparation(#[from] Failure),
    /// The signature library refused.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

impl BenchError {
    /// For `map_err`: says what was tried.
    pub(crate) fn io(what: impl Into<Cow<'static, str>>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// An operation that didn't answer as it should.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Another answer than expected.
    #[error("{step}: {problem}: status {status}, body: {body}")]
    Answer {
        /// Which request of the operation.
        step: &'static str,
        /// What is wrong with the answer.
        problem: &'static str,
        /// The answer's status.
        status: StatusCode,
        /// The answer's body, its beginning.
        body: String,
    },
    /// No answer, or one whose content is wrong.
    #[error("{step}: {problem}")]
    Problem {
        /// Which request of the operation.
        step: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The operation was still under way long after the load had ended.
    #[error("no answer within {0} s after the end of the load")]
    Stuck(u64),
}
