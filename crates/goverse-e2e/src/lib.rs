//! Tests with several processes and real components, and the harness that starts and stops them.
