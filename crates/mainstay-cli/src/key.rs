//! `mainstay key`

use mainstay_csrf::Key;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output;

pub(crate) fn print() -> Result<(), Failure> {
    let text = Zeroizing::new(Key::generate().to_text());
    Ok(output::line(&text)?)
}
