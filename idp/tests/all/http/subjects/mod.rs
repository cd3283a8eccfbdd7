//! Subjects: every way to get or to use something in somebody's name against every reason to refuse it.
//!
//! The matrix is generated. A new grant, a new operation of the OpenAPI document, a new state of a user, a client or a
//! tenant, and a new reason for a session's end don't compile, or don't pass, until it is said which way or which reason
//! they are; and a new way or reason doesn't until it is said how it is used and what comes of it.

pub(crate) mod reason;
mod streams;
mod subject;
pub(crate) mod usage;

use std::collections::BTreeSet;
use std::time::Duration;

use idp::domain::Secret;
use idp::domain::client::{ClientStatus, GrantType};
use idp::domain::session::EndReason;
use idp::domain::tenant::{Tenant, TenantStatus};
use idp::domain::user::UserStatus;
use idp::service::explain;

use self::reason::Reason;
use self::subject::Subject;
use self::usage::{Expected, Operation, Usage};
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, World};

pub(crate) use self::subject::app;

const BASE: &str = "/t/acme";
/// An API that people's tokens are for, which asks what they are worth.
const WATCHER: &str = "watcher";

/// What an answer says: status and body; of a browser, where it is sent, the error that it brings to a client, or the
/// status of its page.
fn said(usage: Usage, answer: &Answer) -> String {
    if !usage.is_by_browser() {
        return answer.snapshot();
    }
    match answer.header("location") {
        None => answer.status.as_u16().to_string(),
        Some(to) if to.starts_with("https://") => answer.returned("error").unwrap_or_else(|| "code".to_owned()),
        Some(to) => to.split('?').next().unwrap_or_default().to_owned(),
    }
}

/// A provider with a tenant in which resource servers ask what tokens are worth: those of people, and those of services.
async fn watched(database: &TestDatabase) -> (World, Tenant) {
    let world = World::on(database.open().await).await;
    let acme = world.other_tenant("acme").await;
    let issuer = acme.issuer.to_string();
    for (id, audience) in [(WATCHER, &*issuer), ("services", "services")] {
        world.client(&acme, id, |metadata| metadata.audience = Some(audience.to_owned())).await;
    }
    (world, acme)
}

#[tokio::test]
async fn a_subject_that_may_not_be_used_is_refused_everywhere() {
    for database in databases().await {
        let (world, acme) = watched(&database).await;
        let mut wrong = Vec::new();
        for (number, reason) in Reason::ALL.iter().copied().enumerate() {
            // Refused sign-ins count against the address for a quarter of an hour.
            world.pass(Duration::from_mins(20));
            let mut subject = Subject::new(&world, &acme, number).await;
            for usage in Usage::ALL {
                let (works, answer) = subject.used(*usage, false).await;
                assert!(works, "{usage:?} before {reason:?}: {answer:?}");
            }
            // What begins in the very millisecond of an end of everything ends with it.
            world.pass(Duration::from_millis(1));
            let clients = [&subject.client, &subject.bound, &subject.app];
            let befallen = if reason.is_of_client() { &clients[..] } else { &clients[..1] };
            for client in befallen {
                reason.befalls(&world, &acme, &subject.user, client).await;
            }
            world.pass(Duration::from_millis(1));
            // Who asks what is wrong with a token is told so, and of a good one nothing.
            for (usage, token) in subject.access_tokens() {
                let report = explain::explain(&world.ctx, &Secret::new(token), None).await.unwrap();
                let expected = usage.expected(reason);
                if report.is_valid() != matches!(expected, Expected::Works(_)) {
                    wrong.push(format!(
                        "{usage:?} after {reason:?}: {expected:?}, but explained by {:?}",
                        report.refusals
                    ));
                }
            }
            for usage in Usage::ALL.iter().copied() {
                let expected = usage.expected(reason);
                // Twice: a refusal doesn't open the way for the next try.
                for _ in 0..2 {
                    let (works, answer) = subject.used(usage, matches!(expected, Expected::Refused)).await;
                    let said = said(usage, &answer);
                    match expected {
                        Expected::Works(why) if works => println!("{usage:?} after {reason:?}: {why}"),
                        Expected::Refused if !works && said == usage.refusal(reason) => {}
                        expected => wrong.push(format!("{usage:?} after {reason:?}: {expected:?}, but {said:.300}")),
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn every_grant_operation_and_state_is_in_the_matrix() {
    let mut shown: BTreeSet<Usage> = GrantType::ALL.iter().flat_map(|grant| usage::of_grant(*grant)).copied().collect();
    for operation in Operation::all() {
        match operation.usages() {
            Ok(usages) => shown.extend(usages),
            Err(why) => println!("{} {}: {why}", operation.method, operation.path),
        }
    }
    let by_browser = Usage::ALL.iter().filter(|usage| usage.is_by_browser());
    shown.extend(by_browser);
    assert_eq!(shown, Usage::ALL.iter().copied().collect(), "each way is one of an endpoint's");

    let mut reasons: BTreeSet<Reason> =
        EndReason::ALL.into_iter().filter_map(|end| reason::ending_so(end).ok()).flatten().copied().collect();
    let of_users = [UserStatus::Active, UserStatus::Disabled, UserStatus::Locked].map(reason::of_user);
    let of_clients = [ClientStatus::Active, ClientStatus::Disabled].map(reason::of_client);
    let of_tenants = [TenantStatus::Active, TenantStatus::Suspended].map(reason::of_tenant);
    reasons.extend(of_users.into_iter().chain(of_clients).chain(of_tenants).flatten());
    // Where no session ends.
    reasons.extend([Reason::GrantsRevoked, Reason::ConsentWithdrawn]);
    assert_eq!(reasons, Reason::ALL.iter().copied().collect(), "each reason is one of something's ends");
}
