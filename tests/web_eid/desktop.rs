//! The real programs
