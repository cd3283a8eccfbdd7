//! Removal of rows that are over, in small batches, so that no write waits long behind one.

use sea_orm::sea_query::{Expr, ExprTrait, IntoCondition, Query};
use sea_orm::{ConnectionTrait, EntityTrait, Iterable, PrimaryKeyToColumn};

use super::StoreError;
use super::tx::Tx;

/// Deletes at most `limit` rows that meet the condition and says how many there were. Neither database is relied on
/// for `DELETE … LIMIT`, so a subquery picks the keys.
pub(super) async fn delete_batch<E: EntityTrait>(
    tx: &Tx,
    over: impl IntoCondition,
    limit: u64,
) -> Result<u64, StoreError> {
    let key = || E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
    let chosen = Query::select().columns(key()).from(E::default()).cond_where(over).limit(limit).take();
    let delete = Query::delete()
        .from_table(E::default())
        .and_where(Expr::tuple(key().map(Expr::col)).in_subquery(chosen))
        .take();
    Ok(tx.execute(&delete).await?.rows_affected())
}
