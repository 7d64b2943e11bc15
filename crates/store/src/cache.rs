//! Lately decoded blocks, so that neighbouring point reads decode once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bellwether_model::Record;

use crate::held;

const BLOCKS: usize = 8;

/// The last few blocks, newest first.
#[derive(Default)]
pub(crate) struct Cache(Mutex<VecDeque<Arc<Vec<Record>>>>);

impl Cache {
    /// The block that holds `seq`, if it is here.
    pub(crate) fn block(&self, seq: u64) -> Option<Arc<Vec<Record>>> {
        let mut blocks = held(&self.0);
        let i = blocks.iter().position(|block| record(block, seq).is_some())?;
        let block = blocks.remove(i)?;
        blocks.push_front(Arc::clone(&block));
        Some(block)
    }

    pub(crate) fn put(&self, block: Arc<Vec<Record>>) {
        let mut blocks = held(&self.0);
        blocks.push_front(block);
        blocks.truncate(BLOCKS);
    }
}

/// Record `seq` of a block, whose sequences have no gaps.
pub(crate) fn record(block: &[Record], seq: u64) -> Option<&Record> {
    let i = seq.checked_sub(block.first()?.seq)?;
    block.get(usize::try_from(i).ok()?)
}
