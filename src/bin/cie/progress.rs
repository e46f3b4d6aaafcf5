//! A sign of life on long steps: only at a terminal, never with `--json`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::language::Text;
use crate::output::Output;

/// A spinner with the present step; gone when dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins with this step.
    pub(crate) fn start(output: Output, step: Text) -> Self {
        let bar = ProgressBar::new_spinner();
        if output.json {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.set_message(format!("{} …", step.of(output.language)));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
