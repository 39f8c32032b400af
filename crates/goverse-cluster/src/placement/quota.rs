//! How many shards each node is to have.

/// What counts for a node's part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// 0 for a node that takes none.
    pub(super) weight: u32,
    /// How many it has now.
    pub(super) owned: usize,
    /// How many it has to have.
    pub(super) pinned: usize,
}

/// Divides `total` in proportion to weights. What does not divide goes where it is already.
///
/// A node with more pinned shards than its part has just those, and the others divide the rest.
pub(super) fn quotas(total: usize, shares: &[Share]) -> Vec<usize> {
    let mut quotas = vec![0; shares.len()];
    let mut open: Vec<usize> = (0..shares.len()).filter(|node| shares[*node].weight > 0).collect();
    let mut left = total;
    loop {
        let weights: u64 = open.iter().map(|node| u64::from(shares[*node].weight)).sum();
        let part = |node: usize| left as u64 * u64::from(shares[node].weight);
        let is_over = |node: &usize| shares[*node].pinned as u64 > part(*node).div_ceil(weights);
        let over: Vec<usize> = open.iter().copied().filter(is_over).collect();
        if over.is_empty() {
            divide(&mut quotas, &open, left, weights, shares);
            return quotas;
        }
        for node in over {
            quotas[node] = shares[node].pinned.min(left);
            left -= quotas[node];
            open.retain(|other| *other != node);
        }
    }
}

fn divide(quotas: &mut [usize], open: &[usize], total: usize, weights: u64, shares: &[Share]) {
    let mut left = total;
    let mut candidates = Vec::new();
    for node in open.iter().copied() {
        let part = total as u64 * u64::from(shares[node].weight);
        let whole = (part / weights) as usize;
        quotas[node] = whole;
        left -= whole;
        let has_more = shares[node].owned > whole;
        candidates.push((!has_more, std::cmp::Reverse(part % weights), node));
    }
    candidates.sort_unstable();
    for (_, _, node) in candidates.into_iter().take(left) {
        quotas[node] += 1;
    }
}
