//! What every handler may use.

use std::sync::Arc;

use anyhow::Context as _;
use mainstay::bufpool::{BufferPool, Sizing};
use mainstay::handler::Renderer;
use mainstay::scrypt::{AsyncHasher, Hasher};

use crate::db::Database;
use crate::settings::Settings;

/// The state of the site, given to handlers by axum's `State`; a clone is a few reference counts.
#[derive(Clone, Debug)]
pub(crate) struct Env {
    pub(crate) db: Database,
    pub(crate) settings: Arc<Settings>,
    pub(crate) renderer: Renderer,
    pub(crate) hasher: AsyncHasher,
}

impl Env {
    pub(crate) fn new(db: Database, settings: Settings) -> anyhow::Result<Self> {
        let passwords = &settings.passwords;
        let mut hasher = Hasher::builder().params(passwords.params);
        if passwords.weak_hashes_for_tests {
            hasher = hasher.allow_weak();
        }
        Ok(Self {
            db,
            renderer: Renderer::new(buffers()),
            hasher: AsyncHasher::new(hasher.build().context("`passwords`")?)?,
            settings: Arc::new(settings),
        })
    }
}

/// Most pages are a few KiB; the list of members is the longest.
pub(crate) fn buffers() -> BufferPool {
    BufferPool::builder()
        .keep(64)
        .size(Sizing::Fixed(16 << 10))
        .build()
}
