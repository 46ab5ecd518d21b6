//! `import-gms`: makes a configuration of the options that a GMS site has exported.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::{Failure, Outcome, output};
use crate::{access, config};

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway import-gms samples/gms/options.cfg > gateway.toml

Prints the configuration on standard output, and on standard error what it could not carry over. Passwords are written \
as hashes.")]
pub(super) struct ImportGms {
    /// Option file, as Genesys Administrator exports it: the options of GMS and the sections of the list GMS_Resources
    file: PathBuf,
    /// Id of the tenant that the options are for
    #[arg(long, value_name = "ID", default_value = "gms")]
    tenant: String,
}

impl ImportGms {
    pub(super) fn run(self) -> Outcome {
        let name = self.file.display();
        let bytes = std::fs::read(&self.file);
        let bytes = bytes.map_err(|error| Failure::Usage(format!("{name}: cannot be read: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::Usage(format!("{name}: must be UTF-8 text")))?;
        let hash = |password: &str| {
            let hash = access::hash_secret(&SecretString::from(password));
            hash.map_err(|error| format!("a password cannot be hashed: {error}"))
        };
        let imported = config::import::gms_options(&text, &self.tenant, hash);
        let imported = imported.map_err(|problem| Failure::Usage(format!("{name}: {problem}")))?;
        output::result(imported.toml.trim_end())?;
        for line in &imported.left_out {
            output::complain(&format!("not carried over: {name}: {line}"));
        }
        Ok(())
    }
}
