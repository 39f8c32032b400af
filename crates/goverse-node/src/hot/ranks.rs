//! Numbers of which the least is found quickly: the least of each block is kept.
//!
//! With 256 numbers in blocks of 16 that is a search of 32. A heap would ask for fewer steps and for more code.

const BLOCK: usize = 16;

#[derive(Debug)]
pub(super) struct Ranks {
    ranks: Vec<f64>,
    /// Of each block, the last of which may be smaller.
    block_leasts: Vec<f64>,
}

// === impl Ranks ===

impl Ranks {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let blocks = capacity.div_ceil(BLOCK);
        Self { ranks: Vec::with_capacity(capacity), block_leasts: Vec::with_capacity(blocks) }
    }

    /// Where the least is; 0 if there is none.
    pub(super) fn least(&self) -> usize {
        let start = BLOCK * least_of(&self.block_leasts);
        start + least_of(self.block(start))
    }

    pub(super) fn set(&mut self, at: usize, rank: f64) {
        self.ranks[at] = rank;
        let block = self.block(at - at % BLOCK);
        self.block_leasts[at / BLOCK] = block[least_of(block)];
    }

    pub(super) fn push(&mut self, rank: f64) {
        let at = self.ranks.len();
        self.ranks.push(rank);
        if at.is_multiple_of(BLOCK) {
            self.block_leasts.push(rank);
        }
        self.set(at, rank);
    }

    pub(super) fn clear(&mut self) {
        self.ranks.clear();
        self.block_leasts.clear();
    }

    fn block(&self, start: usize) -> &[f64] {
        &self.ranks[start..self.ranks.len().min(start + BLOCK)]
    }
}

fn least_of(ranks: &[f64]) -> usize {
    (1..ranks.len()).fold(0, |least, at| if ranks[at] < ranks[least] { at } else { least })
}

#[cfg(test)]
impl Ranks {
    pub(super) fn bytes(&self) -> usize {
        (self.ranks.capacity() + self.block_leasts.capacity()) * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_found_wherever_it_is_put() {
        let mut ranks = Ranks::with_capacity(40);
        for at in 0..40 {
            ranks.push(f64::from(100 - at));
            assert_eq!(ranks.least(), at as usize);
        }
        for at in [0, 15, 16, 31, 32, 39] {
            ranks.set(at, 1.0);
            assert_eq!(ranks.least(), at);
            ranks.set(at, 200.0);
            assert_ne!(ranks.least(), at);
        }
    }

    #[test]
    fn what_grew_is_the_least_no_more() {
        let mut ranks = Ranks::with_capacity(20);
        ranks.clear();
        (0..20).for_each(|rank| ranks.push(f64::from(rank)));
        for round in 1..5 {
            for at in 0..20 {
                assert_eq!(ranks.least(), at);
                ranks.set(at, f64::from(20 * round) + at as f64);
            }
        }
    }
}
