//! Sessions in the site's own database.
//!
//! tower-sessions asks for a store; this one is a table. Any number of replicas share it, and nobody is
//! logged out when the site restarts.

use std::error::Error as StdError;

use async_trait::async_trait;
use sqlx::AnyPool;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

/// The table `sessions` as tower-sessions sees it.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    pool: AnyPool,
}

impl Sessions {
    pub(crate) fn new(pool: &AnyPool) -> Self {
        Self { pool: pool.clone() }
    }

    /// Forgets what nobody can use any more.
    pub(crate) async fn delete_expired(&self) -> sqlx::Result<u64> {
        let done = sqlx::query("DELETE FROM sessions WHERE expires <= $1")
            .bind(now())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // An id that is taken is never handed out twice: 128 random bits make that unlikely, the
        // primary key makes it impossible.
        loop {
            let done = sqlx::query(
                "INSERT INTO sessions (id, data, expires) VALUES ($1, $2, $3)
                 ON CONFLICT (id) DO NOTHING",
            )
            .bind(record.id.to_string())
            .bind(encode(record)?)
            .bind(record.expiry_date.unix_timestamp())
            .execute(&self.pool)
            .await
            .map_err(|e| backend("storing a new session", &e))?;
            if done.rows_affected() == 1 {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        sqlx::query(
            "INSERT INTO sessions (id, data, expires) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires = excluded.expires",
        )
        .bind(record.id.to_string())
        .bind(encode(record)?)
        .bind(record.expiry_date.unix_timestamp())
        .execute(&self.pool)
        .await
        .map_err(|e| backend("storing the session", &e))?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT data, expires FROM sessions WHERE id = $1 AND expires > $2")
                .bind(id.to_string())
                .bind(now())
                .fetch_optional(&self.pool)
                .await
                .map_err(|e| backend("loading the session", &e))?;
        row.map(|(data, expires)| decode(*id, &data, expires))
            .transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE id = $1")
            .bind(id.to_string())
            .execute(&self.pool)
            .await
            .map_err(|e| backend("deleting the session", &e))?;
        Ok(())
    }
}

fn encode(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|e| Error::Encode(e.to_string()))
}

fn decode(id: Id, data: &str, expires: i64) -> Result<Record> {
    let unreadable = |e: &dyn std::fmt::Display| Error::Decode(e.to_string());
    Ok(Record {
        id,
        data: serde_json::from_str(data).map_err(|e| unreadable(&e))?,
        expiry_date: OffsetDateTime::from_unix_timestamp(expires).map_err(|e| unreadable(&e))?,
    })
}

/// The store's error type holds a text, not a cause: so the text is the whole chain.
fn backend(doing: &str, error: &sqlx::Error) -> Error {
    let mut text = format!("{doing}: {error}");
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        let error_text = error.to_string();
        if !text.ends_with(&error_text) {
            text.push_str(": ");
            text.push_str(&error_text);
        }
        cause = error.source();
    }
    Error::Backend(text)
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::db::{Database, sqlite_file};

    #[tokio::test]
    async fn a_session_lives_until_it_is_deleted_or_expires() {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(&sqlite_file(&folder.path().join("db")).unwrap())
            .await
            .unwrap();
        let store = Sessions::new(db.pool());
        let mut record = record(Duration::hours(1));

        store.create(&mut record).await.unwrap();
        assert_eq!(store.load(&record.id).await.unwrap(), Some(record.clone()));

        record.data.insert("member".into(), 8.into());
        store.save(&record).await.unwrap();
        assert_eq!(store.load(&record.id).await.unwrap(), Some(record.clone()));

        store.delete(&record.id).await.unwrap();
        assert_eq!(store.load(&record.id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_expired_session_is_not_found_and_then_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(&sqlite_file(&folder.path().join("db")).unwrap())
            .await
            .unwrap();
        let store = Sessions::new(db.pool());
        let mut old = record(-Duration::seconds(1));
        let mut fresh = record(Duration::hours(1));
        store.create(&mut old).await.unwrap();
        store.create(&mut fresh).await.unwrap();

        assert_eq!(store.load(&old.id).await.unwrap(), None);
        assert_eq!(store.delete_expired().await.unwrap(), 1);
        assert!(store.load(&fresh.id).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn an_id_that_is_taken_gets_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(&sqlite_file(&folder.path().join("db")).unwrap())
            .await
            .unwrap();
        let store = Sessions::new(db.pool());
        let mut first = record(Duration::hours(1));
        store.create(&mut first).await.unwrap();

        let mut second = first.clone();
        second.data.insert("member".into(), 9.into());
        store.create(&mut second).await.unwrap();

        assert_ne!(first.id, second.id);
        assert_eq!(store.load(&first.id).await.unwrap(), Some(first));
    }

    fn record(life: Duration) -> Record {
        let expiry = OffsetDateTime::now_utc() + life;
        Record {
            id: Id::default(),
            data: [("member".to_owned(), 7.into())].into(),
            expiry_date: expiry.replace_nanosecond(0).unwrap(),
        }
    }
}
