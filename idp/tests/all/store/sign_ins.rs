//! Sessions and what comes of them: grants, consents, flows and codes.

use idp::domain::CodeHash;
use idp::domain::authorization_code::Redeemed;
use idp::domain::authorization_flow::FlowState;
use idp::store;
use idp::store::sessions::Ending;

use super::samples::{self, NOW, furnish, hash, later};
use super::write;
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
