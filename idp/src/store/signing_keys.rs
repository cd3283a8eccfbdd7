//! The tenants' key rings.

use std::str::FromStr as _;

use entity::control::signing_keys::{Column, Entity, KeyState as RowState, Model};
use keys::{Algorithm, KeyLifecycle, KeyState, Kid, PublicJwk};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel as _, QueryFilter, QueryOrder as _, QuerySelect as _,
};

use super::StoreError;
use super::change::Change;
use super::row::{Only as _, Place, insert_if_absent};
use super::tx::{Reader, Tx};
use crate::domain::{TenantId, Timestamp};

const TABLE: &str = "signing_keys";
const PUBLIC_JWK: Place = Place(TABLE, "public_jwk");

/// A signing key as the database knows it: the private half is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The public half, with its `kid` and algorithm.
    pub jwk: PublicJwk,
    /// Where it stands in its life.
    pub lifecycle: KeyLifecycle,
    /// The private half, sealed for this tenant and `kid` (`keys::SealContext::signing_key`).
    pub sealed_private: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl StoredKey {
    /// Its name.
    pub fn kid(&self) -> &Kid {
        self.jwk.kid()
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.jwk.algorithm()
    }
}

impl TryFrom<Model> for StoredKey {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let jwk: PublicJwk = PUBLIC_JWK.read_json(row.public_jwk)?;
        if jwk.kid().as_str() != row.kid {
            return Err(StoreError::corrupt(TABLE, "kid"));
        }
        if Algorithm::from_str(&row.alg) != Ok(jwk.algorithm()) {
            return Err(StoreError::corrupt(TABLE, "alg"));
        }
        let lifecycle = KeyLifecycle::from_parts(
            state_from_row(row.state),
            row.staged_at,
            row.activated_at,
            row.retiring_at,
            row.retired_at,
        )
        .map_err(|_| StoreError::corrupt(TABLE, "state"))?;
        let created_at = Timestamp::from_millis(row.created_at);
        Ok(Self { jwk, lifecycle, sealed_private: row.sealed_private, created_at })
    }
}

fn state_from_row(state: RowState) -> KeyState {
    match state {
        RowState::Staged => KeyState::Staged,
        RowState::Active => KeyState::Active,
        RowState::Retiring => KeyState::Retiring,
        RowState::Retired => KeyState::Retired,
    }
}

fn state_to_row(state: KeyState) -> RowState {
    match state {
        KeyState::Staged => RowState::Staged,
        KeyState::Active => RowState::Active,
        KeyState::Retiring => RowState::Retiring,
        KeyState::Retired => RowState::Retired,
    }
}

fn to_row(tenant: TenantId, key: &StoredKey) -> Result<Model, StoreError> {
    Ok(Model {
        tenant_id: tenant.uuid(),
        kid: key.kid().to_string(),
        alg: key.algorithm().name().to_owned(),
        state: state_to_row(key.lifecycle.state()),
        public_jwk: PUBLIC_JWK.write_json(&key.jwk)?,
        sealed_private: key.sealed_private.clone(),
        created_at: key.created_at.millis(),
        staged_at: key.lifecycle.staged_at(),
        activated_at: key.lifecycle.activated_at(),
        retiring_at: key.lifecycle.retiring_at(),
        retired_at: key.lifecycle.retired_at(),
    })
}

fn this(tenant: TenantId, kid: &Kid) -> Condition {
    Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::Kid.eq(kid.as_str()))
}

/// Adds a key.
///
/// # Errors
/// [`Conflict::Other`](super::Conflict::Other) on a second active key of an algorithm; [`StoreError::Missing`] if there
/// is no such tenant.
pub async fn insert(tx: &Tx, tenant: TenantId, key: &StoredKey) -> Result<(), StoreError> {
    Entity::insert(to_row(tenant, key)?.into_active_model()).exec_without_returning(tx).await?;
    tx.invalidate(Change::Keys(tenant));
    Ok(())
}

/// Adds an active key unless the tenant has one of that algorithm. Of several that try at once one succeeds; the
/// others get `false` and read what is there.
pub async fn insert_active_if_none(tx: &Tx, tenant: TenantId, key: &StoredKey) -> Result<bool, StoreError> {
    if !insert_if_absent::<Entity, _>(tx, to_row(tenant, key)?).await? {
        return Ok(false);
    }
    tx.invalidate(Change::Keys(tenant));
    Ok(true)
}

/// When a key's time in a state is over.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Active since then or longer: a successor is wanted.
    pub active_before: Timestamp,
    /// Staged since then or longer: it may become active.
    pub staged_before: Timestamp,
    /// Retiring since then or longer: it may go.
    pub retiring_before: Timestamp,
}

/// The tenants that have a key whose time in its state is over. Of all tenants; for housekeeping.
pub async fn tenants_due(db: &impl Reader, due: &Due) -> Result<Vec<TenantId>, StoreError> {
    let since = |state: RowState, column: Column, before: Timestamp| {
        Condition::all().add(Column::State.eq(state)).add(column.lte(before.millis()))
    };
    let over = Condition::any()
        .add(since(RowState::Active, Column::ActivatedAt, due.active_before))
        .add(since(RowState::Staged, Column::StagedAt, due.staged_before))
        .add(since(RowState::Retiring, Column::RetiringAt, due.retiring_before));
    let tenants: Vec<uuid::Uuid> =
        Entity::find().select_only().column(Column::TenantId).distinct().filter(over).into_tuple().all(db).await?;
    Ok(tenants.into_iter().map(TenantId::from_uuid).collect())
}

/// The keys that the JWKS has (staged, active, retiring), the oldest first.
pub async fn list_published(db: &impl Reader, tenant: TenantId) -> Result<Vec<StoredKey>, StoreError> {
    let published = Column::State.ne(RowState::Retired);
    list(db, Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(published)).await
}

/// All keys, retired ones too, the oldest first.
pub async fn list_all(db: &impl Reader, tenant: TenantId) -> Result<Vec<StoredKey>, StoreError> {
    list(db, Condition::all().add(Column::TenantId.eq(tenant.uuid()))).await
}

async fn list(db: &impl Reader, which: Condition) -> Result<Vec<StoredKey>, StoreError> {
    let rows = Entity::find().filter(which).order_by_asc(Column::CreatedAt).order_by_asc(Column::Kid).all(db).await?;
    rows.into_iter().map(StoredKey::try_from).collect()
}

/// The key of this name.
pub async fn find(db: &impl Reader, tenant: TenantId, kid: &Kid) -> Result<Option<StoredKey>, StoreError> {
    Entity::find().filter(this(tenant, kid)).only(db).await?.map(StoredKey::try_from).transpose()
}

/// Brings a key that is in state `from` to where `to` is; `false` if it isn't in that state (any more).
///
/// # Errors
/// [`Conflict::Other`](super::Conflict::Other) on a second active key of an algorithm: retire the old one first.
pub async fn transition(
    tx: &Tx,
    tenant: TenantId,
    kid: &Kid,
    from: KeyState,
    to: &KeyLifecycle,
) -> Result<bool, StoreError> {
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(state_to_row(to.state())))
        .col_expr(Column::ActivatedAt, Expr::value(to.activated_at()))
        .col_expr(Column::RetiringAt, Expr::value(to.retiring_at()))
        .col_expr(Column::RetiredAt, Expr::value(to.retired_at()))
        .filter(this(tenant, kid))
        .filter(Column::State.eq(state_to_row(from)))
        .exec(tx)
        .await?;
    if changed.rows_affected == 0 {
        return Ok(false);
    }
    tx.invalidate(Change::Keys(tenant));
    Ok(true)
}

/// Replaces the sealed private half, for a new key-encryption key; `false` if there is no such key.
pub async fn reseal(tx: &Tx, tenant: TenantId, kid: &Kid, sealed: &[u8]) -> Result<bool, StoreError> {
    let changed = Entity::update_many()
        .col_expr(Column::SealedPrivate, Expr::value(sealed))
        .filter(this(tenant, kid))
        .exec(tx)
        .await?;
    tx.invalidate(Change::Keys(tenant));
    Ok(changed.rows_affected > 0)
}
