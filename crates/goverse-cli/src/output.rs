//! Standard output, whose reader may have seen enough, such as `head`.

use std::io::{self, ErrorKind, Write};

use crate::failure::Failure;

/// Whether somebody still reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Reads,
    HasGone,
}

/// Prints `text`; that the reader has gone is no failure.
pub(crate) fn print(text: &str) -> Result<Reader, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::Reads),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::HasGone),
        Err(error) => Err(Failure::broken(format!("cannot print: {error}"))),
    }
}
