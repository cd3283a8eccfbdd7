//! Where a password comes from: standard input, a terminal, or chance. Never an argument, which everybody on the
//! machine can read.

use super::console::Console;
use super::exit::CliError;
use crate::domain::Secret;
use crate::service::random::Random;

/// Where a password comes from.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct PasswordSource {
    /// Read the password from standard input, up to the first line break
    #[arg(long)]
    password_stdin: bool,
    /// Make a password of 100 random bits and print it once
    #[arg(long)]
    generate_password: bool,
}

/// A password, and whether it has to be shown.
pub(super) struct Chosen {
    /// The password.
    pub(super) password: Secret,
    /// Whether it was made here: then nobody has it yet.
    pub(super) generated: bool,
}

impl PasswordSource {
    /// The password. Without an option, somebody at a terminal is asked.
    pub(super) fn choose(self, console: &mut Console<'_>, random: &dyn Random) -> Result<Chosen, CliError> {
        if self.generate_password {
            return Ok(Chosen { password: generate(random), generated: true });
        }
        let password = if self.password_stdin { read_line(console, "password")? } else { ask(console)? };
        Ok(Chosen { password, generated: false })
    }
}

/// The first line of standard input.
pub(super) fn read_line(console: &mut Console<'_>, what: &str) -> Result<Secret, CliError> {
    let input = console.read_input().map_err(|error| CliError::io(format!("the {what} can't be read"), &error))?;
    let line = input.expose().lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(CliError::usage(format!("the {what} on standard input is empty")));
    }
    Ok(Secret::new(line))
}

fn ask(console: &mut Console<'_>) -> Result<Secret, CliError> {
    let Some(prompt) = console.prompt.as_mut() else {
        return Err(CliError::usage(
            "there is no terminal to ask for a password: give --password-stdin or --generate-password",
        ));
    };
    let mut typed = |text: &str| prompt(text).map_err(|error| CliError::io("the password can't be read", &error));
    let password = typed("Password: ")?;
    if password.same_as(&typed("The same again: ")?) {
        Ok(password)
    } else {
        Err(CliError::usage("the two passwords differ; nothing was changed, try again"))
    }
}

/// 100 random bits in four groups, of letters and digits that can't be mistaken for one another.
pub(super) fn generate(random: &dyn Random) -> Secret {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let drawn = random.bytes::<20>().map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let groups: Vec<String> = drawn.chunks(5).map(|group| group.iter().collect()).collect();
    Secret::new(groups.join("-"))
}
