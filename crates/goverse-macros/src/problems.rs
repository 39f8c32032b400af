//! Everything that is wrong with an item, told together.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Result};

#[derive(Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    /// Adds what is wrong at these tokens, and what would be right.
    pub(crate) fn add(&mut self, at: impl ToTokens, message: impl Display) {
        self.take(Error::new_spanned(at, message));
    }

    pub(crate) fn take(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value of a part that was read, if nothing is wrong with it.
    pub(crate) fn keep<T>(&mut self, part: Result<T>) -> Option<T> {
        part.map_err(|error| self.take(error)).ok()
    }

    /// `value`, unless something is wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}

impl ToTokens for Problems {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.as_ref().map(Error::to_compile_error));
    }
}
