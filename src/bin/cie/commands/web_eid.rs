//! `web-eid …`: this program and the browsers.

mod card;
mod desk;
mod host;
mod install;
mod turn;

use crate::arguments::Common;
use crate::arguments::web_eid::WebEid;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(command: &WebEid, common: &Common, output: Output) -> Result<(), Failure> {
    match command {
        WebEid::Install(command) => install::run(command, common, output),
        WebEid::Host(command) => host::run(command, common, output),
    }
}
