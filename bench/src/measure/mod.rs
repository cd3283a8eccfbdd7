//! The measures, a file each, named after what they drive. A new one is a file, a variant and a line in each table
//! below.

mod client_credentials;
mod code_flow;
mod documents;
mod memory;
mod nodes;
mod other_algorithms;
mod presented;
mod refresh;
mod start;
mod storm;

use crate::{arguments::Selection, bench::Bench, error::BenchError, limit::Limit, report::Row};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// P1.
    ClientCredentials,
    /// P2.
    OtherAlgorithms,
    /// P3.
    Presented,
    /// P4.
    Documents,
    /// P5.
    Refresh,
    /// P6.
    CodeFlow,
    /// P7.
    Storm,
    /// P8.
    Start,
    /// P9.
    Memory,
    /// P13.
    Nodes,
}

impl Measure {
    /// All, in the order in which they run: those with servers of their own come before those that share one.
    pub(crate) const ALL: [Self; 10] = [
        Self::Start,
        Self::Memory,
        Self::ClientCredentials,
        Self::OtherAlgorithms,
        Self::Presented,
        Self::Documents,
        Self::Refresh,
        Self::CodeFlow,
        Self::Storm,
        Self::Nodes,
    ];

    /// All that `--only` takes.
    pub(crate) const SELECTIONS: [Selection; Self::ALL.len() + 1] = {
        let mut selections = [Selection::Limits; Self::ALL.len() + 1];
        let mut place = 0;
        while place < Self::ALL.len() {
            selections[place] = Selection::Measure(Self::ALL[place]);
            place += 1;
        }
        selections
    };

    /// Its code in the table and on the command line.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::ClientCredentials => "P1",
            Self::OtherAlgorithms => "P2",
            Self::Presented => "P3",
            Self::Documents => "P4",
            Self::Refresh => "P5",
            Self::CodeFlow => "P6",
            Self::Storm => "P7",
            Self::Start => "P8",
            Self::Memory => "P9",
            Self::Nodes => "P13",
        }
    }

    /// What it measures, in short.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials RS256",
            Self::OtherAlgorithms => "client_credentials ES256 and EdDSA",
            Self::Presented => "userinfo and introspection",
            Self::Documents => "JWKS and discovery",
            Self::Refresh => "refresh with rotation",
            Self::CodeFlow => "code flow",
            Self::Storm => "sign-in storm",
            Self::Start => "start to ready",
            Self::Memory => "memory",
            Self::Nodes => "two nodes on PostgreSQL",
        }
    }

    /// The limits that its ratios are taken to.
    pub(crate) const fn limits(self) -> &'static [Limit] {
        match self {
            Self::ClientCredentials => &[Limit::Rsa],
            Self::OtherAlgorithms => &[Limit::Es256, Limit::EdDsa],
            Self::Presented | Self::Documents => &[Limit::Hello],
            Self::Refresh => &[Limit::Rsa, Limit::Es256],
            Self::CodeFlow => &[Limit::Argon2, Limit::Rsa, Limit::Es256],
            Self::Storm => &[Limit::Argon2],
            Self::Start | Self::Memory | Self::Nodes => &[],
        }
    }

    /// Takes it.
    pub(crate) async fn run(self, bench: &Bench) -> Result<Vec<Row>, BenchError> {
        match self {
            Self::ClientCredentials => client_credentials::run(bench).await,
            Self::OtherAlgorithms => other_algorithms::run(bench).await,
            Self::Presented => presented::run(bench).await,
            Self::Documents => documents::run(bench).await,
            Self::Refresh => refresh::run(bench).await,
            Self::CodeFlow => code_flow::run(bench).await,
            Self::Storm => storm::run(bench).await,
            Self::Start => start::run(bench).await,
            Self::Memory => memory::run(bench).await,
            Self::Nodes => nodes::run(bench).await,
        }
    }
}
