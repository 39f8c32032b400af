//! Benches of GoVerse beside its peers; not in the default members, because the peers are heavy.
