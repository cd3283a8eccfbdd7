//! What goes in comes out, and the rules of each aggregate.

use idp::domain::audit::{AuditKind, Outcome};
use idp::domain::authorization_code::Redeemed;
use idp::domain::client::ClientStatus;
use idp::domain::tenant::{TenantSettings, TenantStatus};
use idp::domain::user::{LoginName, UserStatus};
use idp::domain::{CodeHash, Secret, TenantId};
use idp::store::audit::{AuditCursor, AuditFilter};
use idp::store::users::UserFilter;
use idp::store::{self, Conflict, StoreError};
use keys::{KeyLifecycle, KeyState};
use sea_orm::ConnectionTrait as _;

use super::samples::{self, NOW, furnish, hash, later, tenant_id};
use super::write;
use crate::support::databases;

fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Conflict {
    match result {
        Err(StoreError::Conflict(conflict)) => conflict,
        other => panic!("expected a conflict: {other:?}"),
    }
}

#[tokio::test]
async fn tenants_are_found_by_each_of_their_names() {
    for database in databases().await {
        let database = database.open().await;
        let db = database.read();
        for number in 1..=3 {
            write!(database, |tx| store::tenants::insert(tx, &samples::tenant(number)).await).unwrap();
        }
        let two = samples::tenant(2);
        assert_eq!(store::tenants::find_by_id(db, two.id).await.unwrap(), Some(two.clone()));
        assert_eq!(store::tenants::find_by_slug(db, &two.slug).await.unwrap(), Some(two.clone()));
        assert_eq!(store::tenants::find_by_issuer(db, &two.issuer).await.unwrap(), Some(two.clone()));
        assert_eq!(store::tenants::find_by_id(db, TenantId::DEFAULT).await.unwrap(), None);
        assert_eq!(store::tenants::list(db, None, 2).await.unwrap(), [samples::tenant(1), two.clone()]);
        assert_eq!(store::tenants::list(db, Some(two.id), 2).await.unwrap(), [samples::tenant(3)]);

        let same_slug = idp::domain::tenant::Tenant { slug: two.slug.clone(), ..samples::tenant(4) };
        let same_issuer = idp::domain::tenant::Tenant { issuer: two.issuer.clone(), ..samples::tenant(4) };
        assert_eq!(conflict(write!(database, |tx| store::tenants::insert(tx, &same_slug).await)), Conflict::Slug);
        assert_eq!(conflict(write!(database, |tx| store::tenants::insert(tx, &same_issuer).await)), Conflict::Issuer);

        let changed = write!(database, |tx| {
            assert!(!store::tenants::set_status(tx, tenant_id(9), TenantStatus::Suspended, NOW).await?);
            assert!(store::tenants::set_status(tx, tenant_id(2), TenantStatus::Suspended, NOW).await?);
            store::tenants::update(tx, tenant_id(2), "New", &TenantSettings::default(), later(1)).await
        });
        assert!(changed.unwrap());
        let found = store::tenants::find_by_id(db, two.id).await.unwrap().unwrap();
        assert_eq!((found.status, found.name.as_str()), (TenantStatus::Suspended, "New"));
        assert_eq!((found.settings, found.updated_at), (TenantSettings::default(), later(1)));
        assert_eq!(found.issuer, two.issuer, "frozen");
    }
}

#[tokio::test]
async fn people_are_found_by_e_mail_address_or_user_name_in_any_case() {
    for database in databases().await {
        let database = database.open().await;
        let db = database.read();
        let tenant = furnish(&database, 1).await;
        let ada = samples::user(1);
        assert_eq!(store::users::find_by_id(db, tenant, ada.id).await.unwrap(), Some(ada.clone()));
        for (login, found) in [
            ("ada1@example.com", true),
            (" ADA1@EXAMPLE.COM ", true),
            ("ada1", true),
            ("Ada1", true),
            ("ada2", false),
            ("ada1@example.org", false),
            ("ada1\0", false),
            ("", false),
            ("%", false),
        ] {
            let login = LoginName::new(login);
            let expected = found.then(|| ada.clone());
            assert_eq!(store::users::find_by_login(db, tenant, &login).await.unwrap(), expected, "{login:?}");
            let with_password = store::users::find_by_login_with_password(db, tenant, &login).await.unwrap();
            assert_eq!(with_password.map(|(user, _)| user), expected, "{login:?}");
        }
    }
}

#[tokio::test]
async fn a_conflict_names_the_value_that_is_taken() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let mut same_email = samples::user(2);
        same_email.email = Some("ADA1@example.COM".parse().unwrap());
        let mut same_name = samples::user(2);
        same_name.username = Some("ADA1".parse().unwrap());
        for (user, expected) in [(same_email, Conflict::Email), (same_name, Conflict::Username)] {
            let row = user.clone();
            assert_eq!(conflict(write!(database, |tx| store::users::insert(tx, tenant, &row).await)), expected);
            let other = samples::user(3);
            let seen = other.updated_at;
            let changed = idp::domain::user::User { id: other.id, ..user };
            let result = write!(database, |tx| {
                store::users::insert(tx, tenant, &other).await?;
                store::users::update(tx, tenant, &changed, seen).await
            });
            assert_eq!(conflict(result), expected);
        }
        let again = write!(database, |tx| store::users::insert(tx, tenant, &samples::user(1)).await);
        assert!(matches!(again, Err(StoreError::Conflict(_))));
        let client = write!(database, |tx| store::clients::insert(tx, tenant, &samples::client("reports")).await);
        assert_eq!(conflict(client), Conflict::ClientId);
        let homeless = write!(database, |tx| store::users::insert(tx, tenant_id(9), &samples::user(1)).await);
        assert!(matches!(homeless, Err(StoreError::Missing)), "{homeless:?}");
    }
}

#[tokio::test]
async fn people_without_a_name_or_address_are_many() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        for number in 2..=4 {
            let nameless = idp::domain::user::User { email: None, username: None, ..samples::user(number) };
            write!(database, |tx| store::users::insert(tx, tenant, &nameless).await).unwrap();
        }
        let page = store::users::list(database.read(), tenant, &UserFilter::default(), Some(samples::user_id(2)), 10)
            .await
            .unwrap();
        assert_eq!(page.iter().map(|user| user.id).collect::<Vec<_>>(), [samples::user_id(3), samples::user_id(4)]);
    }
}

#[tokio::test]
async fn a_password_hash_replaces_the_one_before() {
    for database in databases().await {
        let database = database.open().await;
        let db = database.read();
        let tenant = furnish(&database, 1).await;
        let (ada, login) = (samples::user_id(1), LoginName::new("ada1"));
        let (_, none) = store::users::find_by_login_with_password(db, tenant, &login).await.unwrap().unwrap();
        assert!(none.is_none());
        assert!(store::users::password_hash(db, tenant, ada).await.unwrap().is_none());
        for hash in ["$argon2id$first", "$argon2id$second"] {
            write!(database, |tx| store::users::set_password_hash(tx, tenant, ada, &Secret::new(hash), NOW).await)
                .unwrap();
            let found = store::users::password_hash(db, tenant, ada).await.unwrap().unwrap();
            assert_eq!(found.expose(), hash);
            let (_, found) = store::users::find_by_login_with_password(db, tenant, &login).await.unwrap().unwrap();
            assert_eq!(found.unwrap().expose(), hash);
        }
        let nobody = write!(database, |tx| {
            store::users::set_password_hash(tx, tenant, samples::user_id(9), &Secret::new("x"), NOW).await
        });
        assert!(matches!(nobody, Err(StoreError::Missing)), "{nobody:?}");
    }
}

#[tokio::test]
async fn people_change() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let mut ada = samples::user(1);
        ada.email = None;
        ada.roles.clear();
        ada.profile.nickname = Some("\u{1f98a}".to_owned());
        ada.updated_at = later(5);
        let (changed, seen) = (ada.clone(), samples::user(1).updated_at);
        write!(database, |tx| {
            assert!(store::users::update(tx, tenant, &changed, seen).await?);
            assert!(!store::users::update(tx, tenant, &changed, seen).await?, "it was changed since");
            assert!(store::users::set_status(tx, tenant, changed.id, UserStatus::Locked, later(6)).await?);
            assert!(!store::users::set_status(tx, tenant, samples::user_id(9), UserStatus::Locked, NOW).await?);
            store::users::touch(tx, tenant, changed.id, later(7)).await
        })
        .unwrap();
        ada.status = UserStatus::Locked;
        ada.updated_at = later(6);
        ada.last_activity_at = Some(later(7));
        assert_eq!(store::users::find_by_id(database.read(), tenant, ada.id).await.unwrap(), Some(ada));
    }
}

#[tokio::test]
async fn a_client_comes_with_the_secrets_that_count() {
    for database in databases().await {
        let database = database.open().await;
        let db = database.read();
        let tenant = furnish(&database, 1).await;
        let id = samples::client_id("reports");
        assert_eq!(store::clients::find(db, tenant, &id, NOW).await.unwrap(), Some(samples::client("reports")));

        let client = id.clone();
        write!(database, |tx| {
            store::clients::add_secret(tx, tenant, &client, &samples::secret(2)).await?;
            let except = samples::secret(2).id;
            assert_eq!(store::clients::expire_secrets(tx, tenant, &client, except, later(60)).await?, 1);
            assert_eq!(
                store::clients::expire_secrets(tx, tenant, &client, except, later(90)).await?,
                0,
                "sooner stays"
            );
            Ok(())
        })
        .unwrap();
        let secrets = |at| {
            let id = &id;
            async move {
                let client = store::clients::find(db, tenant, id, at).await.unwrap().unwrap();
                client.secrets.into_iter().map(|secret| secret.hash).collect::<Vec<_>>()
            }
        };
        assert_eq!(secrets(later(59)).await, [hash(1), hash(2)]);
        assert_eq!(secrets(later(60)).await, [hash(2)]);

        let client = id.clone();
        write!(database, |tx| {
            let mut metadata = samples::client("reports").metadata;
            metadata.audience = Some("services".to_owned());
            let times = (samples::client("reports").updated_at, later(1));
            assert!(store::clients::update(tx, tenant, &client, "New", &metadata, times).await?);
            assert!(!store::clients::update(tx, tenant, &client, "Newer", &metadata, times).await?);
            assert!(store::clients::set_status(tx, tenant, &client, ClientStatus::Disabled, later(2)).await?);
            store::clients::insert(tx, tenant, &samples::client("Zebra")).await
        })
        .unwrap();
        let found = store::clients::find(db, tenant, &id, NOW).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.status, found.updated_at), ("New", ClientStatus::Disabled, later(2)));
        assert_eq!(found.metadata.audience.as_deref(), Some("services"));
        let page = store::clients::list(db, tenant, Some(&samples::client_id("Zebra")), 10).await.unwrap();
        assert_eq!(page.len(), 1);
        assert_eq!((page[0].id.clone(), page[0].secrets.len()), (id.clone(), 0));
    }
}

#[tokio::test]
async fn a_deleted_client_takes_along_what_it_got() {
    for database in databases().await {
        let database = database.open().await;
        let db = database.read();
        let tenant = furnish(&database, 1).await;
        let (ada, id) = (samples::user_id(1), samples::client_id("reports"));
        let client = id.clone();
        write!(database, |tx| {
            store::sessions::insert(tx, tenant, &samples::session(1, 1), &hash(1)).await?;
            store::grants::insert(tx, tenant, &samples::grant(1, 1, "reports")).await?;
            store::consents::upsert(tx, tenant, ada, &client, &"openid".parse().unwrap(), NOW).await?;
            store::authorization_codes::insert(tx, tenant, &samples::code(1)).await?;
            assert!(store::clients::delete(tx, tenant, &client).await?);
            assert!(!store::clients::delete(tx, tenant, &client).await?);
            Ok(())
        })
        .unwrap();
        assert_eq!(store::clients::find(db, tenant, &id, NOW).await.unwrap(), None);
        assert_eq!(store::grants::find(db, tenant, samples::grant_id(1)).await.unwrap(), None);
        assert_eq!(store::consents::find(db, tenant, ada, &id).await.unwrap(), None);
        let code = CodeHash(hash(1));
        let redeemed = write!(database, |tx| store::authorization_codes::redeem(tx, tenant, &code, NOW).await);
        assert_eq!(redeemed.unwrap(), Redeemed::Unknown);
    }
}

#[tokio::test]
async fn a_key_changes_from_the_state_that_it_is_in_and_one_is_active() {
    for database in databases().await {
        let database = database.open().await;
        let db = database.read();
        let tenant = furnish(&database, 1).await;
        let first = samples::key(KeyLifecycle::first(NOW.millis()));
        let next = samples::key(KeyLifecycle::staged(NOW.millis()));
        let (a, b) = (first.clone(), next.clone());
        write!(database, |tx| {
            store::signing_keys::insert(tx, tenant, &a).await?;
            store::signing_keys::insert(tx, tenant, &b).await
        })
        .unwrap();
        assert_eq!(store::signing_keys::find(db, tenant, first.kid()).await.unwrap(), Some(first.clone()));

        let second = samples::key(KeyLifecycle::first(NOW.millis()));
        let row = second.clone();
        let two_active = write!(database, |tx| store::signing_keys::insert(tx, tenant, &row).await);
        assert!(matches!(two_active, Err(StoreError::Conflict(Conflict::Other))), "{two_active:?}");

        let active = next.lifecycle.activate_in_emergency(later(1).millis()).unwrap();
        let retiring = first.lifecycle.begin_retiring(later(1).millis()).unwrap();
        let (old, new) = (first.kid().clone(), next.kid().clone());
        let early = {
            let new = new.clone();
            write!(database, |tx| {
                store::signing_keys::transition(tx, tenant, &new, KeyState::Staged, &active).await
            })
        };
        assert!(matches!(early, Err(StoreError::Conflict(_))), "the old one is still active: {early:?}");
        write!(database, |tx| {
            assert!(store::signing_keys::transition(tx, tenant, &old, KeyState::Active, &retiring).await?);
            assert!(!store::signing_keys::transition(tx, tenant, &old, KeyState::Active, &retiring).await?);
            assert!(store::signing_keys::transition(tx, tenant, &new, KeyState::Staged, &active).await?);
            assert!(store::signing_keys::reseal(tx, tenant, &new, &[9; 40]).await?);
            let retired = retiring.retire_in_emergency(later(2).millis()).unwrap();
            assert!(store::signing_keys::transition(tx, tenant, &old, KeyState::Retiring, &retired).await?);
            Ok(())
        })
        .unwrap();
        let published = store::signing_keys::list_published(db, tenant).await.unwrap();
        assert_eq!(published.iter().map(store::signing_keys::StoredKey::kid).collect::<Vec<_>>(), [next.kid()]);
        assert_eq!((published[0].lifecycle, published[0].sealed_private.as_slice()), (active, [9; 40].as_slice()));
        assert_eq!(store::signing_keys::list_all(db, tenant).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn the_audit_log_is_read_backwards_in_pages() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| {
            for number in 1..=4 {
                let mut event = samples::event(number, AuditKind::SignIn, Outcome::Success);
                event.at = later(u64::try_from(number).unwrap() / 3);
                event.detail = serde_json::json!({ "typed": "a\0b", "list": ["c\0"] });
                tx.record(tenant, event.clone());
            }
            tx.record(tenant, samples::event(5, AuditKind::UserCreated, Outcome::Refused));
            Ok(())
        })
        .unwrap();
        let list = async |filter: AuditFilter, before, limit| {
            let events = store::audit::list(database.read(), tenant, &filter, before, limit).await.unwrap();
            events.iter().map(|event| event.id.uuid().as_u128()).collect::<Vec<_>>()
        };
        let all = AuditFilter::default();
        assert_eq!(list(all.clone(), None, 3).await, [4, 3, 5]);
        let seen = AuditCursor { at: NOW, id: samples::event(5, AuditKind::SignIn, Outcome::Success).id };
        assert_eq!(list(all.clone(), Some(seen), 10).await, [2, 1]);
        assert_eq!(list(AuditFilter { kind: Some(AuditKind::UserCreated), ..all.clone() }, None, 10).await, [5]);
        assert_eq!(list(AuditFilter { outcome: Some(Outcome::Failed), ..all.clone() }, None, 10).await, [0_u128; 0]);
        assert_eq!(list(AuditFilter { since: Some(later(1)), ..all.clone() }, None, 10).await, [4, 3]);

        let events = store::audit::list(database.read(), tenant, &all, None, 10).await.unwrap();
        assert_eq!(events[0].detail, serde_json::json!({ "typed": "a\u{fffd}b", "list": ["c\u{fffd}"] }));
        assert_eq!(events[2], samples::event(5, AuditKind::UserCreated, Outcome::Refused));
    }
}

#[tokio::test]
async fn changes_of_what_is_cached_are_counted_and_no_others() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let before = store::changes::revision(database.read()).await.unwrap();
        write!(database, |tx| {
            store::users::touch(tx, tenant, samples::user_id(1), NOW).await?;
            store::sessions::insert(tx, tenant, &samples::session(1, 1), &hash(1)).await
        })
        .unwrap();
        assert_eq!(store::changes::revision(database.read()).await.unwrap(), before);
        write!(database, |tx| {
            store::clients::set_status(tx, tenant, &samples::client_id("reports"), ClientStatus::Disabled, NOW).await
        })
        .unwrap();
        assert_eq!(store::changes::revision(database.read()).await.unwrap(), before + 1);
    }
}

/// A row that the domain doesn't allow is an error, and the error doesn't tell what was in it.
#[tokio::test]
async fn a_damaged_row_is_reported_not_guessed_at() {
    for database in databases().await {
        let open = database.open().await;
        let tenant = furnish(&open, 1).await;
        let raw = database.raw().await;
        raw.execute_unprepared("UPDATE users SET email = 'not an address', email_lower = 'ada1@example.com'")
            .await
            .unwrap();
        let error = store::users::find_by_id(open.read(), tenant, samples::user_id(1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { table: "users", column: "email" }), "{error:?}");
        assert_eq!(error.to_string(), "column email of a row in users is not valid");
    }
}
