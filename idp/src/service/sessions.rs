//! Sessions: found by the browser's cookie, and noted as used.

use super::Failure;
use super::ctx::Ctx;
use crate::domain::TenantId;
use crate::domain::session::{Session, SessionSecret};
use crate::store::{self, StoreError};

/// How often in its longest rest a session's use is noted: noting each would cost a write.
const TOUCHES: u32 = 100;

/// The live session that a browser's cookie opens.
pub async fn opened_by(ctx: &Ctx, tenant: TenantId, secret: &SessionSecret) -> Result<Option<Session>, Failure> {
    let (hash, now) = (secret.0.sha256(), ctx.now());
    let found = store::sessions::find_by_secret_hash(ctx.database.read(), tenant, &hash, now).await?;
    let rested = |session: &Session| now.since(session.last_seen_at);
    let longest = ctx.config.sessions.idle_timeout;
    let Some(session) = found.filter(|session| rested(session) < longest) else { return Ok(None) };
    if rested(&session) >= longest / TOUCHES {
        let id = session.id;
        ctx.database
            .write(move |tx| Box::pin(async move { store::sessions::touch(tx, tenant, id, now).await }))
            .await
            .map_err(|error: StoreError| Failure::from(error))?;
    }
    Ok(Some(session))
}
