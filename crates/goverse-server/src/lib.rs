//! The composition root of a GoVerse node: configuration, the Prometheus recorder, the operations port.
