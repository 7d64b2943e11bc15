//! Standard input.

use super::Input;

pub(super) fn open() -> Input {
    Input::reader("stdin", std::io::stdin())
}
