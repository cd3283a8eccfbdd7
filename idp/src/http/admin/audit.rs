//! `/v1/admin/audit`.

use poem_openapi::OpenApi;
use poem_openapi::param::Query;

use super::Group;
use super::gate::{AuditRead, Gate};
use super::model::{AuditLine, AuditPart, AuditWhich};
use crate::http::api::answer::{Answer, Content, Listed};
use crate::http::api::paging::Part;
use crate::http::api::refusal::{Refusal, Result};
use crate::service::audit_log::{self, AuditCursor};

/// The audit log.
#[derive(Debug)]
pub struct Audit;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Audit")]
impl Audit {
    /// Search the audit log
    ///
    /// The newest first. Scope: `admin:audit:read`.
    #[oai(path = "/audit", method = "get", operation_id = "listAudit")]
    #[expect(clippy::too_many_arguments, reason = "a parameter each, for the document")]
    async fn list(
        &self,
        gate: Gate<AuditRead>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
        /// Only of this kind, such as `user.sign_in`.
        kind: Query<Option<String>>,
        /// Only with this end: `success`, `refused` or `failed`.
        outcome: Query<Option<String>>,
        /// Only about the user of this id.
        user_id: Query<Option<String>>,
        /// Only about the client of this id.
        client_id: Query<Option<String>>,
        /// Only what this one did: `client:ID`, `user:ID`, `cli`.
        actor: Query<Option<String>>,
        /// Only what came from this network address.
        address: Query<Option<String>>,
        /// Only from this time on: RFC 3339.
        since: Query<Option<String>>,
        /// Only before this time: RFC 3339.
        until: Query<Option<String>>,
    ) -> Answer<Listed<AuditPart>> {
        let which = AuditWhich {
            kind: kind.0,
            outcome: outcome.0,
            user_id: user_id.0,
            client_id: client_id.0,
            actor: actor.0,
            address: address.0,
            since: since.0,
            until: until.0,
        };
        Answer::new(list(&gate, &which, Part::new(limit.0, cursor.0.as_deref())).await)
    }
}

async fn list(gate: &Gate<AuditRead>, which: &AuditWhich, part: Result<Part<AuditCursor>>) -> Result<Content> {
    let (part, filter) = (part?, which.filter().map_err(Refusal::bad_request)?);
    let found = audit_log::list(&gate.ctx, gate.tenant_id(), &filter, part.after, part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |event| AuditLine::from(event).cursor());
    Ok(Content::json(&AuditPart { items: shown.iter().map(AuditLine::from).collect(), next_cursor }))
}
