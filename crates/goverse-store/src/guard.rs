//! Whether a save may take effect. PostgreSQL asks the same in SQL, and comes here to say why not.

use goverse_node::{Conflict, Save, Tenure, Version};

/// What stands in the store when a save comes, read in the transaction that is to save.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// The fence of the save's tenure; 0 if there is none.
    pub(crate) fence: u64,
    /// Version and tenure of the row; 0 if there is none.
    pub(crate) version: Version,
    pub(crate) tenure: u64,
}

// === impl Standing ===

impl Standing {
    /// Refuses a save that is not of the newest tenure, or not on the newest version.
    pub(crate) fn admits(&self, save: &Save) -> Result<(), Conflict> {
        not_fenced(&save.tenure, self.fence)?;
        not_fenced(&save.tenure, self.tenure)?;
        if self.version == save.expected {
            Ok(())
        } else {
            Err(Conflict::Version { expected: save.expected, stored: self.version })
        }
    }
}

/// Refuses a tenure that is older than `fence`.
pub(crate) fn not_fenced(tenure: &Tenure, fence: u64) -> Result<(), Conflict> {
    if tenure.since >= fence {
        Ok(())
    } else {
        Err(Conflict::Fence { tenure: tenure.clone(), fence })
    }
}
