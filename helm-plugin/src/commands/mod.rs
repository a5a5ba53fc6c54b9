//! The verbs: arguments to the library, the library's answer to an exit code.

pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod install;
pub(crate) mod rescue;
pub(crate) mod status;
pub(crate) mod template;
pub(crate) mod test;
pub(crate) mod uninstall;
pub(crate) mod upgrade;
