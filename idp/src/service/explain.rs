//! What a token says, and why it isn't valid: for people who look for a mistake. Nothing here decides anything.

use keys::{ClaimRules, ExplainContext, Explanation, KeyState, Purpose, VerificationKey};

use super::Failure;
use super::access_token::{self, TokenRefused};
use super::ctx::Ctx;
use super::subject::SubjectRefused;
use crate::domain::client::ClientStatus;
use crate::domain::tenant::{Issuer, Tenant, TenantStatus};
use crate::domain::{ClientId, Secret, TenantId, Timestamp};
use crate::store::{self, StoreError};

/// What is known of a token.
#[derive(Clone, Debug)]
pub struct TokenReport {
    /// What it says, and what speaks against its form, signature and claims.
    pub explanation: Explanation,
    /// Who issued it; `None` if its issuer is none of ours, and when there was no database to ask.
    pub tenant: Option<Tenant>,
    /// What speaks against it beside that: it was revoked, its client is disabled, its key has gone.
    pub refusals: Vec<String>,
}

impl TokenReport {
    /// Whether its signature is good and nothing speaks against it.
    pub fn is_valid(&self) -> bool {
        self.explanation.is_valid() && self.refusals.is_empty()
    }
}

/// Takes a token apart without a database: its signature can't be checked.
pub fn decode(token: &Secret, audience: Option<&str>, now: Timestamp) -> TokenReport {
    let explanation = explanation(token, None, None, audience, now);
    TokenReport { explanation, tenant: None, refusals: Vec::new() }
}

/// Explains a token of one of the tenants.
pub async fn explain(ctx: &Ctx, token: &Secret, audience: Option<&str>) -> Result<TokenReport, Failure> {
    let now = ctx.now();
    let decoded = decode(token, audience, now);
    let text = |name: &str| decoded.explanation.claims.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let Some(issuer) = text("iss") else { return Ok(decoded) };
    let db = ctx.database.read();
    let tenant = match issuer.parse::<Issuer>() {
        Ok(issuer) => store::tenants::find_by_issuer(db, &issuer).await?,
        Err(_) => None,
    };
    let Some(tenant) = tenant else {
        let refusals = vec![format!("the issuer \"{issuer}\" is none of this installation's")];
        return Ok(TokenReport { refusals, ..decoded });
    };
    let rows = store::signing_keys::list_all(db, tenant.id).await?;
    let published = rows.iter().filter(|row| row.lifecycle.state().is_published());
    let keys: Vec<VerificationKey> = published.filter_map(|row| VerificationKey::try_from(&row.jwk).ok()).collect();
    let explanation = explanation(token, Some(&keys), Some(tenant.issuer.as_str()), audience, now);

    let mut refusals = Vec::new();
    let kid = explanation.header.as_ref().and_then(|header| header.get("kid")?.as_str());
    let retired = |row: &&store::signing_keys::StoredKey| {
        row.lifecycle.state() == KeyState::Retired && Some(row.jwk.kid().as_str()) == kid
    };
    if rows.iter().any(|row| retired(&row)) {
        refusals.push("the key that it names is retired".to_owned());
    }
    if tenant.status == TenantStatus::Suspended {
        refusals.push(format!("the tenant {} is suspended", tenant.slug));
    }
    let of_client = match text("client_id").and_then(|id| id.parse().ok()) {
        Some(id) => client_refusal(ctx, tenant.id, &id).await?,
        None => None,
    };
    let is_named = of_client.is_some();
    refusals.extend(of_client);
    if explanation.purpose == Purpose::AccessToken && explanation.signature_valid == Some(true) {
        // What the gate says that each of them passes, which knows of clients only that they may not be used.
        let refused = access_token::refusal(ctx, &tenant, token).await?;
        let refused =
            refused.filter(|refused| !(is_named && *refused == TokenRefused::Subject(SubjectRefused::Client)));
        refusals.extend(refused.map(|refused| refused.to_string()));
    }
    Ok(TokenReport { explanation, tenant: Some(tenant), refusals })
}

fn explanation(
    token: &Secret,
    keys: Option<&[VerificationKey]>,
    issuer: Option<&str>,
    audience: Option<&str>,
    now: Timestamp,
) -> Explanation {
    let audiences: Vec<&str> = audience.into_iter().collect();
    let mut rules = ClaimRules::at(now.seconds()).audience(&audiences);
    if let Some(issuer) = issuer {
        rules = rules.issuer(issuer);
    }
    keys::explain(token.expose(), &ExplainContext { purpose: None, keys, rules })
}

async fn client_refusal(ctx: &Ctx, tenant: TenantId, id: &ClientId) -> Result<Option<String>, StoreError> {
    let client = store::clients::find(ctx.database.read(), tenant, id, ctx.now()).await?;
    Ok(match client.map(|client| client.status) {
        Some(ClientStatus::Active) => None,
        Some(ClientStatus::Disabled) => Some(format!("the client {id} is disabled")),
        None => Some(format!("there is no client {id} any more")),
    })
}
