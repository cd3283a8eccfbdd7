//! One run: its circumstances, the limits measured in it, and the server that most measures share.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    rc::Rc,
};

use clap::ValueEnum;
use tempfile::TempDir;

use crate::{
    arguments::{Options, Selection},
    error::BenchError,
    limit::Limit,
    load::{self, Operation, Timing},
    measure::Measure,
    pinning::Pinning,
    postgres::Postgres,
    process,
    report::{Report, Row},
    server::Server,
    site::Site,
};

/// The share of a core below which a computation had company.
const ALONE: f64 = 0.97;

/// A run under way.
#[derive(Debug)]
pub(crate) struct Bench {
    options: Options,
    pinning: Pinning,
    limits: BTreeMap<Limit, f64>,
    // Dropped in this order: the server, then what it writes to.
    site: RefCell<Option<Rc<Site>>>,
    postgres: RefCell<Option<Rc<Postgres>>>,
    folder: TempDir,
    disturbed: bool,
}

impl Bench {
    /// Prepares a run: pins this process and makes the folder that holds all data of the run.
    pub(crate) fn new(options: Options) -> Result<Self, BenchError> {
        let beside_the_binary = options.server.parent().and_then(Path::parent).filter(|folder| folder.is_dir());
        let parent = options.data.as_deref().or(beside_the_binary).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new()
            .prefix("signet-bench-")
            // PostgreSQL has a user of its own, who has to get through. What is in it is closed by itself.
            .permissions(Permissions::from_mode(0o711))
            .tempdir_in(parent)
            .map_err(BenchError::io(format!("a folder in {}", parent.display())))?;
        let pinning = Pinning::establish();
        let limits = BTreeMap::new();
        let (site, postgres) = (RefCell::default(), RefCell::default());
        Ok(Self { options, pinning, limits, site, postgres, folder, disturbed: false })
    }

    /// Takes all limits that are needed, then all measures that were asked for.
    pub(crate) async fn run(mut self) -> Result<Report, BenchError> {
        let only = &self.options.only;
        let measures: Vec<_> = Measure::ALL
            .into_iter()
            .filter(|measure| only.is_empty() || only.contains(&Selection::Measure(*measure)))
            .collect();
        let limits: BTreeSet<_> = if only.contains(&Selection::Limits) {
            Limit::value_variants().iter().copied().collect()
        } else {
            measures.iter().flat_map(|measure| measure.limits()).copied().collect()
        };
        if !measures.is_empty() && !self.options.server.is_file() {
            let path = self.options.server.display();
            return Err(BenchError::Setup(format!("no server at {path}: `cargo build --release -p idp` makes it")));
        }
        let mut rows = Vec::new();
        for limit in limits {
            eprintln!("limit {} …", limit.name());
            match limit.measure(&self).await {
                Ok(row) => {
                    // A limit uses its core as a whole, unless it is the network's.
                    self.disturbed |= limit != Limit::Hello && row.server_share.is_some_and(|share| share < ALONE);
                    self.limits.extend(row.per_second.map(|per_second| (limit, per_second)));
                    rows.push(row);
                }
                Err(error) => rows.push(Row::new("limit", limit.name()).failed(&error)),
            }
        }
        for measure in measures {
            eprintln!("{} {} …", measure.code(), measure.name());
            match measure.run(&self).await {
                Ok(more) => rows.extend(more),
                Err(error) => rows.push(Row::new(measure.code(), measure.name()).failed(&error)),
            }
        }
        Ok(Report { circumstances: self.circumstances(), rows })
    }

    /// Where the server and the load run.
    pub(crate) const fn pinning(&self) -> &Pinning {
        &self.pinning
    }

    /// How long each load runs.
    pub(crate) const fn timing(&self) -> Timing {
        Timing { warm_up: self.options.warm_up, window: self.options.seconds }
    }

    /// The folder that holds all data of this run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's binary.
    pub(crate) fn server_binary(&self) -> &Path {
        &self.options.server
    }

    /// How many connections a load keeps open.
    pub(crate) fn connections(&self) -> u16 {
        self.options.connections
    }

    /// A limit's operations a second; none if it couldn't be measured.
    pub(crate) fn limit(&self, limit: Limit) -> Option<f64> {
        self.limits.get(&limit).copied()
    }

    /// The server that most measures share, started on first use in a fresh folder.
    pub(crate) async fn site(&self) -> Result<Rc<Site>, BenchError> {
        let running = self.site.borrow().clone();
        if let Some(site) = running {
            return Ok(site);
        }
        let (site, _) = Site::start(self, &self.folder().join("shared")).await?;
        let site = Rc::new(site);
        self.site.replace(Some(Rc::clone(&site)));
        Ok(site)
    }

    /// The PostgreSQL server, started on first use.
    pub(crate) fn postgres(&self) -> Result<Rc<Postgres>, BenchError> {
        let running = self.postgres.borrow().clone();
        if let Some(postgres) = running {
            return Ok(postgres);
        }
        let postgres = Postgres::start(self.options.postgres.as_deref(), &self.folder().join("postgres"))?;
        let postgres = Rc::new(postgres);
        self.postgres.replace(Some(Rc::clone(&postgres)));
        Ok(postgres)
    }

    /// Drives a server with as many of these operations as there are connections, and fills in the row.
    pub(crate) async fn drive<O: Operation>(
        &self,
        row: Row,
        server: &Server,
        mut operation: impl FnMut() -> O,
    ) -> Result<Row, BenchError> {
        let operations = (0..self.connections()).map(|_| operation()).collect();
        self.drive_with(row, server, operations).await
    }

    /// The same with these operations, one for each connection.
    pub(crate) async fn drive_with<O: Operation>(
        &self,
        row: Row,
        server: &Server,
        operations: Vec<O>,
    ) -> Result<Row, BenchError> {
        let outcome = load::drive(self.timing(), operations, Some(server.pid())).await?;
        Ok(row.outcome(&outcome).memory(process::memory(server.pid()).ok()))
    }

    fn circumstances(&self) -> Vec<String> {
        let version = Command::new(&self.options.server).arg("--version").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
        let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let Timing { warm_up, window } = self.timing();
        let mut circumstances = vec![
            version.unwrap_or_else(|_| "no server".into()),
            format!("{} × {}", count, cpu.unwrap_or("unknown processor")),
            format!("Linux {}", kernel.trim()),
            self.pinning.to_string(),
            format!("{} connections", self.connections()),
            format!("{} s each after {} s", window.as_secs_f64(), warm_up.as_secs_f64()),
        ];
        if self.disturbed {
            circumstances.push("NOT ALONE: other processes used the server's core, figures are too low".into());
        }
        circumstances
    }
}
