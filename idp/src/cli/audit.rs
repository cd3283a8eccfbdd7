//! `signet audit`: who signed in, what was refused, what was changed; and whether the record of it is whole.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{Common, Page, TenantOption};
use super::place::{self, Administration, Place};
use super::record::{self, Record};
use crate::app::App;
use crate::domain::TenantId;
use crate::domain::tenant::Tenant;
use crate::http::admin::model::{AuditLine, AuditWhich};
use crate::service::audit_log::{self, Link, Verdict};
use crate::service::tenants;

/// Verbs of `signet audit`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List what happened, the newest first
    List(Box<List>),
    /// Hold the audit log against its chain of hashes: whether a line was changed, removed or added
    Verify(Verify),
}

/// Options of `signet audit list`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct List {
    /// Only of this kind, such as user.sign_in
    #[arg(long)]
    kind: Option<String>,
    /// Only with this end: success, refused or failed
    #[arg(long)]
    outcome: Option<String>,
    /// Only about this user: e-mail address, user name or id
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only about this client
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// Only what this one did: cli, user:ID or client:ID
    #[arg(long)]
    actor: Option<String>,
    /// Only what came from this network address
    #[arg(long)]
    address: Option<String>,
    /// Only from this time on (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    place: Place,
}

/// Options of `signet audit verify`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    tenant: TenantOption,
    /// Each tenant's log
    #[arg(long, conflicts_with = "tenant")]
    all: bool,
    /// What an earlier verification said of the last line, kept elsewhere: SEQUENCE:HASH
    #[arg(long, value_name = "SEQUENCE:HASH", conflicts_with = "all")]
    checkpoint: Option<Link>,
}

/// Runs `signet audit`.
pub(super) async fn run(verb: Verb, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    match verb {
        Verb::List(list) => place::run(*list, common, console).await,
        Verb::Verify(verify) => {
            place::with_app(common, console, async |app, console| verify.answer(app, common, console).await).await
        }
    }
}

impl place::Verb for List {
    fn place(&self) -> &Place {
        &self.place
    }

    async fn answer(
        self,
        admin: &impl Administration,
        common: &Common,
        console: &mut Console<'_>,
    ) -> Result<Exit, CliError> {
        let user_id = match &self.user {
            // Who was deleted has no name any more, but lines.
            Some(user) if user.parse::<crate::domain::UserId>().is_ok() => Some(user.clone()),
            Some(user) => Some(admin.find_user(user).await?.user_id.0),
            None => None,
        };
        let which = AuditWhich {
            kind: self.kind,
            outcome: self.outcome,
            user_id,
            client_id: self.client,
            actor: self.actor,
            address: self.address,
            since: self.since,
            until: self.until,
        };
        let read = async |after: Option<String>, limit| admin.audit(&which, after, limit).await;
        let found = self.page.collect(AuditLine::cursor, read).await?;
        let columns = ["time", "kind", "outcome", "actor", "user_id", "client_id", "address", "detail"];
        let all = ["audit_id", "time", "kind", "outcome", "actor", "user_id", "client_id", "address", "detail"];
        let records: Vec<Record> = found.iter().map(|line| Record::of(line).with_all(&all)).collect();
        record::list(console, common.format, &records, &columns)
    }
}

impl Verify {
    async fn answer(self, app: &App, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
        if !self.all {
            let tenant = self.tenant.find(app).await?;
            let (record, exit) = verified(app, &tenant, self.checkpoint.as_ref()).await?;
            record::show(console, common.format, &record)?;
            return Ok(exit);
        }
        let (mut records, mut exit, mut after): (Vec<Record>, Exit, Option<TenantId>) = (Vec::new(), Exit::Ok, None);
        loop {
            let part = tenants::list(&app.ctx, after, 500).await?;
            let Some(last) = part.last() else { break };
            after = Some(last.id);
            for tenant in &part {
                let (record, of_tenant) = verified(app, tenant, None).await?;
                records.push(record);
                exit = if of_tenant == Exit::Ok { exit } else { of_tenant };
            }
        }
        record::list(console, common.format, &records, &["tenant", "status", "lines", "sequence", "fault"])?;
        Ok(exit)
    }
}

async fn verified(app: &App, tenant: &Tenant, checkpoint: Option<&Link>) -> Result<(Record, Exit), CliError> {
    let record = Record::default().with("tenant", tenant.slug.as_str());
    Ok(match audit_log::verify(&app.ctx, tenant.id, checkpoint).await? {
        Verdict::Intact { lines, before_chain, head } => {
            let record = record
                .with("status", "intact")
                .with("lines", lines)
                .with("lines_before_chain", before_chain)
                .with_text("checkpoint", Some(head));
            (record, Exit::Ok)
        }
        Verdict::Outdated { first, head } => {
            let why = "what is kept is whole, but the checkpoint's line was removed for its age: use a later one";
            let record = record
                .with("status", "outdated")
                .with("sequence", first)
                .with("fault", why)
                .with_text("checkpoint", Some(head));
            (record, Exit::Failed)
        }
        Verdict::Broken { sequence, event, fault } => {
            let record = record
                .with("status", "broken")
                .with("sequence", sequence)
                .with_text("audit_id", event)
                .with("fault", fault.to_string());
            (record, Exit::Failed)
        }
    })
}
