//! Sessions and what comes of them: grants, consents, flows and codes.

use idp::domain::CodeHash;
use idp::domain::authorization_code::Redeemed;
use idp::domain::authorization_flow::FlowState;
use idp::domain::consent::Standing;
use idp::domain::grant::Grant;
use idp::domain::ids::SweepId;
use idp::domain::session::EndReason;
use idp::store;
use idp::store::sessions::{Ending, SessionFilter};
use idp::store::sweeps::Sweep;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::samples::{self, NOW, furnish, hash, later};
use super::write;
use crate::support::database::TestDatabase;
use crate::support::databases;

#[tokio::test]
async fn a_session_lives_until_it_is_ended_or_its_time_is_up() {
    for database in databases().await {
        let database = database.open().await;
        let db = database.read();
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| {
            for number in 1..=3 {
                store::sessions::insert(tx, tenant, &samples::session(number.into(), 1), &hash(number)).await?;
            }
            Ok(())
        })
        .unwrap();
        let found = store::sessions::find_by_secret_hash(db, tenant, &hash(1), later(3599)).await.unwrap();
        assert_eq!(found, Some(samples::session(1, 1)));
        assert_eq!(store::sessions::find_by_secret_hash(db, tenant, &hash(1), later(3600)).await.unwrap(), None);

        write!(database, |tx| {
            assert!(store::sessions::touch(tx, tenant, samples::session_id(1), later(5)).await?);
            let one = Ending::One(samples::session_id(1));
            let ended = store::sessions::end(tx, tenant, one, later(6), 9).await?.unwrap();
            assert_eq!(ended.iter().map(|session| session.id).collect::<Vec<_>>(), [samples::session_id(1)]);
            assert_eq!(store::sessions::end(tx, tenant, one, later(7), 9).await?, None);
            assert!(!store::sessions::touch(tx, tenant, samples::session_id(1), later(7)).await?);
            let theirs = Ending::OfUser(samples::user_id(1));
            let batch = store::sessions::end(tx, tenant, theirs, later(8), 1).await?.unwrap();
            assert_eq!(batch.len(), 1);
            let rest = Ending::Others { user: samples::user_id(1), keep: batch[0].id };
            assert_eq!(store::sessions::end(tx, tenant, rest, later(9), 9).await?.unwrap().len(), 1);
            assert_eq!(store::sessions::end(tx, tenant, Ending::Until(NOW), later(9), 9).await?, None);
            Ok(())
        })
        .unwrap();
        assert_eq!(store::sessions::find_by_secret_hash(db, tenant, &hash(1), NOW).await.unwrap(), None);
        let ended = store::sessions::find_by_id(db, tenant, samples::session_id(1)).await.unwrap().unwrap();
        assert_eq!((ended.last_seen_at, ended.ended_at), (later(5), Some(later(6))));
    }
}

#[tokio::test]
async fn grants_are_taken_back_one_by_one_by_session_and_by_person() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| {
            store::users::insert(tx, tenant, &samples::user(2)).await?;
            store::sessions::insert(tx, tenant, &samples::session(1, 1), &hash(1)).await?;
            for number in 1..=3 {
                store::grants::insert(tx, tenant, &samples::grant(number, 1, "reports")).await?;
            }
            let elsewhere = idp::domain::grant::Grant { session_id: None, ..samples::grant(4, 1, "reports") };
            store::grants::insert(tx, tenant, &elsewhere).await?;
            store::grants::insert(tx, tenant, &samples::grant(5, 2, "reports")).await?;
            assert_eq!(
                store::grants::find(tx, tenant, samples::grant_id(1)).await?,
                Some(samples::grant(1, 1, "reports"))
            );
            assert!(store::grants::revoke(tx, tenant, samples::grant_id(1), later(1)).await?);
            assert!(!store::grants::revoke(tx, tenant, samples::grant_id(1), later(2)).await?);
            assert_eq!(store::grants::revoke_of_user(tx, tenant, samples::user_id(2), later(3)).await?, 1);
            let sessions = [samples::session_id(1)];
            store::clients::insert(tx, tenant, &samples::client("books")).await?;
            let own =
                idp::domain::grant::Grant { client_id: samples::client_id("books"), ..samples::grant(6, 1, "books") };
            store::grants::insert(tx, tenant, &own).await?;
            store::grants::revoke(tx, tenant, own.id, later(3)).await?;
            let mut clients = store::grants::clients_of_sessions(tx, tenant, &sessions).await?;
            clients.sort_unstable_by_key(|(_, client)| client.to_string());
            let both = ["books", "reports"].map(|client| (samples::session_id(1), samples::client_id(client)));
            assert_eq!(clients, both, "also who has nothing of it any more");
            assert_eq!(store::grants::revoke_with_sessions(tx, tenant, &sessions, later(4)).await?, 2);
            Ok(())
        })
        .unwrap();
        let mut revoked = Vec::new();
        for number in 1..=5 {
            let grant = store::grants::find(database.read(), tenant, samples::grant_id(number)).await.unwrap();
            revoked.push(grant.unwrap().revoked_at);
        }
        assert_eq!(revoked, [Some(later(1)), Some(later(4)), Some(later(4)), None, Some(later(3))]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consent_grows_by_what_is_allowed_beside() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let (ada, client) = (samples::user_id(1), samples::client_id("reports"));
        let scopes = ["openid", "profile", "email", "openid email"];
        let writes = futures_util::future::join_all(scopes.map(|scope| {
            let (database, client) = (database.clone(), client.clone());
            tokio::spawn(async move {
                write!(database, |tx| {
                    store::consents::upsert(tx, tenant, ada, &client, &scope.parse().unwrap(), NOW).await
                })
            })
        }))
        .await;
        for written in writes {
            written.unwrap().unwrap();
        }
        let found = store::consents::find(database.read(), tenant, ada, &client).await.unwrap().unwrap();
        assert_eq!(found.scope.to_string(), "email openid profile");
        let id = client.clone();
        let deleted = write!(database, |tx| store::consents::delete(tx, tenant, ada, &id).await);
        assert!(deleted.unwrap());
        assert_eq!(store::consents::find(database.read(), tenant, ada, &client).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_flow_goes_one_way() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| {
            for number in 1..=3 {
                store::authorization_flows::insert(tx, tenant, &samples::flow(number)).await?;
            }
            let [one, two, three] = [1, 2, 3].map(samples::flow_id);
            assert_eq!(store::authorization_flows::find(tx, tenant, one).await?, Some(samples::flow(1)));
            assert!(store::authorization_flows::bind_browser(tx, tenant, one, &hash(1)).await?);
            assert!(!store::authorization_flows::bind_browser(tx, tenant, one, &hash(2)).await?);
            assert!(store::authorization_flows::bind_browser(tx, tenant, one, &hash(1)).await?, "its own, again");
            assert!(store::authorization_flows::set_session(tx, tenant, one, samples::session_id(1)).await?);
            assert!(store::authorization_flows::complete(tx, tenant, one, NOW).await?);
            assert!(!store::authorization_flows::refuse(tx, tenant, one, NOW).await?);
            assert!(!store::authorization_flows::set_session(tx, tenant, one, samples::session_id(1)).await?);
            assert!(store::authorization_flows::refuse(tx, tenant, two, NOW).await?);
            assert!(!store::authorization_flows::complete(tx, tenant, two, NOW).await?);
            assert!(!store::authorization_flows::complete(tx, tenant, three, later(600)).await?, "too late");
            Ok(())
        })
        .unwrap();
        let found = store::authorization_flows::find(database.read(), tenant, samples::flow_id(1)).await.unwrap();
        let found = found.unwrap();
        assert_eq!((found.state, found.browser_hash), (FlowState::Completed, Some(hash(1))));
        assert_eq!(found.session_id, Some(samples::session_id(1)));
    }
}

#[tokio::test]
async fn a_code_works_within_its_time() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| {
            store::authorization_codes::insert(tx, tenant, &samples::code(1)).await?;
            let redeem =
                async |number, at| store::authorization_codes::redeem(tx, tenant, &CodeHash(hash(number)), at).await;
            assert_eq!(redeem(1, later(60)).await?, Redeemed::Unknown, "its time is up");
            assert_eq!(redeem(2, NOW).await?, Redeemed::Unknown, "there is none");
            assert_eq!(redeem(1, later(59)).await?, Redeemed::First(Box::new(samples::code(1))));
            assert_eq!(redeem(1, later(3600)).await?, Redeemed::Replayed(Box::new(samples::code(1))));
            Ok(())
        })
        .unwrap();
    }
}

#[tokio::test]
async fn sessions_are_found_by_what_a_client_still_has_in_them_the_newest_first() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| {
            for number in 1..=6 {
                store::sessions::insert(tx, tenant, &samples::session(number.into(), 1), &hash(number)).await?;
                let grant = Grant {
                    session_id: Some(samples::session_id(number.into())),
                    // That of the second is over sooner than its session.
                    expires_at: Some(later(if number == 2 { 60 } else { 3600 })),
                    ..samples::grant(number.into(), 1, "reports")
                };
                store::grants::insert(tx, tenant, &grant).await?;
            }
            store::grants::revoke(tx, tenant, samples::grant_id(3), later(1)).await.map(drop)
        })
        .unwrap();
        let found = async |filter: SessionFilter| {
            let found = store::sessions::list(database.read(), tenant, &filter, None, later(90), 10).await.unwrap();
            found.iter().map(|session| session.id.uuid().as_u128()).collect::<Vec<_>>()
        };
        let all = SessionFilter::default;
        let of_client = || SessionFilter { client: Some(samples::client_id("reports")), ..all() };
        assert_eq!(found(all()).await, [6, 5, 4, 3, 2, 1]);
        assert_eq!(found(of_client()).await, [6, 5, 4, 1]);
        assert_eq!(found(SessionFilter { except: Some(samples::session_id(5)), ..of_client() }).await, [6, 4, 1]);
        // A grant's session is found whatever has become of the grant.
        assert_eq!(found(SessionFilter { grant: Some(samples::grant_id(3)), ..all() }).await, [3]);
        assert_eq!(found(SessionFilter { grant: Some(samples::grant_id(9)), ..all() }).await, []);
        // What ended all at once counts before its rows are swept up.
        let sweep = Sweep {
            id: SweepId::from_uuid(uuid::Uuid::from_u128(1)),
            client_id: Some(samples::client_id("reports")),
            reason: EndReason::Revoked,
            until: later(2),
            actor: None,
            address: None,
        };
        write!(database, |tx| store::sweeps::begin(tx, tenant, sweep).await.map(drop)).unwrap();
        assert_eq!(found(of_client()).await, []);
        assert_eq!(found(all()).await.len(), 6, "people stay signed in");
    }
}

/// However many rows there are, and however many of them are the person's or have ended, no more is read than is shown or
/// ended.
#[tokio::test]
async fn what_is_listed_and_what_is_ended_is_found_by_an_index_in_its_order() {
    // Which of several indexes PostgreSQL takes is a matter of what is in the tables.
    let database = TestDatabase::sqlite().await;
    furnish(&database.open().await, 1).await;
    let raw = database.raw().await;
    let person = "tenant_id = (SELECT tenant_id FROM tenants) AND user_id = (SELECT user_id FROM users)";
    let tenant = "tenant_id = (SELECT tenant_id FROM tenants)";
    let queries = [
        (
            "sessions_of_user_idx",
            format!(
                "SELECT session_id FROM sessions WHERE {person} AND ended_at IS NULL ORDER BY session_id DESC LIMIT 51"
            ),
        ),
        (
            "sessions_running_idx",
            format!(
                "SELECT session_id FROM sessions WHERE {tenant} AND created_at <= 5 AND ended_at IS NULL LIMIT 100"
            ),
        ),
        (
            "grants_running_idx",
            format!("SELECT grant_id FROM grants WHERE {tenant} AND created_at <= 5 AND revoked_at IS NULL LIMIT 1000"),
        ),
        (
            "grants_running_of_client_idx",
            format!(
                "SELECT grant_id FROM grants WHERE {tenant} AND client_id = 'reports' AND created_at <= 5 \
                 AND revoked_at IS NULL LIMIT 1000"
            ),
        ),
        (
            "sessions_of_user_idx",
            format!("SELECT session_id FROM sessions WHERE {person} AND ended_at IS NULL AND expires_at > 4 LIMIT 100"),
        ),
        (
            "sessions_of_user_idx",
            format!(
                "SELECT session_id FROM sessions WHERE {person} AND origin = 'page' AND ended_at IS NULL \
                 ORDER BY session_id DESC LIMIT 1000 OFFSET 4"
            ),
        ),
        (
            "grants_of_user_idx",
            format!(
                "SELECT client_id FROM grants WHERE {person} AND offline = TRUE AND revoked_at IS NULL \
                 GROUP BY client_id ORDER BY client_id LIMIT 26"
            ),
        ),
    ];
    for (index, query) in queries {
        let statement = Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {query}"));
        let rows = raw.query_all_raw(statement).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        let plan = lines.join("\n");
        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[tokio::test]
async fn what_clients_may_do_is_what_was_allowed_and_what_outlives_its_session() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let other = furnish(&database, 2).await;
        write!(database, |tx| {
            store::users::insert(tx, tenant, &samples::user(2)).await?;
            for tenant in [tenant, other] {
                store::sessions::insert(tx, tenant, &samples::session(1, 1), &hash(1)).await?;
            }
            for client in ["B", "a", "b", "c", "d", "e", "f", "g"] {
                store::clients::insert(tx, tenant, &samples::client(client)).await?;
            }
            let allow = async |user, client: &str, scope: &str, now| {
                let client = samples::client_id(client);
                store::consents::upsert(tx, tenant, samples::user_id(user), &client, &scope.parse().unwrap(), now).await
            };
            allow(1, "B", "openid", NOW).await?;
            allow(1, "b", "openid", later(5)).await?;
            allow(2, "c", "openid", NOW).await?;
            let mut number = 0;
            let mut give = async |user, client: &str, change: fn(&mut Grant)| {
                number += 1;
                let mut grant = Grant { offline: true, ..samples::grant(number, user, client) };
                change(&mut grant);
                store::grants::insert(tx, tenant, &grant).await
            };
            give(1, "b", |grant| grant.scope = "email".parse().unwrap()).await?;
            give(1, "a", |grant| grant.created_at = later(7)).await?;
            give(1, "a", |grant| grant.created_at = later(6)).await?;
            give(1, "a", |grant| grant.scope = "email".parse().unwrap()).await?;
            give(1, "d", |grant| grant.offline = false).await?;
            give(1, "e", |grant| grant.expires_at = Some(later(60))).await?;
            give(1, "f", |grant| grant.revoked_at = Some(later(1))).await?;
            give(1, "g", |grant| grant.expires_at = None).await?;
            give(2, "c", |_| {}).await?;
            let foreign = Grant { offline: true, ..samples::grant(1, 1, "reports") };
            store::grants::insert(tx, other, &foreign).await
        })
        .unwrap();
        let db = database.read();
        let (user, now) = (samples::user_id(1), later(90));
        let all = store::applications::list(db, tenant, user, None, now, 100).await.unwrap();
        let mut said: Vec<_> = all
            .iter()
            .map(|one| (one.client_id.as_str(), one.scope.to_string(), one.since.since(NOW).as_secs()))
            .collect();
        said.sort_unstable();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            said,
            [
                ("B", text("openid"), 0),
                ("a", text("email openid profile"), 0),
                ("b", text("email openid"), 0),
                ("g", text("openid profile"), 0),
            ]
        );
        // By parts none is left out or comes twice, whatever order of texts the database has.
        let mut read = Vec::new();
        loop {
            let after = read.last().map(|one: &Standing| one.client_id.clone());
            let part = store::applications::list(db, tenant, user, after.as_ref(), now, 1).await.unwrap();
            if part.is_empty() {
                break;
            }
            read.extend(part);
        }
        assert_eq!(read, all);
        for one in &all {
            let found = store::applications::find(db, tenant, user, &one.client_id, now).await.unwrap();
            assert_eq!(found.as_ref(), Some(one));
            assert_eq!(store::applications::find(db, other, user, &one.client_id, now).await.unwrap(), None);
        }
        for none in ["c", "d", "e", "f", "reports", "nobody"] {
            let id = samples::client_id(none);
            assert_eq!(store::applications::find(db, tenant, user, &id, now).await.unwrap(), None, "{none}");
        }
    }
}
