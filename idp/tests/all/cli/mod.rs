//! The command line, in this process but for `signet serve`: exit codes, both kinds of answer, what changed.

mod audit;
mod client;
mod doctor;
mod general;
mod key;
mod remote;
mod serve;
mod site;
mod tenant;
mod token;
mod unset;
mod user;
mod webhook;
