//! Five members of a cluster in processes of their own, on a real etcd: what they could do is written down, and at no time
//! could two of them act for one shard.

mod coordinator;
mod crashes;
mod members;
mod network;
mod record;
mod refusals;
