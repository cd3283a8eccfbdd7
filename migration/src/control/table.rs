//! Shorthand for the columns and constraints that tables share.
//!
//! Names of unique indexes contain the column that they keep unique, as SQLite's error texts do: the store tells by it
//! which value is taken.

use sea_orm_migration::sea_query::{
    ColumnDef, Expr, ExprTrait, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, IndexCreateStatement,
    IntoIden, Table, TableCreateStatement,
};

/// A table whose primary key is these columns; the tenant comes first.
pub(super) fn table(name: &'static str, key: &[&'static str]) -> TableCreateStatement {
    let mut primary = Index::create();
    for column in key {
        primary.col(*column);
    }
    let mut table = Table::create();
    table.table(name).primary_key(&mut primary).col(uuid("tenant_id"));
    table
}

/// A UUID.
pub(super) fn uuid(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

/// A text.
pub(super) fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

/// A text out of a closed list.
pub(super) fn one_of(name: &'static str, values: &[&'static str]) -> ColumnDef {
    let values = values.iter().copied();
    text(name).check(Expr::col(name).is_in(values)).take()
}

/// A point in time: Unix milliseconds.
pub(super) fn instant(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// A whole number that can't be negative.
pub(super) fn count(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().check(Expr::col(name).gte(0)).take()
}

/// A document: `jsonb` on PostgreSQL, text on SQLite.
pub(super) fn json(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json_binary().not_null().take()
}

/// Bytes of any length.
pub(super) fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().not_null().take()
}

/// A SHA-256.
pub(super) fn sha256(name: &'static str) -> ColumnDef {
    bytes(name).check(Expr::cust(format!("length({name}) = 32"))).take()
}

/// Makes a column optional.
pub(super) fn optional(mut column: ColumnDef) -> ColumnDef {
    column.null().take()
}

/// The row goes when the one that it refers to goes. Both tables call the columns the same.
pub(super) fn belongs_to(owner: &'static str, columns: &[&'static str]) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.to_tbl(owner.into_iden()).on_delete(ForeignKeyAction::Cascade);
    for column in columns {
        key.from_col(*column).to_col(*column);
    }
    key
}

/// An index over these columns.
pub(super) fn index(table: &'static str, name: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}
