//! What payloads promise.

use super::{Never, NoArguments, Payload, PayloadError, Proto};
use crate::Encoding;

fn travels<T: Payload + PartialEq + std::fmt::Debug>(encoding: Encoding, value: T) {
    let bytes = value.encode(encoding).unwrap();
    assert_eq!(T::decode(encoding, &bytes), Ok(value), "{encoding} {bytes:02x?}");
}

#[test]
fn values_come_back_as_they_went() {
    travels(Encoding::Json, ("Zoë".to_owned(), 7_u64));
    travels(Encoding::MessagePack, ("Zoë".to_owned(), 7_u64));
    travels(Encoding::Protobuf, Proto("Zoë".to_owned()));
    for &encoding in Encoding::ALL {
        travels(encoding, NoArguments);
    }
}

#[test]
fn the_error_that_cannot_be_is_never_decoded() {
    let message = "a method that cannot fail has no error to decode".to_owned();
    let expected = PayloadError::Undecodable { encoding: Encoding::Json, message };
    assert_eq!(Never::decode(Encoding::Json, b"null"), Err(expected));
}
