//! Password hashes: argon2id, on a bounded number of threads with a bounded queue.
//!
//! Each thread keeps its working memory (19 MiB by default), because fetching it anew from the kernel costs as much
//! as a fifth of a hash. A job that can't begin within [`MAX_WAIT`] isn't worth beginning: its browser is told to
//! come back. Decided against the runtime's pool of blocking threads, which has no such bounds and is shared.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::domain::Secret;
use crate::telemetry;
use crate::telemetry::metrics::PasswordMeter;

/// How long a job may wait for a thread.
pub const MAX_WAIT: Duration = Duration::from_secs(1);
/// A thread that was idle for so long gives its memory back.
const IDLE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordHasherError {
    /// All threads are taken and the queue is full, or the wait was too long.
    #[error("too many passwords are being checked; try again in a few seconds")]
    Busy,
    /// A hash in the database can't be read, or memory ran out.
    #[error("the password could not be checked")]
    Failed,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    /// The password is right.
    Right,
    /// It is right, and the hash was made with other parameters than today's.
    RightButOutdated,
    /// It is wrong.
    Wrong,
}

/// Cost of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

#[derive(Debug)]
enum Work {
    Hash { password: Secret, salt: [u8; 16], answer: oneshot::Sender<Result<String, PasswordHasherError>> },
    Check { password: Secret, phc: Option<String>, answer: oneshot::Sender<Result<PasswordCheck, PasswordHasherError>> },
}

#[derive(Debug)]
struct Job {
    queued_at: Instant,
    work: Work,
}

/// Computes and checks password hashes. Cloning shares the threads; they end when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    queue: SyncSender<Job>,
    meter: Arc<PasswordMeter>,
}

impl PasswordHasher {
    /// Starts `threads` threads; `queue` jobs may wait for them.
    ///
    /// # Errors
    /// The cost isn't one that argon2 knows, or a thread can't be started.
    pub fn start(cost: HashCost, threads: usize, queue: usize) -> Result<Self, std::io::Error> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error.to_string()))?;
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let meter = Arc::new(PasswordMeter::new(threads.max(1)));
        for number in 0..threads.max(1) {
            let worker = Worker { params: params.clone(), memory: Vec::new(), meter: Arc::clone(&meter) };
            let receiver = Arc::clone(&receiver);
            thread::Builder::new().name(format!("argon2-{number}")).spawn(move || worker.run(&receiver))?;
        }
        Ok(Self { queue: sender, meter })
    }

    /// Hashes a new password into a PHC string. `salt` is drawn by the caller.
    pub async fn hash(&self, password: Secret, salt: [u8; 16]) -> Result<String, PasswordHasherError> {
        let _part = telemetry::part("argon2");
        let (answer, result) = oneshot::channel();
        self.submit(Work::Hash { password, salt, answer })?;
        result.await.map_err(|_| PasswordHasherError::Busy)?
    }

    /// Compares a password with a PHC string. With `None`, for an account that doesn't exist or has no password, it
    /// takes as long and answers [`PasswordCheck::Wrong`].
    pub async fn check(&self, password: Secret, phc: Option<String>) -> Result<PasswordCheck, PasswordHasherError> {
        let _part = telemetry::part("argon2");
        let (answer, result) = oneshot::channel();
        self.submit(Work::Check { password, phc, answer })?;
        result.await.map_err(|_| PasswordHasherError::Busy)?
    }

    /// What the threads are doing.
    pub fn meter(&self) -> &PasswordMeter {
        &self.meter
    }

    fn submit(&self, work: Work) -> Result<(), PasswordHasherError> {
        // Before it is sent: a thread may take it at once.
        self.meter.queued.increase();
        self.queue.try_send(Job { queued_at: Instant::now(), work }).map_err(|error| {
            self.meter.queued.decrease();
            self.meter.refused.count();
            match error {
                TrySendError::Full(_) => PasswordHasherError::Busy,
                TrySendError::Disconnected(_) => PasswordHasherError::Failed,
            }
        })
    }
}

struct Worker {
    params: Params,
    memory: Vec<Block>,
    meter: Arc<PasswordMeter>,
}

impl Worker {
    fn run(mut self, queue: &Mutex<Receiver<Job>>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE);
            if next.is_ok() {
                self.meter.queued.decrease();
            }
            match next {
                // Dropping the job drops its answer, which the caller reads as Busy.
                Ok(job) if job.queued_at.elapsed() > MAX_WAIT => {
                    self.meter.refused.count();
                    drop(job);
                }
                Ok(job) => {
                    self.meter.in_use.increase();
                    self.work(job.work);
                    self.meter.in_use.decrease();
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => self.memory = Vec::new(),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&mut self, work: Work) {
        match work {
            Work::Hash { password, salt, answer } => {
                let _ = answer.send(self.hash(&password, salt));
            }
            Work::Check { password, phc, answer } => {
                // Nobody waits any more: the browser has gone.
                if !answer.is_closed() {
                    let _ = answer.send(self.check(&password, phc.as_deref()));
                }
            }
        }
    }

    fn hash(&mut self, password: &Secret, salt: [u8; 16]) -> Result<String, PasswordHasherError> {
        let params = self.params.clone();
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        self.compute(Algorithm::Argon2id, Version::V0x13, &params, password, &salt, &mut output)?;
        let failed = |_| PasswordHasherError::Failed;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.into(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(|_| PasswordHasherError::Failed)?,
            salt: Some(Salt::new(&salt).map_err(failed)?),
            hash: Some(Output::new(&output).map_err(failed)?),
        };
        Ok(hash.to_string())
    }

    fn check(&mut self, password: &Secret, phc: Option<&str>) -> Result<PasswordCheck, PasswordHasherError> {
        let Some(phc) = phc else {
            self.hash(password, [0; 16])?;
            return Ok(PasswordCheck::Wrong);
        };
        let failed = || PasswordHasherError::Failed;
        let stored = PasswordHash::new(phc).map_err(|_| failed())?;
        let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else { return Err(failed()) };
        let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(|_| failed())?;
        let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(|_| failed())?;
        let params = Params::try_from(&stored).map_err(|_| failed())?;
        let mut output = vec![0; expected.len()];
        self.compute(algorithm, version, &params, password, &salt, &mut output)?;
        if !openssl::memcmp::eq(&output, expected.as_bytes()) {
            return Ok(PasswordCheck::Wrong);
        }
        let current = algorithm == Algorithm::Argon2id
            && params.m_cost() == self.params.m_cost()
            && params.t_cost() == self.params.t_cost()
            && params.p_cost() == self.params.p_cost();
        Ok(if current { PasswordCheck::Right } else { PasswordCheck::RightButOutdated })
    }

    fn compute(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: &Params,
        password: &Secret,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), PasswordHasherError> {
        let blocks = params.block_count();
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::new());
        }
        let memory = self.memory.get_mut(..blocks).ok_or(PasswordHasherError::Failed)?;
        let began = Instant::now();
        let computed = Argon2::new(algorithm, version, params.clone())
            .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, memory)
            .map_err(|_| PasswordHasherError::Failed);
        self.meter.duration.observe(began.elapsed());
        computed
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const CHEAP: HashCost = HashCost { memory_kib: 64, iterations: 1, parallelism: 1 };

    #[tokio::test]
    async fn a_hash_is_met_by_its_password_alone() {
        let hasher = PasswordHasher::start(CHEAP, 1, 4).unwrap();
        let phc = hasher.hash(Secret::new("open sesame"), [7; 16]).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
        let check = async |password: &str| hasher.check(Secret::new(password), Some(phc.clone())).await.unwrap();
        assert_eq!(check("open sesame").await, PasswordCheck::Right);
        assert_eq!(check("open sesame!").await, PasswordCheck::Wrong);
        assert_eq!(hasher.check(Secret::new("open sesame"), None).await, Ok(PasswordCheck::Wrong));
        assert_eq!(hasher.check(Secret::new("x"), Some("$md5$".into())).await, Err(PasswordHasherError::Failed));
    }

    #[tokio::test]
    async fn a_hash_of_other_cost_is_right_but_outdated() {
        let old = PasswordHasher::start(CHEAP, 1, 4).unwrap();
        let phc = old.hash(Secret::new("open sesame"), [7; 16]).await.unwrap();
        let new = PasswordHasher::start(HashCost { iterations: 2, ..CHEAP }, 1, 4).unwrap();
        let check = new.check(Secret::new("open sesame"), Some(phc)).await;
        assert_eq!(check, Ok(PasswordCheck::RightButOutdated));
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_at_once() {
        let slow = HashCost { memory_kib: 65_536, iterations: 4, parallelism: 1 };
        let hasher = PasswordHasher::start(slow, 1, 1).unwrap();
        let jobs = (0..16).map(|_| hasher.check(Secret::new("open sesame"), None));
        let answers = futures_util::future::join_all(jobs).await;
        assert!(answers.contains(&Err(PasswordHasherError::Busy)), "{answers:?}");
        assert!(answers.contains(&Ok(PasswordCheck::Wrong)), "{answers:?}");
    }
}
