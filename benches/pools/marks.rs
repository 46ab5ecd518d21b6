//! The figures with what is asked of them.

use std::process::ExitCode;

/// What was measured, line by line, and whether everything was as it should be.
#[derive(Default)]
pub(crate) struct Marks {
    missed: usize,
}

impl Marks {
    /// Prints a figure that should be at most `most`.
    #[allow(clippy::print_stdout, reason = "the figures are this program's only result")]
    pub(crate) fn at_most(&mut self, what: &str, figure: f64, most: f64) {
        let met = figure <= most;
        self.missed += usize::from(!met);
        let verdict = if met { "ok" } else { "MISSED" };
        println!("{what:<58} {figure:>10.2}  at most {most:>8.2}  {verdict}");
    }

    /// Prints a figure that explains another one.
    #[allow(clippy::print_stdout, reason = "the figures are this program's only result")]
    pub(crate) fn note(&self, what: &str, figure: f64) {
        println!("{what:<58} {figure:>10.2}");
    }

    /// Success if no mark was missed.
    pub(crate) fn conclude(self) -> ExitCode {
        if self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
