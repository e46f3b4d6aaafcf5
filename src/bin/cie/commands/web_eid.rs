//! `web-eid …`: this program and the browsers.

mod card;
mod desk;
mod host;
mod turn;

use crate::arguments::Common;
use crate::arguments::web_eid::WebEid;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: &WebEid, common: &Common, output: Output) -> Result<(), Failure> {
    match command {
        WebEid::Host(command) => host::run(command, common, output),
    }
}
