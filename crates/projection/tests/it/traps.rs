//! Selector traps of the framework map, one by one.
