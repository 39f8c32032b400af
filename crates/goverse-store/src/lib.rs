//! Where objects keep their state: in memory, in SQLite, in PostgreSQL.
