//! The key that signs form tokens, when the settings have none: made once and kept beside the database.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use mainstay::csrf::Key;

use crate::settings::parse_key;

/// The key in `folder`, which is made when there is none.
pub(crate) fn load_or_generate(folder: &Path) -> anyhow::Result<Key> {
    let file = folder.join("csrf.key");
    let key = match fs::read_to_string(&file) {
        Ok(text) => parse_key(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => generate(&file),
        Err(error) => Err(error.into()),
    };
    key.with_context(|| format!("the key in {}", file.display()))
}

fn generate(file: &Path) -> anyhow::Result<Key> {
    let key = Key::generate();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?
        .write_all(format!("{}\n", key.to_text()).as_bytes())?;
    tracing::info!(file = %file.display(), "made a key for form tokens, as the settings have no `csrf.key`");
    Ok(key)
}
