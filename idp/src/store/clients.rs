//! Clients and their secrets.

use entity::control::client_secrets;
use entity::control::clients::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel as _, QueryFilter, QueryOrder as _, QuerySelect as _,
};

use super::change::Change;
use super::error::conflict_on;
use super::row::{Only as _, Place, page};
use super::tx::{Reader, Tx};
use super::{Conflict, StoreError, client_origins};
use crate::domain::client::{Client, ClientMetadata, ClientSecret, ClientStatus};
use crate::domain::ids::CredentialId;
use crate::domain::{ClientId, TenantId, Timestamp};

const METADATA: Place = Place("clients", "metadata");

impl TryFrom<(Model, Vec<client_secrets::Model>)> for Client {
    type Error = StoreError;

    fn try_from((row, secrets): (Model, Vec<client_secrets::Model>)) -> Result<Self, StoreError> {
        Ok(Self {
            id: Place("clients", "client_id").parse(row.client_id)?,
            status: row.status.into(),
            name: row.name,
            metadata: METADATA.read_json(row.metadata)?,
            secrets: secrets.into_iter().map(ClientSecret::try_from).collect::<Result<_, _>>()?,
            grants_since: row.grants_since.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

impl TryFrom<client_secrets::Model> for ClientSecret {
    type Error = StoreError;

    fn try_from(row: client_secrets::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: CredentialId::from_uuid(row.secret_id),
            hash: Place("client_secrets", "secret_hash").parse(row.secret_hash)?,
            sealed: row.sealed_secret,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_millis),
        })
    }
}

fn this(tenant: TenantId, client: &ClientId) -> Condition {
    Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::ClientId.eq(client.as_str()))
}

fn secrets_of(tenant: TenantId, client: &ClientId) -> Condition {
    Condition::all()
        .add(client_secrets::Column::TenantId.eq(tenant.uuid()))
        .add(client_secrets::Column::ClientId.eq(client.as_str()))
}

/// Adds a client with its secrets.
///
/// # Errors
/// [`Conflict::ClientId`]; [`StoreError::Missing`] if there is no such tenant.
pub async fn insert(tx: &Tx, tenant: TenantId, client: &Client) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        client_id: client.id.to_string(),
        status: client.status.into(),
        name: client.name.clone(),
        metadata: METADATA.write_json(&client.metadata)?,
        grants_since: client.grants_since.map(Timestamp::millis),
        created_at: client.created_at.millis(),
        updated_at: client.updated_at.millis(),
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map_err(|error| conflict_on(error, &[("client", Conflict::ClientId)]))?;
    for secret in &client.secrets {
        insert_secret(tx, tenant, &client.id, secret).await?;
    }
    if !client.metadata.allowed_origins.is_empty() {
        client_origins::set(tx, tenant, &client.id, &client.metadata.allowed_origins).await?;
    }
    tx.invalidate(Change::Client(tenant, client.id.clone()));
    Ok(())
}

async fn insert_secret(tx: &Tx, tenant: TenantId, client: &ClientId, secret: &ClientSecret) -> Result<(), StoreError> {
    let row = client_secrets::Model {
        tenant_id: tenant.uuid(),
        client_id: client.to_string(),
        secret_id: secret.id.uuid(),
        secret_hash: secret.hash.to_vec(),
        sealed_secret: secret.sealed.clone(),
        created_at: secret.created_at.millis(),
        expires_at: secret.expires_at.map(Timestamp::millis),
    };
    client_secrets::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// The client of this id, with the secrets that count at `now`, the oldest first.
pub async fn find(
    db: &impl Reader,
    tenant: TenantId,
    id: &ClientId,
    now: Timestamp,
) -> Result<Option<Client>, StoreError> {
    let Some(row) = Entity::find().filter(this(tenant, id)).only(db).await? else {
        return Ok(None);
    };
    let counts = Condition::any()
        .add(client_secrets::Column::ExpiresAt.is_null())
        .add(client_secrets::Column::ExpiresAt.gt(now.millis()));
    let secrets = client_secrets::Entity::find()
        .filter(secrets_of(tenant, id))
        .filter(counts)
        .order_by_asc(client_secrets::Column::CreatedAt)
        .order_by_asc(client_secrets::Column::SecretId)
        .all(db)
        .await?;
    Client::try_from((row, secrets)).map(Some)
}

/// Clients in order of their ids, from the one after `after`; at most 1000. Without their secrets.
pub async fn list(
    db: &impl Reader,
    tenant: TenantId,
    after: Option<&ClientId>,
    limit: u64,
) -> Result<Vec<Client>, StoreError> {
    let mut query =
        Entity::find().filter(Column::TenantId.eq(tenant.uuid())).order_by_asc(Column::ClientId).limit(page(limit));
    if let Some(after) = after {
        query = query.filter(Column::ClientId.gt(after.as_str()));
    }
    query.all(db).await?.into_iter().map(|row| Client::try_from((row, Vec::new()))).collect()
}

/// Enables or disables a client; `false` if there is no such client.
pub async fn set_status(
    tx: &Tx,
    tenant: TenantId,
    id: &ClientId,
    status: ClientStatus,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let status = entity::control::clients::ClientStatus::from(status);
    let changed = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::UpdatedAt, Expr::value(now.millis()))
        .filter(this(tenant, id))
        .exec(tx)
        .await?;
    tx.invalidate(Change::Client(tenant, id.clone()));
    Ok(changed.rows_affected > 0)
}

/// Changes what a client registered; `false` if there is no such client, or if it was changed since `seen`, when it was
/// last changed.
pub async fn update(
    tx: &Tx,
    tenant: TenantId,
    id: &ClientId,
    name: &str,
    metadata: &ClientMetadata,
    (seen, now): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    let changed = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .col_expr(Column::Metadata, Expr::value(METADATA.write_json(metadata)?))
        .col_expr(Column::UpdatedAt, Expr::value(now.millis()))
        .filter(this(tenant, id))
        .filter(Column::UpdatedAt.eq(seen.millis()))
        .exec(tx)
        .await?;
    if changed.rows_affected > 0 {
        client_origins::set(tx, tenant, id, &metadata.allowed_origins).await?;
    }
    tx.invalidate(Change::Client(tenant, id.clone()));
    Ok(changed.rows_affected > 0)
}

/// Notes that something that belongs to a client was changed; `false` if there is no such client.
pub async fn touch(tx: &Tx, tenant: TenantId, id: &ClientId, now: Timestamp) -> Result<bool, StoreError> {
    tx.invalidate(Change::Client(tenant, id.clone()));
    let touched = Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::value(now.millis()))
        .filter(this(tenant, id))
        .exec(tx)
        .await?;
    Ok(touched.rows_affected > 0)
}

/// Gives a client another secret.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such client.
pub async fn add_secret(tx: &Tx, tenant: TenantId, id: &ClientId, secret: &ClientSecret) -> Result<(), StoreError> {
    insert_secret(tx, tenant, id, secret).await?;
    tx.invalidate(Change::Client(tenant, id.clone()));
    Ok(())
}

/// Lets a client's secrets other than `except` end at `at`, those that end sooner apart. Says how many there were.
pub async fn expire_secrets(
    tx: &Tx,
    tenant: TenantId,
    id: &ClientId,
    except: CredentialId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let later = Condition::any()
        .add(client_secrets::Column::ExpiresAt.is_null())
        .add(client_secrets::Column::ExpiresAt.gt(at.millis()));
    let changed = client_secrets::Entity::update_many()
        .col_expr(client_secrets::Column::ExpiresAt, Expr::value(at.millis()))
        .filter(secrets_of(tenant, id))
        .filter(client_secrets::Column::SecretId.ne(except.uuid()))
        .filter(later)
        .exec(tx)
        .await?;
    tx.invalidate(Change::Client(tenant, id.clone()));
    Ok(changed.rows_affected)
}

/// A client's secret that is kept sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Whose.
    pub client: ClientId,
    /// Which.
    pub id: CredentialId,
    /// The secret.
    pub sealed: Vec<u8>,
}

/// The secrets that are kept sealed, of all clients, in the order of clients and ids, from the one after `after`; at most
/// 1000.
pub async fn list_sealed(
    db: &impl Reader,
    tenant: TenantId,
    after: Option<&SealedSecret>,
) -> Result<Vec<SealedSecret>, StoreError> {
    use client_secrets::Column;
    let mut query = client_secrets::Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::SealedSecret.is_not_null())
        .order_by_asc(Column::ClientId)
        .order_by_asc(Column::SecretId)
        .limit(page(u64::MAX));
    if let Some(after) = after {
        let same =
            Condition::all().add(Column::ClientId.eq(after.client.as_str())).add(Column::SecretId.gt(after.id.uuid()));
        query = query.filter(Condition::any().add(Column::ClientId.gt(after.client.as_str())).add(same));
    }
    let rows = query.all(db).await?;
    let sealed = |row: client_secrets::Model| {
        Ok(SealedSecret {
            client: Place("client_secrets", "client_id").parse(row.client_id)?,
            id: CredentialId::from_uuid(row.secret_id),
            sealed: row.sealed_secret.unwrap_or_default(),
        })
    };
    rows.into_iter().map(sealed).collect()
}

/// Replaces a sealed secret, for a new key-encryption key; `false` if there is no such secret.
pub async fn reseal(tx: &Tx, tenant: TenantId, secret: &SealedSecret) -> Result<bool, StoreError> {
    let changed = client_secrets::Entity::update_many()
        .col_expr(client_secrets::Column::SealedSecret, Expr::value(secret.sealed.clone()))
        .filter(secrets_of(tenant, &secret.client))
        .filter(client_secrets::Column::SecretId.eq(secret.id.uuid()))
        .filter(client_secrets::Column::SealedSecret.is_not_null())
        .exec(tx)
        .await?;
    tx.invalidate(Change::Client(tenant, secret.client.clone()));
    Ok(changed.rows_affected > 0)
}

/// Deletes a client with all that it got; `false` if there is no such client.
pub async fn delete(tx: &Tx, tenant: TenantId, id: &ClientId) -> Result<bool, StoreError> {
    let deleted = Entity::delete_many().filter(this(tenant, id)).exec(tx).await?;
    tx.invalidate(Change::Client(tenant, id.clone()));
    Ok(deleted.rows_affected > 0)
}
