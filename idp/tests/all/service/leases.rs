//! Of several nodes one runs a job of the background.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use idp::domain::Secret;
use idp::service::ctx::Ctx;
use idp::service::leases::Lease;
use idp::store::{Database, DatabaseSettings};
use tokio::time::{Instant, sleep, timeout};

use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::World;

/// PostgreSQL's own clock counts, so that these tests take a little real time.
const JOB: Lease = Lease { name: "job", term: Duration::from_millis(600) };

/// Two nodes on one database.
async fn nodes(database: &TestDatabase) -> (World, World) {
    let world = World::on(database.open().await).await;
    let peer = world.peer(database.open().await);
    (world, peer)
}

/// Work that goes on until it is dropped.
async fn works(ctx: Ctx) {
    JOB.hold(&ctx, std::future::pending::<()>()).await.unwrap();
}

#[tokio::test]
async fn one_node_has_the_lease() {
    for database in databases().await {
        let (world, peer) = nodes(&database).await;
        assert!(JOB.take(&world.ctx).await.unwrap());
        assert!(!JOB.take(&peer.ctx).await.unwrap());
        assert!(JOB.take(&world.ctx).await.unwrap(), "it is prolonged");
        assert_eq!(JOB.hold(&peer.ctx, async { panic!("not its turn") }).await.unwrap(), None::<()>);
        assert_eq!(JOB.hold(&world.ctx, async { 7 }).await.unwrap(), Some(7));
        let other = Lease { name: "other", ..JOB };
        assert!(other.take(&peer.ctx).await.unwrap(), "each job has a lease of its own");
        // Nobody gives back what another has.
        JOB.release(&peer.ctx).await.unwrap();
        assert!(!JOB.take(&peer.ctx).await.unwrap());
        JOB.release(&world.ctx).await.unwrap();
        assert!(JOB.take(&peer.ctx).await.unwrap(), "what is given back needn't be waited for");
    }
}

#[tokio::test]
async fn of_many_that_ask_at_once_one_gets_it() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let open = database.open().await;
        let nodes: Vec<World> = (0..8).map(|_| world.peer(open.clone())).collect();
        let asked = futures_util::future::join_all(nodes.iter().map(|node| JOB.take(&node.ctx))).await;
        assert_eq!(asked.into_iter().filter(|got| *got.as_ref().unwrap()).count(), 1);
    }
}

/// A node in a process of its own that has the lease and works; it is killed when this goes.
struct Holder(Child);

impl Holder {
    /// Starts this test program anew, for [`holds_the_lease_until_it_is_killed`] alone, and waits until that has the lease.
    fn start(database: &TestDatabase) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "service::leases::holds_the_lease_until_it_is_killed", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", database.settings().url.expose()).unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains(HELD)), "it didn't get the lease");
        Self(child)
    }
}

/// As by `kill -9`.
impl Drop for Holder {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

const HELD: &str = "the lease is held";

#[tokio::test]
#[ignore = "a process that another test starts and kills"]
async fn holds_the_lease_until_it_is_killed() {
    let mut url = String::new();
    std::io::stdin().read_line(&mut url).unwrap();
    let settings = DatabaseSettings::new(Secret::new(url.trim()));
    let first = World::keyless(Database::connect(&settings).await.unwrap(), |_| {}).await;
    // The same random numbers in each process: a second node has another name than the first.
    let node = first.peer(Database::connect(&settings).await.unwrap());
    assert!(JOB.take(&node.ctx).await.unwrap());
    println!("{HELD}");
    works(node.ctx.clone()).await;
}

#[tokio::test]
async fn another_takes_over_from_a_process_that_was_killed_and_not_before() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let holder = Holder::start(&database);
        // Longer than a term: it is prolonged as long as its holder lives. Its clock stands, and ours with it.
        let began = Instant::now();
        while began.elapsed() < JOB.term * 2 {
            assert!(!JOB.take(&world.ctx).await.unwrap());
            sleep(JOB.term / 10).await;
        }
        drop(holder);
        let taken_over = async {
            while !JOB.take(&world.ctx).await.unwrap() {
                world.pass(JOB.term / 10);
                sleep(JOB.term / 10).await;
            }
        };
        timeout(Duration::from_secs(20), taken_over).await.unwrap();
    }
}

#[tokio::test]
async fn a_holder_that_lost_the_lease_drops_its_work() {
    for database in databases().await {
        let (world, peer) = nodes(&database).await;
        assert!(JOB.take(&world.ctx).await.unwrap());
        let working = tokio::spawn(works(world.ctx.clone()));
        // As if the term had passed while the holder was frozen.
        let raw = database.raw().await;
        let holder = peer.ctx.node;
        let bytes = if database.is_sqlite() { format!("x'{}'", holder.uuid().simple()) } else { format!("'{holder}'") };
        let stolen = format!("UPDATE leases SET holder = {bytes}, expires_at = 9000000000000");
        sea_orm::ConnectionTrait::execute_unprepared(&raw, &stolen).await.unwrap();
        timeout(Duration::from_secs(20), working).await.unwrap().unwrap();
        assert!(JOB.take(&peer.ctx).await.unwrap());
        raw.close().await.unwrap();
    }
}
