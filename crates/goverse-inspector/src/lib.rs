//! The web page that shows a cluster, the cluster-wide /metrics, and Prometheus service discovery.
