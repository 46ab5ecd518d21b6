//! The commands. Nothing but arguments, exit codes and calls into the layers below.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 success, 1 the operation failed,
//! 2 wrong usage or configuration.

mod backup;
mod check;
mod client;
mod compact;
mod demo;
mod groups;
mod hash_secret;
mod healthcheck;
mod http;
mod import_gms;
mod logging;
mod numbers;
mod output;
mod progress;
mod restore;
mod serve;
mod tls;
mod url;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;

/// What is told of settings by which nobody can call.
const NO_TENANT: &str = "there is no [[tenant]], so every call will be refused";

/// Why a command did not succeed; the message is for the person at the terminal.
#[derive(Debug)]
enum Failure {
    /// The operation failed: exit code 1.
    Operation(String),
    /// Wrong usage or configuration: exit code 2.
    Usage(String),
}

type Outcome = Result<(), Failure>;

/// Lends, recognises and frees access numbers (DNIS) for contact centers, over the protocols their systems speak.
#[derive(Debug, Parser)]
#[command(
    name = "dnis-gateway",
    version,
    arg_required_else_help = true,
    after_help = "Example: dnis-gateway serve --demo"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Serve),
    /// Check a configuration file; every problem is told with its place
    Check(check::Check),
    /// Read a secret from standard input and print its hash for the configuration file
    #[command(after_help = "Example: printf %s 'the password' | dnis-gateway hash-secret")]
    HashSecret,
    /// Make a configuration of the options that a GMS site has exported
    ImportGms(import_gms::ImportGms),
    /// Import, export and list the numbers of a running gateway
    Numbers(numbers::Numbers),
    /// Tell how many numbers the groups of a running gateway need
    Groups(groups::Groups),
    /// Ask a running gateway whether it is ready; exit code 0 if it is
    Healthcheck(healthcheck::Healthcheck),
    /// Write everything a running gateway holds into a file
    Backup(backup::Backup),
    /// Make a data directory of a backup, or fill a database with it
    Restore(restore::Restore),
    /// Write the files of a data directory anew, as small as they can be
    Compact(compact::Compact),
    /// Look at everything in a data directory and touch nothing
    Verify(verify::Verify),
}

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    // Prints help, version and usage errors itself, the last with exit code 2.
    let arguments = Arguments::parse();
    // Whatever the mask of the shell or the service manager: what is written here holds callers' data and keys.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let outcome = match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Check(check) => check.run(),
        Command::HashSecret => hash_secret::run(),
        Command::ImportGms(import) => import.run(),
        Command::Numbers(numbers) => numbers.run(),
        Command::Groups(groups) => groups.run(),
        Command::Healthcheck(healthcheck) => healthcheck.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Compact(compact) => compact.run(),
        Command::Verify(verify) => verify.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Operation(message)) => {
            output::complain(&message);
            ExitCode::from(1)
        }
        Err(Failure::Usage(message)) => {
            output::complain(&message);
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn every_command_shows_an_example(command: &mut clap::Command) {
        let help = command.render_long_help().to_string();
        assert!(help.contains("Example: "), "{help}");
        for subcommand in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            every_command_shows_an_example(subcommand);
        }
    }

    fn every_paragraph_leaves_its_lines_to_whoever_prints_it(command: &mut clap::Command) {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.starts_with("Example: ")) {
            assert!(!paragraph.contains('\n'), "{}: would be broken in odd places: {paragraph}", command.get_name());
        }
        command.get_subcommands_mut().for_each(every_paragraph_leaves_its_lines_to_whoever_prints_it);
    }

    #[test]
    fn the_text_below_an_example_is_wrapped_once_by_the_one_that_prints_it() {
        every_paragraph_leaves_its_lines_to_whoever_prints_it(&mut Arguments::command());
    }

    #[test]
    fn the_arguments_are_consistent_and_every_command_shows_an_example() {
        let mut command = Arguments::command();
        command.clone().debug_assert();
        every_command_shows_an_example(&mut command);
    }
}
