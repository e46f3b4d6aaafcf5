//! What may be told of the recorded dialogue itself: what is on the allow-list, and on which day it was.

use super::build::midnight;
use crate::transport::trace::Trace;

/// The diagnostic trace of a plain one. What only a plain trace has is told by the comparison in the report.
pub(super) fn diagnostic(plain: &Trace) -> Trace {
    Trace { clock: midnight(plain.clock), ..plain.diagnostic() }
}
