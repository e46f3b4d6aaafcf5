//! The search finds what leaks, whatever it is and however it is written.
