//! The audit log against those who would rather it said something else.

use std::time::Duration;

use futures_util::future::join_all;
use idp::domain::TenantId;
use idp::domain::audit::{AuditKind, Outcome};
use idp::service::audit_log::{self, Fault, Link, Verdict};
use idp::service::{audit, clients};
use idp::store;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};

use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::World;

async fn verify(world: &World) -> Verdict {
    audit_log::verify(&world.ctx, TenantId::DEFAULT, None).await.unwrap()
}

fn head(verdict: &Verdict) -> Link {
    let Verdict::Intact { head, .. } = verdict else { panic!("{verdict:?}") };
    head.clone()
}

#[track_caller]
fn assert_broken(verdict: &Verdict, at: i64, what: Fault) {
    let Verdict::Broken { sequence, fault, .. } = verdict else { panic!("{what}: {verdict:?}") };
    assert_eq!((*sequence, *fault), (at, what));
}

async fn count(raw: &DatabaseConnection) -> i64 {
    let sql = "SELECT CAST(max(sequence) AS bigint) AS n FROM audit_events";
    let row = raw.query_one_raw(Statement::from_string(raw.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}

/// Lines by those who share a commit and by those who don't.
async fn write_lines(worlds: &[&World], each: usize) {
    let tenant = TenantId::DEFAULT;
    let lines = worlds.iter().flat_map(|world| std::iter::repeat_n(world, each)).map(|world| async {
        let event = audit::event(&world.ctx, AuditKind::SignIn, Outcome::Refused);
        let detail = serde_json::json!({ "z": [1, null, true], "a": { "ü": "\u{202e}\n", "n": -1 }, "empty": {} });
        audit::append(&world.ctx, tenant, event.by("x\0y").detail(detail)).await.unwrap();
    });
    join_all(lines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_are_written_at_the_same_time_make_one_chain() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let peer = world.peer(database.open().await);
        write_lines(&[&world, &peer], 60).await;
        let verdict = verify(&world).await;
        let Verdict::Intact { lines, before_chain, head } = &verdict else { panic!("{verdict:?}") };
        assert_eq!((*before_chain, i64::try_from(*lines).unwrap()), (0, head.sequence));
        assert!(*lines >= 120, "{lines}");
    }
}

/// Adds a line that nobody wrote: at a place, or none; with the time of the tenant's first user and a bit.
async fn forge(database: &TestDatabase, raw: &DatabaseConnection, place: &str, bit: i64) {
    let id = if database.is_sqlite() { "randomblob(16)" } else { "gen_random_uuid()" };
    let sql = format!(
        "INSERT INTO audit_events (tenant_id, event_id, at, kind, outcome, detail, sequence)
         SELECT tenant_id, {id}, created_at + ({bit}), 'user.sign_in', 'success', '{{}}', {place} FROM users LIMIT 1"
    );
    raw.execute_unprepared(&sql).await.unwrap();
}

/// Lines from before there was a chain have no place in it: they are counted when it becomes one, and nothing is said of
/// them. One that is added to them later shows, however old it says it is.
#[tokio::test]
async fn lines_from_before_the_chain_are_counted_apart() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        write_lines(&[&world], 3).await;
        let raw = database.raw().await;
        let run = async |sql: &str| raw.execute_unprepared(sql).await.unwrap();
        let Verdict::Intact { lines, before_chain: 0, head } = verify(&world).await else { panic!() };
        // As it was before the step that counts them.
        for sql in [
            "ALTER TABLE ledger_heads DROP COLUMN audit_unchained",
            "ALTER TABLE ledger_heads DROP COLUMN audit_anchor_at",
            "DELETE FROM signet_migrations WHERE version LIKE 'm0034%'",
        ] {
            run(sql).await;
        }
        for bit in [-1000, -1001, -1002] {
            forge(&database, &raw, "NULL", bit).await;
        }
        world.ctx.database.migrate().await.unwrap();
        let intact = |before_chain| Verdict::Intact { lines, before_chain, head: head.clone() };
        assert_eq!(verify(&world).await, intact(3));
        let filter = audit_log::AuditFilter::default();
        let shown = audit_log::list(&world.ctx, TenantId::DEFAULT, &filter, None, 1000).await.unwrap();
        assert_eq!(shown.len() as u64, lines + 3, "they are looked through like any other");
        run("UPDATE audit_events SET actor = 'else' WHERE sequence IS NULL").await;
        assert_eq!(verify(&world).await, intact(3), "nothing holds them");

        run("UPDATE audit_events SET actor = 'old' WHERE sequence IS NULL").await;
        for bit in [1000, -1, -5000] {
            forge(&database, &raw, "NULL", bit).await;
            assert_broken(&verify(&world).await, 0, Fault::Stray);
            run("DELETE FROM audit_events WHERE sequence IS NULL AND actor IS NULL").await;
            assert_eq!(verify(&world).await, intact(3));
        }
        run("CREATE TABLE kept AS SELECT * FROM audit_events WHERE sequence IS NULL").await;
        run("DELETE FROM audit_events WHERE sequence IS NULL").await;
        assert_broken(&verify(&world).await, 0, Fault::Fewer);
        run("INSERT INTO audit_events SELECT * FROM kept").await;

        // They go when they are old, before those of the chain; one that was added shows though it went with them.
        forge(&database, &raw, "NULL", -1000).await;
        world.pass(world.ctx.config.audit.retention.checked_sub(Duration::from_millis(500)).unwrap());
        audit_log::prune(&world.ctx).await.unwrap();
        assert_broken(&verify(&world).await, 0, Fault::Stray);
        run("UPDATE ledger_heads SET audit_unchained = 0").await;
        assert_eq!(verify(&world).await, intact(0));
    }
}

/// A line at a place where the chain isn't shows. Beyond the end it is in the way of the next that is written: it gives way,
/// stays to be seen, and what is audited goes on.
#[tokio::test]
async fn a_line_before_or_beyond_the_chain_shows_and_holds_nobody_up() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        write_lines(&[&world], 2).await;
        let raw = database.raw().await;
        let last = count(&raw).await;
        for place in [-1, 0, last + 1, last + 90] {
            forge(&database, &raw, &place.to_string(), 0).await;
            assert_broken(&verify(&world).await, place, Fault::Stray);
            raw.execute_unprepared(&format!("DELETE FROM audit_events WHERE sequence = {place}")).await.unwrap();
            assert!(matches!(verify(&world).await, Verdict::Intact { .. }));
        }
        for place in [last + 2, last + 4] {
            forge(&database, &raw, &place.to_string(), 0).await;
        }
        // Several in one transaction, around both.
        let inside = world.ctx.clone();
        let written: Result<(), store::StoreError> = world
            .ctx
            .database
            .write(async move |tx| {
                for _ in 0..5 {
                    let event = audit::event(&inside, AuditKind::SignIn, Outcome::Refused).by("test");
                    tx.record(TenantId::DEFAULT, event);
                }
                Ok(())
            })
            .await;
        written.unwrap();
        write_lines(&[&world], 2).await;
        assert_broken(&verify(&world).await, 0, Fault::Stray);
        let filter = audit_log::AuditFilter::default();
        let shown = audit_log::list(&world.ctx, TenantId::DEFAULT, &filter, None, 1000).await.unwrap();
        assert_eq!(i64::try_from(shown.len()).unwrap(), last + 7 + 2, "both stay");
        raw.execute_unprepared("DELETE FROM audit_events WHERE sequence IS NULL").await.unwrap();
        let Verdict::Intact { lines, head, .. } = verify(&world).await else { panic!("the chain has no gap") };
        assert_eq!((i64::try_from(lines).unwrap(), head.sequence), (last + 7, last + 7));
    }
}

/// What is before the beginning doesn't go when lines go for their age.
#[tokio::test]
async fn a_line_before_the_chain_is_not_removed_with_the_old() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let raw = database.raw().await;
        forge(&database, &raw, "-1", 0).await;
        world.pass(world.ctx.config.audit.retention + Duration::from_hours(1));
        audit_log::prune(&world.ctx).await.unwrap();
        write_lines(&[&world], 1).await;
        assert_broken(&verify(&world).await, -1, Fault::Stray);
    }
}

/// Who moves the beginning to the end and removes all before it is seen, by the checkpoint at the latest.
#[tokio::test]
async fn a_beginning_that_was_cut_off_shows() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        write_lines(&[&world], 4).await;
        let kept = head(&verify(&world).await);
        write_lines(&[&world], 4).await;
        let raw = database.raw().await;
        let run = async |sql: &str| raw.execute_unprepared(sql).await.unwrap();
        run("UPDATE ledger_heads SET audit_anchor_sequence = audit_sequence, audit_anchor_hash = audit_hash").await;
        assert_broken(&verify(&world).await, 1, Fault::Stray);
        run("DELETE FROM audit_events").await;
        let last = kept.sequence + 4;
        assert_broken(&verify(&world).await, last, Fault::TooYoung);
        run(&format!("UPDATE ledger_heads SET audit_anchor_at = {}", world.ctx.now().millis())).await;
        assert_broken(&verify(&world).await, last, Fault::TooYoung);
        // Whoever says that it was old is believed, but not that what the checkpoint was made of is there.
        run("UPDATE ledger_heads SET audit_anchor_at = 1").await;
        let held = audit_log::verify(&world.ctx, TenantId::DEFAULT, Some(&kept)).await.unwrap();
        assert!(matches!(held, Verdict::Outdated { first, .. } if first == last + 1), "{held:?}");
        assert!(matches!(verify(&world).await, Verdict::Intact { lines: 0, .. }));
    }
}

#[tokio::test]
async fn what_is_done_to_it_behind_its_back_shows() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        write_lines(&[&world], 6).await;
        let raw = database.raw().await;
        let (before, last) = (verify(&world).await, count(&raw).await);
        let third = "WHERE sequence = 3";
        let run = async |sql: &str| raw.execute_unprepared(sql).await.unwrap();
        run("CREATE TABLE kept AS SELECT * FROM audit_events").await;
        run("CREATE TABLE kept_heads AS SELECT * FROM ledger_heads").await;
        let copy = "INSERT INTO audit_events SELECT";
        for (sql, at, fault) in [
            (format!("UPDATE audit_events SET at = at + 1 {third}"), 3, Fault::Changed),
            (format!("UPDATE audit_events SET kind = 'not.a.kind' {third}"), 3, Fault::Changed),
            (format!("UPDATE audit_events SET actor = 'somebody else' {third}"), 3, Fault::Changed),
            (format!("UPDATE audit_events SET address = NULL, actor = NULL, detail = '[]' {third}"), 3, Fault::Changed),
            (
                format!("UPDATE audit_events SET hash = (SELECT hash FROM kept WHERE sequence = 2) {third}"),
                3,
                Fault::Changed,
            ),
            (format!("DELETE FROM audit_events {third}"), 3, Fault::Removed),
            ("DELETE FROM audit_events WHERE sequence = 1".to_owned(), 1, Fault::Removed),
            (format!("DELETE FROM audit_events WHERE sequence >= {last}"), last, Fault::CutOff),
            ("DELETE FROM audit_events".to_owned(), 1, Fault::CutOff),
            (
                format!("DELETE FROM audit_events {third}; UPDATE audit_events SET sequence = 3 WHERE sequence = 4"),
                3,
                Fault::Changed,
            ),
            (
                "UPDATE audit_events SET sequence = 99 WHERE sequence = 2;
                 UPDATE audit_events SET sequence = 2 WHERE sequence = 3;
                 UPDATE audit_events SET sequence = 3 WHERE sequence = 99"
                    .to_owned(),
                2,
                Fault::Changed,
            ),
            (
                format!(
                    "DELETE FROM audit_events WHERE sequence = {last};
                     UPDATE ledger_heads SET audit_sequence = audit_sequence - 1"
                ),
                last - 1,
                Fault::Head,
            ),
            ("UPDATE ledger_heads SET audit_anchor_sequence = 2".to_owned(), 3, Fault::Changed),
            ("UPDATE audit_events SET sequence = -3 WHERE sequence = 3".to_owned(), 3, Fault::Removed),
        ] {
            for statement in sql.split(';') {
                run(statement).await;
            }
            assert_broken(&verify(&world).await, at, fault);
            run("DELETE FROM audit_events").await;
            run("DELETE FROM ledger_heads").await;
            run(&format!("{copy} * FROM kept")).await;
            run("INSERT INTO ledger_heads SELECT * FROM kept_heads").await;
            assert_eq!(verify(&world).await, before, "{sql}");
        }
    }
}

#[tokio::test]
async fn who_kept_a_line_elsewhere_sees_that_the_log_was_made_anew() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        write_lines(&[&world], 3).await;
        let kept = head(&verify(&world).await);
        write_lines(&[&world], 1).await;
        let verify = async |link: &Link| audit_log::verify(&world.ctx, TenantId::DEFAULT, Some(link)).await.unwrap();
        assert_eq!(head(&verify(&kept).await).sequence, kept.sequence + 1);
        assert_broken(&verify(&Link { hash: [7; 32], ..kept.clone() }).await, kept.sequence, Fault::Checkpoint);
        let later = Link { sequence: kept.sequence + 9, ..kept.clone() };
        assert_broken(&verify(&later).await, kept.sequence + 2, Fault::CutOff);

        // All of it, made of the same steps again: it is a chain, but another one.
        let raw = database.raw().await;
        raw.execute_unprepared("DELETE FROM audit_events").await.unwrap();
        raw.execute_unprepared("UPDATE ledger_heads SET audit_sequence = 0, audit_hash = NULL").await.unwrap();
        write_lines(&[&world], 12).await;
        assert!(matches!(super::audit_log::verify(&world).await, Verdict::Intact { .. }));
        assert_broken(&verify(&kept).await, kept.sequence, Fault::Checkpoint);
    }
}

#[tokio::test]
async fn old_lines_go_and_the_rest_is_still_a_chain() {
    for database in databases().await {
        let world = World::with(database.open().await, |config| {
            config.audit.retention = Duration::from_hours(24);
        })
        .await;
        world.furnish().await;
        let raw = database.raw().await;
        let first = head(&verify(&world).await);
        write_lines(&[&world], 5).await;
        let old = head(&verify(&world).await);
        world.pass(Duration::from_hours(20));
        write_lines(&[&world], 4).await;
        let young = head(&verify(&world).await);
        audit_log::prune(&world.ctx).await.unwrap();
        assert_eq!(head(&verify(&world).await), young, "nothing is old enough");

        world.pass(Duration::from_hours(5));
        audit_log::prune(&world.ctx).await.unwrap();
        let verdict = verify(&world).await;
        let Verdict::Intact { lines, head, .. } = &verdict else { panic!("{verdict:?}") };
        assert_eq!((*lines, head), (4, &young));
        let of_old = audit_log::verify(&world.ctx, TenantId::DEFAULT, Some(&old)).await.unwrap();
        assert_eq!(of_old, verdict, "the line before the first is known still");
        let of_first = audit_log::verify(&world.ctx, TenantId::DEFAULT, Some(&first)).await.unwrap();
        let outdated = Verdict::Outdated { first: old.sequence + 1, head: young.clone() };
        assert_eq!(of_first, outdated, "of what was removed for its age nothing can be said");
        raw.execute_unprepared(&format!("DELETE FROM audit_events WHERE sequence = {}", old.sequence + 1))
            .await
            .unwrap();
        assert_broken(&verify(&world).await, old.sequence + 1, Fault::Removed);

        world.pass(Duration::from_hours(25));
        audit_log::prune(&world.ctx).await.unwrap();
        write_lines(&[&world], 1).await;
        let verdict = verify(&world).await;
        assert!(
            matches!(verdict, Verdict::Intact { lines: 1, .. }),
            "and what is gone for its age is no gap: {verdict:?}"
        );
    }
}

#[tokio::test]
async fn each_tenant_has_a_chain_of_its_own() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let other = world.other_tenant("acme").await;
        world.client(&other, "theirs", |_| {}).await;
        let raw = database.raw().await;
        raw.execute_unprepared("UPDATE audit_events SET at = at + 1 WHERE client_id = 'theirs'").await.unwrap();
        assert!(matches!(verify(&world).await, Verdict::Intact { .. }));
        let theirs = audit_log::verify(&world.ctx, other.id, None).await.unwrap();
        assert!(matches!(theirs, Verdict::Broken { fault: Fault::Changed, .. }), "{theirs:?}");
        let nobody = TenantId::from_uuid(uuid::Uuid::from_u128(9));
        let none = audit_log::verify(&world.ctx, nobody, None).await.unwrap();
        assert!(matches!(none, Verdict::Intact { lines: 0, .. }), "{none:?}");
    }
}

#[tokio::test]
async fn what_was_undone_is_not_in_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let before = head(&verify(&world).await);
        let new = clients::NewClient {
            id: Some("reports".parse().unwrap()),
            name: "Twice".to_owned(),
            metadata: world.client(&world.tenant().await, "other", |_| {}).await.metadata,
            secret: None,
        };
        assert!(clients::create(&world.ctx, TenantId::DEFAULT, new, "test").await.is_err());
        assert_eq!(head(&verify(&world).await).sequence, before.sequence + 1);
        let filter = audit_log::AuditFilter { client: Some("other".parse().unwrap()), ..Default::default() };
        let lines = store::audit::list(world.ctx.database.read(), TenantId::DEFAULT, &filter, None, 9).await.unwrap();
        assert_eq!(lines.len(), 1);
    }
}
