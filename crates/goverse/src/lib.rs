//! GoVerse: distributed objects with metrics. The facade that applications depend on.
