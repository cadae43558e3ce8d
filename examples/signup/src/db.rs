//! The database: SQLite in a file, or PostgreSQL.
//!
//! One set of statements serves both (SQLite knows `$1` too), through sqlx's `Any`; only the tables are
//! declared in each one's own words, in `schema/`.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, FromRow, Row as _};
use time::OffsetDateTime;

use crate::names::Name;

/// A handle to the database; clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pool: AnyPool,
}

/// Who has signed up.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: i64,
    pub(crate) name: String,
    joined: i64,
}

/// A member together with what only the login needs to know.
pub(crate) struct Account {
    pub(crate) member: Member,
    pub(crate) password: String,
}

impl Database {
    /// Connects, and makes the tables that are not there yet.
    pub(crate) async fn open(url: &str) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .connect(url)
            .await?;
        let schema = if url.starts_with("sqlite:") {
            include_str!("../schema/sqlite.sql")
        } else {
            include_str!("../schema/postgres.sql")
        };
        sqlx::raw_sql(schema).execute(&pool).await?;
        Ok(Self { pool })
    }

    /// The connections, for the session store.
    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Adds a member; `None` when somebody has that name.
    pub(crate) async fn add_member(
        &self,
        name: &Name,
        password: &str,
    ) -> Result<Option<Member>, sqlx::Error> {
        sqlx::query_as(
            "INSERT INTO members (name, name_key, password, joined) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name_key) DO NOTHING
             RETURNING id, name, joined",
        )
        .bind(name.as_str())
        .bind(name.key())
        .bind(password)
        .bind(OffsetDateTime::now_utc().unix_timestamp())
        .fetch_optional(&self.pool)
        .await
    }

    /// Whether somebody has that name.
    pub(crate) async fn is_taken(&self, name: &Name) -> Result<bool, sqlx::Error> {
        Ok(self.account(name.key()).await?.is_some())
    }

    /// The account behind a name, by the name's key.
    pub(crate) async fn account(&self, key: &str) -> Result<Option<Account>, sqlx::Error> {
        sqlx::query_as("SELECT id, name, joined, password FROM members WHERE name_key = $1")
            .bind(key)
            .fetch_optional(&self.pool)
            .await
    }

    pub(crate) async fn member(&self, id: i64) -> Result<Option<Member>, sqlx::Error> {
        sqlx::query_as("SELECT id, name, joined FROM members WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    /// The newest members first.
    pub(crate) async fn newest_members(&self, most: i64) -> Result<Vec<Member>, sqlx::Error> {
        sqlx::query_as(
            "SELECT id, name, joined FROM members ORDER BY joined DESC, id DESC LIMIT $1",
        )
        .bind(most)
        .fetch_all(&self.pool)
        .await
    }

    pub(crate) async fn count_members(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT COUNT(*) FROM members")
            .fetch_one(&self.pool)
            .await
    }

    /// Replaces a stored password, unless it has changed since `old` was read.
    pub(crate) async fn upgrade_password(
        &self,
        member: &Member,
        old: &str,
        new: &str,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE members SET password = $1 WHERE id = $2 AND password = $3")
            .bind(new)
            .bind(member.id)
            .bind(old)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Asks for a table that nobody made: how the site takes a failing database, for the demo.
    pub(crate) async fn fail(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT COUNT(*) FROM secret_ledger")
            .fetch_one(&self.pool)
            .await
    }

    /// Finishes what runs and closes all connections.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Member {
    /// The day the member joined, as a person writes it.
    pub(crate) fn joined(&self) -> String {
        OffsetDateTime::from_unix_timestamp(self.joined).map_or_else(
            |_| "once upon a time".to_owned(),
            |at| format!("{} {} {}", at.day(), at.month(), at.year()),
        )
    }

    /// The first letter, for the list.
    pub(crate) fn initial(&self) -> String {
        self.name
            .chars()
            .take(1)
            .flat_map(char::to_uppercase)
            .collect()
    }
}

impl<'r> FromRow<'r, AnyRow> for Member {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            joined: row.try_get("joined")?,
        })
    }
}

impl<'r> FromRow<'r, AnyRow> for Account {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            member: Member::from_row(row)?,
            password: row.try_get("password")?,
        })
    }
}

/// The password stays out of logs.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

/// The address of a SQLite database in a file, which is made when it is not there: for its owner's eyes
/// alone, as it holds hashes of passwords. SQLite gives the files beside it the same mode.
pub(crate) fn sqlite_file(file: &Path) -> io::Result<String> {
    const KEEP: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_');
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    Ok(format!(
        "sqlite:{}",
        percent_encode(file.as_os_str().as_bytes(), KEEP)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_path_with_odd_letters_is_that_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a b#c?d%20é.db");
        let db = Database::open(&sqlite_file(&file).unwrap()).await.unwrap();
        assert_eq!(db.count_members().await.unwrap(), 0);
        // Written there, and not to a file of another name.
        assert!(file.metadata().unwrap().len() > 0);
    }
}
