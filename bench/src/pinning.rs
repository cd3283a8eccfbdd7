//! One core for the server, another for the load, by util-linux's `taskset`.
//!
//! Decided against calling `sched_setaffinity` ourselves: the workspace forbids unsafe code.

use std::{
    ffi::OsStr,
    fmt,
    process::{Command, Stdio},
};

use crate::process;

/// Where the server and the load run.
#[derive(Clone, Debug)]
pub(crate) enum Pinning {
    /// Each on its own processor.
    Pinned {
        /// The server's processor.
        server: u32,
        /// The load's processor.
        load: u32,
    },
    /// Wherever the kernel likes.
    Free {
        /// Why.
        reason: String,
    },
}

impl Pinning {
    /// Puts this process on the second processor it may use and keeps the first for the server.
    pub(crate) fn establish() -> Self {
        match Self::pin_this_process() {
            Ok(pinned) => pinned,
            Err(reason) => Self::Free { reason },
        }
    }

    fn pin_this_process() -> Result<Self, String> {
        let cpus = process::allowed_cpus().map_err(|error| error.to_string())?;
        let [server, load, ..] = cpus[..] else {
            return Err(format!("{} processor for both", cpus.len()));
        };
        let status = Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid", &load.to_string(), &std::process::id().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| format!("taskset: {error}"))?;
        if status.success() { Ok(Self::Pinned { server, load }) } else { Err(format!("taskset: {status}")) }
    }

    /// A command that runs `program` on the server's core. `taskset` replaces itself by the program, so that the
    /// child's process id is the program's.
    pub(crate) fn server_command(&self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Self::Pinned { server, .. } => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &server.to_string()]).arg(program);
                command
            }
            Self::Free { .. } => Command::new(program),
        }
    }
}

impl fmt::Display for Pinning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned { server, load } => write!(formatter, "server on cpu {server}, load on cpu {load}"),
            Self::Free { reason } => {
                write!(formatter, "NOT PINNED ({reason}): server and load may share cores, ratios are not comparable")
            }
        }
    }
}
